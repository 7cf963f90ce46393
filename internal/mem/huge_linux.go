package mem

import "syscall"

// adviseHuge asks for huge pages. Without them everything works the same, so
// that a refusal is no error.
func adviseHuge(data []byte) {
	const huge = 14 // MADV_HUGEPAGE
	_ = syscall.Madvise(data, huge)
}
