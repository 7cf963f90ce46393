//go:build amd64 && !noasm

package cpu

import "syscall"

// Arguments of arch_prctl (Linux, Documentation/arch/x86/xstate.rst).
const (
	requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
	tileData          = 18     // the state component of the tile registers
)

// allowTiles asks the system to save the tile registers of this process, which it
// does for those that ask only: they are 8 KiB a thread. The permission holds for
// all threads, those to come too.
func allowTiles() bool {
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
