package tensor

import (
	"slices"
	"strings"
)

// Einsum evaluates a sum of products in Einstein's notation, as NumPy and
// PyTorch do: "ij,jk->ik" is the matrix product, "bhqd,bhkd->bhqk" the scores
// of attention, "ii->i" a diagonal, "ij->" a sum. Without "->" the result has
// the letters that occur once, in alphabetical order. "..." stands for leading
// axes that broadcast. Operands are contracted from left to right.
func Einsum(equation string, operands ...*Tensor) *Tensor {
	e := &einsum{operands: promoteAll("einsum", operands)}
	e.parse(equation)
	return e.contract()
}

// label names an axis: a letter, or an axis of the ellipsis counted from the
// right, -1, -2, ...
type label int

// einsum is an equation whose operands have one label an axis, none twice.
type einsum struct {
	operands []*Tensor
	labels   [][]label
	output   []label
}

func (e *einsum) fail(format string, args ...any) { misfit("einsum", e.operands, format, args...) }

// parse reads the equation and takes diagonals where a letter is repeated.
func (e *einsum) parse(equation string) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(e.operands) {
		e.fail("%q is for %d operands, there are %d", equation, len(terms), len(e.operands))
	}
	ellipsis := 0 // the most axes that an ellipsis stands for
	for i, term := range terms {
		t := e.operands[i]
		axes := len(t.shape) - len(strings.ReplaceAll(term, "...", ""))
		if axes < 0 || axes > 0 && !strings.Contains(term, "...") {
			e.fail("the term %q does not fit an operand with %d axes", term, len(t.shape))
		}
		labels := e.read(term, axes)
		ellipsis = max(ellipsis, axes)
		for a, b := repeated(labels); a >= 0; a, b = repeated(labels) {
			if t.shape[a] != t.shape[b] {
				e.fail("%q repeats a letter for axes of the sizes %d and %d", term, t.shape[a], t.shape[b])
			}
			kept := slices.Delete(slices.Delete(slices.Clone(labels), b, b+1), a, a+1)
			t, labels = t.Diagonal(0, a, b), append(kept, labels[a]) // the last axis
		}
		e.operands[i], e.labels = t, append(e.labels, labels)
	}
	if explicit {
		e.output = e.read(right, ellipsis)
		e.checkOutput(right)
		return
	}
	for k := ellipsis; k > 0; k-- {
		e.output = append(e.output, label(-k))
	}
	count := map[label]int{}
	for _, term := range terms {
		for _, l := range e.read(term, 0) {
			count[l]++
		}
	}
	for l := label('A'); l <= 'z'; l++ {
		if count[l] == 1 {
			e.output = append(e.output, l)
		}
	}
}

// read turns a term into labels; the ellipsis stands for n axes.
func (e *einsum) read(term string, n int) []label {
	var labels []label
	for i := 0; i < len(term); i++ {
		switch ch := term[i]; {
		case 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z':
			labels = append(labels, label(ch))
		case strings.HasPrefix(term[i:], "...") && !strings.Contains(term[i+3:], "..."):
			i += 2
			for k := n; k > 0; k-- {
				labels = append(labels, label(-k))
			}
		default:
			e.fail("%q is no term: terms have letters and at most one \"...\"", term)
		}
	}
	return labels
}

// checkOutput panics unless each label of the output is there once and occurs
// in an operand.
func (e *einsum) checkOutput(term string) {
	for i, l := range e.output {
		if slices.Contains(e.output[:i], l) {
			e.fail("the result %q repeats a letter", term)
		}
		if !slices.ContainsFunc(e.labels, func(in []label) bool { return slices.Contains(in, l) }) {
			e.fail("the result %q has a letter that no operand has", term)
		}
	}
}

// repeated returns the places of two equal labels, or -1.
func repeated(labels []label) (a, b int) {
	for b, l := range labels {
		if a := slices.Index(labels[:b], l); a >= 0 {
			return a, b
		}
	}
	return -1, -1
}

// contract multiplies the operands from left to right. A label that neither
// the output nor a later operand has is summed over as soon as possible.
func (e *einsum) contract() *Tensor {
	acc, have := e.operands[0], e.labels[0]
	acc, have = e.sumUnneeded(acc, have, 1)
	for i := 1; i < len(e.operands); i++ {
		b, labels := e.operands[i], e.labels[i]
		b, labels = e.sumPrivate(b, labels, have, i+1)
		acc, have = e.product(acc, have, b, labels, i+1)
	}
	// What is left is in the output; axes that no operand has are none.
	order := make([]int, len(e.output))
	for i, l := range e.output {
		order[i] = slices.Index(have, l)
	}
	return acc.Permute(order...)
}

