package mem

import (
	"slices"
	"sync"
	"unsafe"
)

// Arena cuts buffers out of a few large chunks, each at the lowest place where
// it fits, and joins what comes back with its free neighbours. For a training
// step, whose sizes differ and whose buffers end nearly in the reverse order of
// their beginning, that needs about a quarter less memory than one list of free
// buffers for each size, and within a few per cent of what a placement needs
// that knows all lifetimes beforehand (docs/performance.md). All methods may be
// called from several goroutines.
type Arena struct {
	mu     sync.Mutex
	chunks []chunk
	held   int
}

// chunk is one piece of memory and the parts of it that are free, in order and
// never side by side.
type chunk struct {
	data []byte
	free []extent
}

type extent struct{ from, to int }

// idle are the arenas that nobody uses. The one that came back last is the
// first to go, so that steps which follow each other share one.
var idle struct {
	mu   sync.Mutex
	list []*Arena
}

// TakeArena returns an empty arena, with the chunks that an earlier user left.
func TakeArena() *Arena {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	if n := len(idle.list); n > 0 {
		a := idle.list[n-1]
		idle.list[n-1] = nil
		idle.list = idle.list[:n-1]
		return a
	}
	return &Arena{}
}

// Release gives the arena, and every buffer of it, to the next who takes one.
func (a *Arena) Release() {
	a.mu.Lock()
	for i := range a.chunks {
		c := &a.chunks[i]
		c.free = append(c.free[:0], extent{0, len(c.data)})
	}
	a.mu.Unlock()
	idle.mu.Lock()
	idle.list = append(idle.list, a)
	idle.mu.Unlock()
}

// Held reports the bytes of all chunks.
func (a *Arena) Held() int { a.mu.Lock(); defer a.mu.Unlock(); return a.held }

// IdleArenas reports the bytes of the arenas that nobody uses.
func IdleArenas() (held int) {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	for _, a := range idle.list {
		held += a.Held()
	}
	return held
}

// Get returns n bytes with unspecified contents.
func (a *Arena) Get(n int) []byte {
	if n == 0 {
		return nil
	}
	size := (n + Alignment - 1) &^ (Alignment - 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.chunks {
		c := &a.chunks[i]
		for k := range c.free {
			f := &c.free[k]
			if f.to-f.from < size {
				continue
			}
			at := f.from
			if f.from += size; f.from == f.to {
				c.free = slices.Delete(c.free, k, k+1)
			}
			return c.data[at : at+n : at+size]
		}
	}
	data := newChunk(max(size, a.held/2, smallestChunk))
	a.held += len(data)
	c := chunk{data: data}
	if size < len(data) {
		c.free = []extent{{size, len(data)}}
	}
	a.chunks = append(a.chunks, c)
	return data[:n:size]
}

// Put takes back a buffer that Get returned. It must not be used afterwards.
func (a *Arena) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	p := uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.chunks {
		c := &a.chunks[i]
		start := uintptr(unsafe.Pointer(unsafe.SliceData(c.data)))
		if p < start || p >= start+uintptr(len(c.data)) {
			continue
		}
		e := extent{int(p - start), int(p-start) + cap(buf)}
		k, _ := slices.BinarySearchFunc(c.free, e.from, func(f extent, from int) int { return f.from - from })
		joinsNext := k < len(c.free) && c.free[k].from == e.to
		switch joinsLast := k > 0 && c.free[k-1].to == e.from; {
		case joinsLast && joinsNext:
			c.free[k-1].to = c.free[k].to
			c.free = slices.Delete(c.free, k, k+1)
		case joinsLast:
			c.free[k-1].to = e.to
		case joinsNext:
			c.free[k].from = e.from
		default:
			c.free = slices.Insert(c.free, k, e)
		}
		return
	}
	panic("mem: a buffer was given to an arena that it is not from")
}

const (
	smallestChunk = 256 << 10
	hugePage      = 2 << 20
)

// Lasting returns n float32 for what is made once and read many times, as kept
// weights are. The garbage collector frees them.
func Lasting(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(newChunk(4*n)))), n)
}

// newChunk returns memory of at least n bytes. Large chunks begin and end with
// huge pages, which the system is asked for: a tensor of many megabytes walked
// in strides misses the table of small pages at every step.
func newChunk(n int) []byte {
	if n < 2*hugePage {
		return Bytes(n)
	}
	n = (n + hugePage - 1) &^ (hugePage - 1)
	raw := make([]byte, n+hugePage)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (hugePage - 1))
	data := raw[off : off+n : off+n]
	adviseHuge(data)
	return data
}
