package tensor

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/conv"
)

// packedWeights are the weights of a convolution in the order in which its
// kernel reads them. In training every update makes them stale, and packing is
// one pass among many. In inference the same weights serve again and again, and
// with one image at a time packing them would take a quarter of the time: there
// they are kept beside the weights until those change. A normalisation behind
// the convolution, whose statistics are fixed in inference, is part of them.
type packedWeights struct {
	source packedSource
	bias   []float32       // of the convolution or of the normalisation, or nil
	forms  []*conv.Weights // for images of different sizes; at most keptForms
}

// keptForms is how many forms of the same weights there can be: panels for
// products, and transformed ones.
const keptForms = 2

// packedSource tells what was packed: weight, bias, and the operands of the
// normalisation. Every overwrite of a tensor changes its version.
type packedSource struct {
	stores   [6]*storage
	versions [6]uint64
	eps      float64
}

func packedSourceOf(eps float64, operands ...*Tensor) packedSource {
	s := packedSource{eps: eps}
	for i, t := range operands {
		if t != nil {
			s.stores[i], s.versions[i] = t.store.root(), versionOf(t)
		}
	}
	return s
}

// areLasting reports whether each of the tensors is all of a memory that no scope
// takes back. Those that are absent do not count.
func areLasting(list ...*Tensor) bool {
	for _, t := range list {
		if t == nil {
			continue
		}
		root := t.store.root()
		if root.scope != nil || len(root.data) != t.Len()*t.dtype.Size() {
			return false
		}
	}
	return true
}

// packedFor returns the weights of convolutions of a shape, and their bias. With
// norm, if that is not nil, both are those of convolution and normalisation.
// Several goroutines may ask at once; at worst each packs for itself.
func packedFor(s conv.Shape, w, bias *Tensor, norm *FixedNorm) (*conv.Weights, []float32) {
	source := packedSourceOf(0, w, bias)
	if norm != nil {
		source = packedSourceOf(norm.Eps, w, bias, norm.Mean, norm.Var, norm.Gamma, norm.Beta)
	}
	root := w.store.root()
	p := root.packed.Load()
	if p == nil || p.source != source {
		p = &packedWeights{source: source}
	}
	for _, f := range p.forms {
		if f.Fit(s) {
			return f, p.bias
		}
	}
	values := dense[float32](w)
	next := &packedWeights{source: source, bias: denseOrNil[float32](bias)}
	if norm != nil {
		values, next.bias = norm.fold(values, next.bias)
	}
	form := conv.Pack(s, values)
	next.forms = append(next.forms, p.forms[max(0, len(p.forms)-keptForms+1):]...)
	next.forms = append(next.forms, form)
	root.packed.Store(next)
	return form, next.bias
}

// fold returns weights and bias of a convolution that does the normalisation too:
//
//	(w*x + b - mean)/sqrt(var + eps)*gamma + beta = (w*scale)*x + (b*scale + shift)
func (n *FixedNorm) fold(weights, bias []float32) (folded, shift []float32) {
	scale, shift := fixedAffine[float32](n)
	folded = make([]float32, len(weights))
	each := len(weights) / len(scale)
	for k, f := range scale {
		for i, w := range weights[k*each:][:each] {
			folded[k*each+i] = w * f
		}
		if bias != nil {
			shift[k] = float32(float64(shift[k]) + float64(bias[k])*float64(f))
		}
	}
	return folded, shift
}

// fixedAffine returns the numbers with which a normalisation is x*scale + shift.
func fixedAffine[T real](n *FixedNorm) (scale, shift []T) {
	mean, variance := dense[T](n.Mean), dense[T](n.Var)
	rstd := make([]T, len(mean))
	for i, v := range variance {
		rstd[i] = T(1 / math.Sqrt(float64(v)+n.Eps))
	}
	return affineOf(denseOrNil[T](n.Gamma), denseOrNil[T](n.Beta), mean, rstd)
}
