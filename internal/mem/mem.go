// Package mem hands out aligned buffers and takes them back, so that a
// training step that repeats needs no new memory. It is not a garbage
// collector: whoever took a buffer gives it back, once, or lets it go.
package mem

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Alignment of every buffer, in bytes: one cache line, one AVX-512 register.
const Alignment = 64

// classesPerDouble is how finely sizes are graded: at most 1/8 is wasted.
const classesPerDouble = 8

// Bytes returns n bytes aligned to Alignment that nobody else uses. Fresh
// memory is zero; the garbage collector frees it.
func Bytes(n int) []byte {
	if n == 0 {
		return nil
	}
	raw := make([]byte, n+Alignment)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (Alignment - 1))
	return raw[off : off+n : off+n]
}

// Fresh is Bytes with the capacity of a buffer of a pool, so that the two can
// take each other's place.
func Fresh(n int) []byte {
	if n == 0 {
		return nil
	}
	return Bytes(classSize(n))[:n]
}

// Pool keeps returned buffers by size class. The zero value is ready. All
// methods may be called from several goroutines.
type Pool struct {
	mu   sync.Mutex
	free map[int][][]byte // capacity -> buffers
	live int              // bytes handed out and not returned
	held int              // bytes owned in all, handed out or free
}

// Default is the pool that tensors and kernels share.
var Default Pool

// Get returns n bytes with unspecified contents.
func (p *Pool) Get(n int) []byte {
	if n == 0 {
		return nil
	}
	size := classSize(n)
	p.mu.Lock()
	p.live += size
	if list := p.free[size]; len(list) > 0 {
		buf := list[len(list)-1]
		list[len(list)-1] = nil
		p.free[size] = list[:len(list)-1]
		p.mu.Unlock()
		return buf[:n]
	}
	p.held += size
	p.mu.Unlock()
	return newChunk(size)[:n:size]
}

// Put takes back a buffer that Get returned. It must not be used afterwards.
func (p *Pool) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	p.mu.Lock()
	if p.free == nil {
		p.free = make(map[int][][]byte)
	}
	p.free[cap(buf)] = append(p.free[cap(buf)], buf[:cap(buf)])
	p.live -= cap(buf)
	p.mu.Unlock()
}

// Live reports the bytes handed out and not returned; Held those owned in all.
func (p *Pool) Live() int { p.mu.Lock(); defer p.mu.Unlock(); return p.live }

// Held reports the bytes the pool owns, whether handed out or free.
func (p *Pool) Held() int { p.mu.Lock(); defer p.mu.Unlock(); return p.held }

// Trim drops the free buffers, so that the garbage collector can have them.
func (p *Pool) Trim() {
	p.mu.Lock()
	for size, list := range p.free {
		p.held -= size * len(list)
	}
	p.free = nil
	p.mu.Unlock()
}

// Float32s is Get for n float32 from the default pool.
func Float32s(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Default.Get(4*n)))), n)
}

// PutFloat32s gives back what Float32s returned, at its full length.
func PutFloat32s(s []float32) {
	if len(s) == 0 {
		return
	}
	n := classSize(4 * len(s))
	Default.Put(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), n))
}

// classSize rounds n up to its size class: eight classes to a doubling.
func classSize(n int) int {
	const smallest = 8 * Alignment
	if n <= smallest {
		return (n + Alignment - 1) &^ (Alignment - 1)
	}
	step := 1 << (bits.Len(uint(n-1)) - 1) / classesPerDouble
	return (n + step - 1) / step * step
}
