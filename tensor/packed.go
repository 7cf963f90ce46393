package tensor

import "github.com/hadal-ml/hadal/internal/kernel/conv"

// packedWeights are the weights of a convolution in the order in which its
// kernel reads them. In training every update makes them stale, and packing is
// one pass among many. In inference the same weights serve again and again, and
// with one image at a time packing them would take a quarter of the time: there
// they are kept beside the weights until those change.
type packedWeights struct {
	version uint64 // of the elements that were packed
	weights *conv.Weights
}

// isLasting reports whether t is all of a memory that no scope takes back.
func (t *Tensor) isLasting() bool {
	root := t.store.root()
	return root.scope == nil && len(root.data) == t.Len()*t.dtype.Size()
}

// packedFor returns the elements of t packed for convolutions of a shape. Several
// goroutines may ask at once; at worst each packs for itself.
func (t *Tensor) packedFor(s conv.Shape) *conv.Weights {
	root := t.store.root()
	if p := root.packed.Load(); p != nil && p.version == root.version && p.weights.Fit(s) {
		return p.weights
	}
	p := &packedWeights{root.version, conv.Pack(s, dense[float32](t))}
	root.packed.Store(p)
	return p.weights
}