// needed reports whether the output or an operand from the given one on has l.
func (e *einsum) needed(l label, from int) bool {
	if slices.Contains(e.output, l) {
		return true
	}
	return slices.ContainsFunc(e.labels[from:], func(in []label) bool { return slices.Contains(in, l) })
}

// sumUnneeded sums over the labels that nothing from an operand on needs.
func (e *einsum) sumUnneeded(t *Tensor, labels []label, from int) (*Tensor, []label) {
	return e.sumPrivate(t, labels, nil, from)
}

// sumPrivate is sumUnneeded but for labels that the other operand shares.
func (e *einsum) sumPrivate(t *Tensor, labels, shared []label, from int) (*Tensor, []label) {
	var axes []int
	var rest []label
	for a, l := range labels {
		if e.needed(l, from) || slices.Contains(shared, l) {
			rest = append(rest, l)
		} else {
			axes = append(axes, a)
		}
	}
	if len(axes) > 0 {
		t = t.Sum(axes...)
	}
	return t, rest
}

// product multiplies two operands and sums over the labels that they share
// and nothing else needs. It is one stack of matrix products: the labels that
// are shared and kept are the stack, those of one operand its rows or columns.
func (e *einsum) product(a *Tensor, la []label, b *Tensor, lb []label, from int) (*Tensor, []label) {
	var stack, sum, rows, columns []label
	for _, l := range la {
		switch {
		case !slices.Contains(lb, l):
			rows = append(rows, l)
		case e.needed(l, from):
			stack = append(stack, l)
		default:
			sum = append(sum, l)
		}
	}
	for _, l := range lb {
		if !slices.Contains(la, l) {
			columns = append(columns, l)
		}
	}
	size := map[label]int{}
	for _, in := range []struct {
		t      *Tensor
		labels []label
	}{{a, la}, {b, lb}} {
		for i, l := range in.labels {
			n, seen := size[l]
			if d := in.t.shape[i]; !seen || n == 1 {
				size[l] = d
			} else if d != n && d != 1 {
				e.fail("an axis with one label has the sizes %d and %d", n, d)
			}
		}
	}
	// arrange brings an operand into the order of labels, stretched to size.
	arrange := func(t *Tensor, have []label, groups ...[]label) *Tensor {
		var perm, shape []int
		for _, l := range slices.Concat(groups...) {
			perm, shape = append(perm, slices.Index(have, l)), append(shape, size[l])
		}
		return t.Permute(perm...).Expand(shape...)
	}
	merged := func(labels []label) int {
		n := 1
		for _, l := range labels {
			n *= size[l]
		}
		return n
	}
	result := slices.Concat(stack, rows, columns)
	var shape []int
	for _, l := range result {
		shape = append(shape, size[l])
	}
	s, m, n, k := merged(stack), merged(rows), merged(columns), merged(sum)
	if len(sum) == 0 { // nothing to add up: a product with broadcasting, of integers too
		left := arrange(a, la, stack, rows).Reshape(s, m, 1)
		right := arrange(b, lb, stack, columns).Reshape(s, 1, n)
		return left.Mul(right).Reshape(shape...), result
	}
	left := arrange(a, la, stack, rows, sum).Reshape(s, m, k)
	right := arrange(b, lb, stack, sum, columns).Reshape(s, k, n)
	if s == 1 { // plain matrices reach the fastest path
		return left.Reshape(m, k).MatMul(right.Reshape(k, n)).Reshape(shape...), result
	}
	return left.MatMul(right).Reshape(shape...), result
}

// Dot is the inner product of two vectors, a scalar.
func (t *Tensor) Dot(b *Tensor) *Tensor {
	if len(t.shape) != 1 || len(b.shape) != 1 {
		misfit("dot", []*Tensor{t, b}, "the operands must be vectors")
	}
	return t.MatMul(b)
}

// Outer is the outer product of two vectors: the matrix of all products.
func (t *Tensor) Outer(b *Tensor) *Tensor {
	if len(t.shape) != 1 || len(b.shape) != 1 {
		misfit("outer", []*Tensor{t, b}, "the operands must be vectors")
	}
	return t.Unsqueeze(1).Mul(b)
}
