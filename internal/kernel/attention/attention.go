// Package attention computes scaled dot-product attention and its gradient
// block by block (FlashAttention: Dao et al., arXiv 2205.14135): the scores of a
// few queries against a stretch of keys exist at a time, never all of them. It
// is a kernel and knows nothing of tensors; products go through package gemm.
package attention

import (
	"fmt"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// Sizes of the blocks, by reckoning: a block of scores, two in the
// gradient, stays in the first-level cache together with the rows of queries;
// the keys and values of a block stay in the second. Rows are few, because of a
// causal block on the diagonal only half counts.
const (
	rowBlock     = 32
	keyBlock     = 256
	gradKeyBlock = 128
	groupRows    = 256 // queries of one forward task, which share the transposed keys
)

// fewRows is the number of queries below which to transpose the keys for a
// product costs more than it saves.
const fewRows = 8

// taskWork is how many multiplications are worth a task of their own.
const taskWork = 256 << 10

// Heads says where the rows of one operand lie: row t of head h of sample b is
// the elements from Data[b*Batch+h*Head+t*Row] on, which are contiguous. So a
// view of a larger array, such as the queries in a joint projection, is read
// and written in place.
type Heads[T gemm.Float] struct {
	Data             []T
	Batch, Head, Row int
}

// at returns the operand from a row on.
func (x Heads[T]) at(b, h, row int) []T {
	return x.Data[b*x.Batch+h*x.Head+row*x.Row:]
}

// Mask says which keys a query sees, by element b*Batch+h*Head+t*Row+s*Key of
// Visible, or what is added to its scores, by that of Add. At most one is set.
type Mask[T gemm.Float] struct {
	Visible               []bool
	Add                   []T
	Batch, Head, Row, Key int
}

func (m Mask[T]) none() bool { return m.Visible == nil && m.Add == nil }

// Problem has the sizes and settings of a call: Queries rows of Width elements
// in each of Heads heads of Batch samples, against Keys rows of the same width
// with values of ValueWidth.
type Problem struct {
	Batch, Heads      int
	Queries, Keys     int
	Width, ValueWidth int
	Scale             float64 // of the scores
	Causal            bool    // query t sees the keys up to t+Past
	Past              int     // keys before the first query

	// Dropout is the probability that a weight becomes zero. Which do is decided
	// by the stream (Key, Nonce) of vec.Dropout, over weights (Batch, Heads,
	// Queries, DropoutStride).
	Dropout    float64
	Key, Nonce uint64
}

// DropoutStride is the row stride of the weights for dropout: the keys rounded
// up to four, since four weights share a block of random words.
func (p *Problem) DropoutStride() int { return (p.Keys + 3) / 4 * 4 }

// FLOPs is the number of floating-point operations of the two products of the
// forward pass. Of a causal problem about half are not done.
func (p *Problem) FLOPs() int {
	return 2 * p.Batch * p.Heads * p.Queries * p.Keys * (p.Width + p.ValueWidth)
}

// seen is how many of the keys from k0 on, of which there are n, query t sees.
func (p *Problem) seen(t, k0, n int) int {
	if !p.Causal {
		return n
	}
	return max(0, min(n, t+p.Past+1-k0))
}

// check panics unless an operand holds the rows that are said to be there.
func check[T gemm.Float](p *Problem, name string, x Heads[T], rows, width int) {
	if p.Batch == 0 || p.Heads == 0 || rows == 0 || width == 0 {
		return
	}
	last := (p.Batch-1)*x.Batch + (p.Heads-1)*x.Head + (rows-1)*x.Row + width
	if x.Batch|x.Head|x.Row < 0 || last > len(x.Data) {
		panic(fmt.Sprintf("attention: %s of %dx%d rows of %d elements, %d samples, with strides %d,%d,%d does not fit %d elements",
			name, p.Heads, rows, width, p.Batch, x.Batch, x.Head, x.Row, len(x.Data)))
	}
}

// product is the matrix product with any strides, computed serially.
type product[T gemm.Float] func(m, n, k int, a []T, rsa, csa int, b []T, rsb, csb int, c []T, rsc int, accumulate bool)

var zero = []int{0}

func product32(m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, accumulate bool) {
	e := gemm.Epilogue{Accumulate: accumulate}
	if csb == 1 {
		gemm.BatchReduce(m, n, k, a, zero, rsa, csa, b, zero, rsb, c, rsc, e)
		return
	}
	gemm.Mul(m, n, k, a, rsa, csa, b, rsb, csb, c, rsc, e)
}

func product64(m, n, k int, a []float64, rsa, csa int, b []float64, rsb, csb int, c []float64, rsc int, accumulate bool) {
	gemm.Portable(m, n, k, a, zero, rsa, csa, b, zero, rsb, csb, c, rsc, gemm.EpilogueOf[float64]{Accumulate: accumulate})
}

// productOf picks the product for an element type.
func productOf[T gemm.Float]() product[T] {
	if f, ok := any(product[float32](product32)).(product[T]); ok {
		return f
	}
	return any(product[float64](product64)).(product[T])
}

// scratch is memory of one task that is cut into slices.
type scratch[T gemm.Float] struct {
	buffer []byte
	rest   []T
}

func newScratch[T gemm.Float](n int) scratch[T] {
	var z T
	b := mem.Default.Get(n * int(unsafe.Sizeof(z)))
	return scratch[T]{b, unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)}
}

func (s *scratch[T]) take(n int) []T {
	out := s.rest[:n:n]
	s.rest = s.rest[n:]
	return out
}

func (s *scratch[T]) free() { mem.Default.Put(s.buffer) }

// columns is a matrix as the right factor of a product: element (p, j) is
// data[p*rsb+j*csb].
type columns[T gemm.Float] struct {
	data     []T
	rsb, csb int
}

// transposed returns n rows of width elements as columns. The kernels want the
// columns contiguous: where many rows are to be multiplied with them they are
// copied to dst.
func transposed[T gemm.Float](dst, src []T, stride, n, width, rows int) columns[T] {
	if rows < fewRows {
		return columns[T]{src, 1, stride}
	}
	gemm.Transpose(dst, n, src, stride, n, width)
	return columns[T]{dst, n, 1}
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }
