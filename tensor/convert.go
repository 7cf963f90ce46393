package tensor

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

var opTo, opCopy *Op

func init() {
	opTo = register(&Op{Name: "to", Doc: "To converts to another element type; floats round to nearest, floats to integers truncate.", ONNX: "Cast",
		Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			s := sameAs(c.In[0])
			s.DType = c.Attr.(DType)
			return []Spec{s}
		},
		Run: func(c *Call) { copyInto(c.Out[0], c.In[0]) },
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				g.Set(0, g.Gy(0).To(g.In[0].dtype))
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "float64", In: []*Tensor{s.Normal(3, 4)}, Attr: Float64}}
		}})
	opCopy = register(&Op{Name: "copy", Doc: "Copy returns the same elements in memory of their own, with a given stride.", ONNX: "Identity",
		Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			return []Spec{{c.In[0].shape, c.In[0].dtype, c.Attr.([]int)}}
		},
		Run: func(c *Call) { copyInto(c.Out[0], c.In[0]) },
		Grad: func(g *GradCall) {
			// What comes back to images lies as they do: the gradients before it then
			// find all their operands in one layout.
			gy := g.Gy(0)
			if g.In[0].isChannelsLast() {
				gy = gy.ChannelsLast()
			}
			g.Set(0, gy)
		},
		Samples: func(s *Sampler) []Sample {
			x := s.Normal(2, 3, 4, 2)
			return []Sample{
				{Name: "row-major of a transpose", In: []*Tensor{s.Normal(3, 4).T()}, Attr: contiguousStride([]int{4, 3})},
				{Name: "channels last", In: []*Tensor{x}, Attr: channelsLastStride(x.shape)},
				{Name: "as it is", In: []*Tensor{s.Normal(2, 3)}, Attr: contiguousStride([]int{2, 3})},
			}
		}})
}

// To converts to another element type; t itself when it has it already.
// Floats round to nearest even, floats to integers truncate toward zero,
// anything but zero is true.
func (t *Tensor) To(d DType) *Tensor {
	if t.dtype == d {
		return t
	}
	return apply(opTo, d, t)
}

// Contiguous returns t when it is row-major, else a row-major copy.
func (t *Tensor) Contiguous() *Tensor {
	if t.IsContiguous() {
		return t
	}
	return apply(opCopy, contiguousStride(t.shape), t)
}

// ChannelsLast returns t when an (N, C, ...) tensor lies in memory as
// (N, ..., C), else such a copy. The shape stays the same.
func (t *Tensor) ChannelsLast() *Tensor {
	if len(t.shape) < 3 {
		misfit("channels last", []*Tensor{t}, "needs (N, C, ...) with at least three axes")
	}
	if t.isChannelsLast() {
		return t
	}
	return apply(opCopy, channelsLastStride(t.shape), t)
}

// Clone returns a copy of the elements on the tape: gradients flow through it.
func (t *Tensor) Clone() *Tensor { return apply(opCopy, denseLike(t.shape, t.stride), t) }

// convertInto writes src to dst of another element type.
func convertInto(dst, src *Tensor) {
	if SameLayout(dst, src) && convertStretch(dst, src) {
		return
	}
	switch src.dtype {
	case Float32:
		convertFrom(dst, src, func(v float32) float64 { return float64(v) })
	case Float64:
		convertFrom(dst, src, func(v float64) float64 { return v })
	case BFloat16:
		convertFrom(dst, src, func(v BF16) float64 { return float64(v.Float32()) })
	case Float16:
		convertFrom(dst, src, func(v F16) float64 { return float64(v.Float32()) })
	case Int64:
		if dst.dtype == Int32 || dst.dtype == UInt8 { // wide integers do not fit a float64
			convertInt64(dst, src)
			return
		}
		convertFrom(dst, src, func(v int64) float64 { return float64(v) })
	case Int32:
		convertFrom(dst, src, func(v int32) float64 { return float64(v) })
	case UInt8:
		convertFrom(dst, src, func(v uint8) float64 { return float64(v) })
	case Bool:
		convertFrom(dst, src, func(v bool) float64 {
			if v {
				return 1
			}
			return 0
		})
	}
}

// convertStretch converts dense tensors of one layout by a vector kernel, where
// there is one: between float32 and the halves, and from pixels.
func convertStretch(dst, src *Tensor) bool {
	switch [2]DType{src.dtype, dst.dtype} {
	case [2]DType{Float32, BFloat16}:
		stretch(dst, src, func(d []BF16, s []float32) { vec.Float32ToBFloat16(patterns(d), s) })
	case [2]DType{BFloat16, Float32}:
		stretch(dst, src, func(d []float32, s []BF16) { vec.BFloat16ToFloat32(d, patterns(s)) })
	case [2]DType{Float32, Float16}:
		stretch(dst, src, func(d []F16, s []float32) { vec.Float32ToFloat16(patterns(d), s) })
	case [2]DType{Float16, Float32}:
		stretch(dst, src, func(d []float32, s []F16) { vec.Float16ToFloat32(d, patterns(s)) })
	case [2]DType{UInt8, Float32}:
		stretch(dst, src, func(d []float32, s []uint8) { vec.Uint8ToFloat(d, s, 1, 0) })
	default:
		return false
	}
	return true
}

// stretch runs f over pieces of two dense tensors of one layout.
func stretch[D, S Element](dst, src *Tensor, f func(d []D, s []S)) {
	d, s := dense[D](dst), dense[S](src)
	par.For(len(d), chunkElements, func(lo, hi int) { f(d[lo:hi], s[lo:hi]) })
}

// patterns is a slice of halves as the bits that the kernels take.
func patterns[T BF16 | F16](x []T) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

func convertFrom[S Element](dst, src *Tensor, get func(S) float64) {
	switch dst.dtype {
	case Float32:
		convert(dst, src, func(v S) float32 { return float32(get(v)) })
	case Float64:
		convert(dst, src, get)
	case BFloat16:
		convert(dst, src, func(v S) BF16 { return ToBF16(float32(get(v))) })
	case Float16:
		convert(dst, src, func(v S) F16 { return ToF16(float32(get(v))) })
	case Int64:
		convert(dst, src, func(v S) int64 { return int64(get(v)) })
	case Int32:
		convert(dst, src, func(v S) int32 { return int32(int64(get(v))) })
	case UInt8:
		convert(dst, src, func(v S) uint8 { return uint8(int64(get(v))) })
	case Bool:
		convert(dst, src, func(v S) bool { return get(v) != 0 })
	}
}

func convertInt64(dst, src *Tensor) {
	if dst.dtype == Int32 {
		convert(dst, src, func(v int64) int32 { return int32(v) })
		return
	}
	convert(dst, src, func(v int64) uint8 { return uint8(v) })
}

func convert[S, D Element](dst, src *Tensor, f func(S) D) {
	if dst.Len() == 0 {
		return
	}
	d, s := elements[D](dst), elements[S](src)
	l := newLoop(dst.shape, dst.stride, src.stride)
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		for i := range n {
			d[off[0]+i*step[0]] = f(s[off[1]+i*step[1]])
		}
	})
}
