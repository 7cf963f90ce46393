package tensor

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hadal-ml/hadal/internal/mem"
)

// storage is the memory that a tensor and its views share.
type storage struct {
	data    []byte
	version uint64   // counts overwrites, so that the tape can tell a stale value
	scope   *Scope   // nil: the garbage collector frees it
	shared  *storage // whose elements these are, when a scope only views them
	holders int32    // during a backward pass: what will still read it
	pooled  bool     // data is from the pool, not from the scope's arena
	result  bool     // an operation of a scope made it
	end     ending   // why data is nil

	packed atomic.Pointer[packedWeights] // of the root, made by the first inference
}

// ending is what became of the memory of a storage.
type ending uint8

const (
	inUse    ending = iota
	released        // with its scope
	consumed        // by a backward pass that is the last
)

// root is the storage that counts the overwrites.
func (s *storage) root() *storage {
	if s.shared != nil {
		return s.shared
	}
	return s
}

// Scope owns the memory of one step. Tensors made from a tensor of a scope
// belong to it too, and Release gives all of their memory back at once, so
// that a step that is repeated needs no new memory. Training loops that are
// written without one work the same; their memory is left to the garbage
// collector.
//
// What must outlive the scope is copied out with [Tensor.Keep] or read with
// Item and its kin. Leaf gradients never belong to a scope.
type Scope struct {
	mu     sync.Mutex
	stores []*storage
	arena  *mem.Arena
	noGrad bool
	depth  int   // 1 for that of a backward pass, one more for one within it
	lent   bool  // the arena is that of the scope around
	apart  []int // sizes of what must not lie in the arena

	bfloat16 bool // products round their factors to it: SetAutocast
}

// memory returns the arena, which a scope has from its first tensor to Release.
// The caller holds the lock.
func (s *Scope) memory() *mem.Arena {
	if s.arena == nil {
		s.arena = mem.TakeArena()
	}
	return s.arena
}

// inner returns the scope that belongs to the other one's step, of two which
// may be nil: results of their tensors belong to it.
func inner(a, b *Scope) *Scope {
	if a == nil || b != nil && b.depth > a.depth {
		return b
	}
	return a
}

// NewScope returns an empty scope.
func NewScope() *Scope { return &Scope{} }

// NewInferenceScope returns a scope whose tensors are never recorded on a tape.
func NewInferenceScope() *Scope { return &Scope{noGrad: true} }

// Adopt returns a copy of t that belongs to the scope. What is computed from
// it belongs to the scope too.
func (s *Scope) Adopt(t *Tensor) *Tensor {
	out := newTensor(s, t.dtype, t.shape, denseLike(t.shape, t.stride))
	copyInto(out, t)
	out.noGrad = s.noGrad || t.noGrad
	return out
}

// View returns t as a member of the scope without copying it: what is computed
// from it belongs to the scope. The elements stay t's and outlive the scope.
func (s *Scope) View(t *Tensor) *Tensor {
	t.checkUsable("view")
	v := t.alias()
	v.store = &storage{data: t.store.data, scope: s, shared: t.store.root()}
	v.noGrad = s.noGrad || t.noGrad
	return v
}

// Release gives back the memory of every tensor of the scope. Using one of
// them afterwards panics. The scope can be used again.
func (s *Scope) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, st := range s.stores {
		if st.data != nil && (s.lent || st.pooled) {
			st.giveBack(released)
		}
		st.data = nil
		s.stores[i] = nil
	}
	s.stores = s.stores[:0]
	if s.arena != nil && !s.lent {
		s.arena.Release()
		s.arena = nil
	}
}

// giveBack returns the memory; using a tensor of it panics from now on.
func (s *storage) giveBack(why ending) {
	if s.pooled {
		mem.Default.Put(s.data)
	} else {
		s.scope.arena.Put(s.data)
	}
	s.data, s.end = nil, why
}

// sweep gives back what was made since the scope had mark tensors and nothing holds.
func (s *Scope) sweep(mark int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.stores[:mark]
	for _, st := range s.stores[mark:] {
		if st.holders > 0 {
			kept = append(kept, st)
		} else {
			st.giveBack(released)
		}
	}
	clear(s.stores[len(kept):])
	s.stores = kept
}

// moveTo makes the memory belong to the scope around, from which it is, or
// copies it for the garbage collector.
func (s *storage) moveTo(to *Scope) {
	from := s.scope
	from.mu.Lock()
	if i := slices.Index(from.stores, s); i >= 0 {
		from.stores = slices.Delete(from.stores, i, i+1)
	}
	from.mu.Unlock()
	s.holders = 0
	if to == nil {
		kept := mem.Bytes(len(s.data))
		copy(kept, s.data)
		s.giveBack(released)
		s.data, s.scope, s.result = kept, nil, false
		return
	}
	s.scope = to
	to.mu.Lock()
	to.stores = append(to.stores, s)
	to.mu.Unlock()
}

// newStorage returns memory for n bytes with unspecified contents.
func newStorage(s *Scope, n int) *storage {
	if s == nil {
		return &storage{data: mem.Bytes(n)}
	}
	st := &storage{scope: s, pooled: slices.Contains(s.apart, n)}
	s.mu.Lock()
	if st.pooled {
		st.data = mem.Default.Get(n)
	} else {
		st.data = s.memory().Get(n)
	}
	s.stores = append(s.stores, st)
	s.mu.Unlock()
	return st
}
