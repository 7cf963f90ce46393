package tensor

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
)

// dropoutAttr names the random words that decide, and the probability.
type dropoutAttr struct {
	key rng.Key
	p   float64
}

var opDropout *Op

func init() {
	opDropout = register(&Op{Name: "dropout", Doc: "Dropout zeroes elements at random and scales up the rest.", ONNX: "Dropout",
		Saved: savesNothing,
		Infer: func(c *Call) []Spec { wantFloat(c); return []Spec{sameAs(c.In[0])} },
		Run: func(c *Call) {
			switch x, y := c.In[0], c.Out[0]; x.dtype {
			case Float32:
				dropout[float32](y, x, c.Attr.(dropoutAttr))
			case Float64:
				dropout[float64](y, x, c.Attr.(dropoutAttr))
			default:
				misfit("dropout", c.In, "not defined for %v; convert to float32", x.dtype)
			}
		},
		// The mask is not stored: the same random words make it again. It
		// belongs to the memory order of x, which the gradient must share.
		Grad: func(g *GradCall) {
			gy := g.Gy(0)
			if !SameLayout(g.Out[0], gy) {
				gy = apply(opCopy, g.Out[0].stride, gy)
			}
			g.Set(0, apply(opDropout, g.Attr, gy))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "half", In: []*Tensor{s.Normal(5, 7)}, Attr: dropoutAttr{rng.New(3), 0.5}},
				{Name: "channels last", In: []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast()}, Attr: dropoutAttr{rng.New(4), 0.25}}}
		}})
}

func dropout[T real](y, x *Tensor, a dropoutAttr) {
	key, nonce := a.key.Words()
	d, s := dense[T](y), dense[T](x)
	par.For(len(d), chunkElements, func(lo, hi int) {
		vec.Dropout(d[lo:hi], s[lo:hi], key, nonce, uint64(lo/4), a.p, T(1/(1-a.p)))
	})
}

// Dropout zeroes each element with probability p in [0, 1) and scales the
// others by 1/(1-p) (Srivastava et al. 2014). The random numbers come from r;
// nothing is stored for the way back.
func (t *Tensor) Dropout(p float64, r *Rand) *Tensor {
	if !(p >= 0 && p < 1) {
		panic(&UseError{"dropout", fmt.Sprintf("the probability %v is outside [0, 1)", p)})
	}
	if p == 0 {
		return t
	}
	x := t
	if !x.isDense() {
		x = x.Contiguous()
	}
	return apply(opDropout, dropoutAttr{r.draw(), p}, x)
}
