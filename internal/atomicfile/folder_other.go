//go:build !unix

package atomicfile

import (
	"errors"
	"syscall"
)

// syncFolder does nothing: Windows has no call that syncs a folder; its file
// system journals the rename.
func syncFolder(string) error { return nil }

// Windows reports a full disk as one of two codes of its own.
const (
	errorHandleDiskFull = syscall.Errno(39)
	errorDiskFull       = syscall.Errno(112)
)

func isDiskFull(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull) || errors.Is(err, syscall.ENOSPC)
}
