package tensor

import (
	"sync"

	"github.com/hadal-ml/hadal/internal/mem"
)

// storage is the memory that a tensor and its views share.
type storage struct {
	data    []byte
	version uint64   // counts overwrites, so that the tape can tell a stale value
	scope   *Scope   // nil: the garbage collector frees it
	shared  *storage // whose elements these are, when a scope only views them
}

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
	noGrad bool
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
		mem.Default.Put(st.data)
		st.data = nil
		s.stores[i] = nil
	}
	s.stores = s.stores[:0]
}

// newStorage returns memory for n bytes with unspecified contents.
func newStorage(s *Scope, n int) *storage {
	if s == nil {
		return &storage{data: mem.Bytes(n)}
	}
	st := &storage{data: mem.Default.Get(n), scope: s}
	s.mu.Lock()
	s.stores = append(s.stores, st)
	s.mu.Unlock()
	return st
}
