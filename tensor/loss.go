package tensor

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// crossEntropyAttr are the settings of SoftmaxCrossEntropy.
type crossEntropyAttr struct {
	ignore    int64
	smoothing float64
}

var opCrossEntropy, opCrossEntropyGrad *Op

func init() {
	opCrossEntropy = register(&Op{Name: "softmax_cross_entropy", Doc: "SoftmaxCrossEntropy is the cross-entropy of each row's softmax with its class; beside it the greatest logit and the sum of the exponentials, for the gradient.", ONNX: "SoftmaxCrossEntropyLoss",
		Saved: &Saved{In: []int{0, 1}, Out: []int{1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			x, labels := c.In[0], c.In[1]
			if len(x.shape) != 2 || len(labels.shape) != 1 || x.shape[0] != labels.shape[0] || labels.dtype != Int64 || x.dtype != Float32 && x.dtype != Float64 {
				misfit(c.Op.Name, c.In, "needs float logits (N, classes) and int64 classes (N,)")
			}
			ignore := c.Attr.(crossEntropyAttr).ignore
			for i, l := range dense[int64](labels) {
				if l != ignore && (l < 0 || l >= int64(x.shape[1])) {
					misfit(c.Op.Name, c.In, "class %d in row %d is outside the %d classes 0 to %d", l, i, x.shape[1], x.shape[1]-1)
				}
			}
			return []Spec{{[]int{x.shape[0]}, x.dtype, nil}, {[]int{x.shape[0], 2}, x.dtype, nil}}
		},
		Run: func(c *Call) {
			rows, n := rowsOf(c.In[0])
			if c.In[0].dtype == Float32 {
				byRows(rows, n, func(lo, hi int) { crossEntropyRows[float32](c, lo, hi, n) })
			} else {
				byRows(rows, n, func(lo, hi int) { crossEntropyRows[float64](c, lo, hi, n) })
			}
		},
		Grad: func(g *GradCall) {
			g.Set(0, apply(opCrossEntropyGrad, g.Attr, g.Gy(0).Contiguous(), g.In[0], g.Out[1], g.In[1]))
		},
		Define: func(c *Call) []*Tensor {
			x := c.In[0]
			target := targetDistribution(c.In[1], x.shape[1], c.Attr.(crossEntropyAttr)).To(x.dtype)
			return []*Tensor{x.LogSoftmax(1).Mul(target).Sum(1).Neg(), nil}
		},
		Samples: crossEntropySamples})
	opCrossEntropyGrad = register(&Op{Name: "softmax_cross_entropy_grad", Doc: "The gradient of SoftmaxCrossEntropy: gy * (softmax - target).",
		NoGrad: "second derivatives go through the definition of softmax_cross_entropy",
		Infer:  func(c *Call) []Spec { return []Spec{{c.In[1].shape, c.In[1].dtype, nil}} },
		Run: func(c *Call) {
			rows, n := rowsOf(c.In[1])
			if c.In[1].dtype == Float32 {
				byRows(rows, n, func(lo, hi int) { crossEntropyGradRows[float32](c, lo, hi, n) })
			} else {
				byRows(rows, n, func(lo, hi int) { crossEntropyGradRows[float64](c, lo, hi, n) })
			}
		},
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for _, f := range crossEntropySamples(s) {
				y := applyAll(opCrossEntropy, f.Attr, f.In...)
				out = append(out, Sample{f.Name, []*Tensor{s.Normal(f.In[0].shape[0]), f.In[0], y[1], f.In[1]}, f.Attr})
			}
			return out
		}})
}

func crossEntropyRows[T real](c *Call, lo, hi, n int) {
	a := c.Attr.(crossEntropyAttr)
	vec.SoftmaxCrossEntropyRows(dense[T](c.Out[0])[lo:hi], dense[T](c.Out[1])[2*lo:2*hi], dense[T](c.In[0])[lo*n:hi*n],
		dense[int64](c.In[1])[lo:hi], hi-lo, n, n, a.ignore, T(a.smoothing))
}

func crossEntropyGradRows[T real](c *Call, lo, hi, n int) {
	a := c.Attr.(crossEntropyAttr)
	vec.SoftmaxCrossEntropyGradRows(dense[T](c.Out[0])[lo*n:hi*n], dense[T](c.In[1])[lo*n:hi*n], dense[T](c.In[2])[2*lo:2*hi],
		dense[int64](c.In[3])[lo:hi], dense[T](c.In[0])[lo:hi], hi-lo, n, n, a.ignore, T(a.smoothing))
}

// targetDistribution spreads each class over the row it stands for: 1-s+s/n at
// the class, s/n elsewhere, nothing for a class that is ignored.
func targetDistribution(labels *Tensor, classes int, a crossEntropyAttr) *Tensor {
	v := make([]float64, labels.Len()*classes)
	for i, l := range labels.Int64s() {
		if l == a.ignore {
			continue
		}
		row := v[i*classes : (i+1)*classes]
		for j := range row {
			row[j] = a.smoothing / float64(classes)
		}
		row[l] += 1 - a.smoothing
	}
	return FromSlice(v, labels.Len(), classes)
}

func crossEntropySamples(s *Sampler) []Sample {
	return []Sample{
		{"plain", []*Tensor{s.Normal(4, 3), FromSlice([]int64{0, 2, 1, 1})}, crossEntropyAttr{ignore: -100}},
		{"smoothed, one ignored", []*Tensor{s.Normal(3, 5), FromSlice([]int64{4, -1, 0})}, crossEntropyAttr{ignore: -1, smoothing: 0.1}},
	}
}

// CrossEntropyOptions are the settings of SoftmaxCrossEntropy.
type CrossEntropyOptions struct {
	IgnoreIndex    int64   // rows with this class have loss 0; see SoftmaxCrossEntropy for the default
	LabelSmoothing float64 // in [0, 1): the share that is spread over all classes
}

// SoftmaxCrossEntropy returns the cross-entropy of each row's softmax with its
// class: logits (N, classes) and int64 classes (N,) give losses (N,). It is one
// pass over the logits, forward and back. The zero IgnoreIndex ignores nothing;
// any other is ignored. A class outside the range panics with its row.
func SoftmaxCrossEntropy(logits, classes *Tensor, o CrossEntropyOptions) *Tensor {
	a := crossEntropyAttr{ignore: o.IgnoreIndex, smoothing: o.LabelSmoothing}
	if a.ignore == 0 {
		a.ignore = -1 << 63
	}
	if !(a.smoothing >= 0 && a.smoothing < 1) {
		panic(&UseError{"softmax_cross_entropy", fmt.Sprintf("a label smoothing of %v is outside [0, 1)", a.smoothing)})
	}
	return applyAll(opCrossEntropy, a, logits.Contiguous(), classes.To(Int64).Contiguous())[0]
}
