package tensor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The settings that NumPy prints with unless told otherwise.
const (
	printPrecision = 8    // digits after the point
	printThreshold = 1000 // elements from which the middle is left out
	printEdge      = 3    // elements of an axis that are shown at each end then
	printWidth     = 75   // characters on a line
)

// String writes the elements exactly as NumPy 2's str does: in nested brackets
// and aligned columns, with at most 8 digits after the point, with exponents
// where the sizes differ much, and with "..." for the middle of more than 1000
// elements. A bfloat16, which NumPy has not, is written as the shortest number
// that rounds to it.
func (t *Tensor) String() string {
	t.checkUsable("print")
	p := printer{t: t.Detach(), summarise: t.Len() > printThreshold}
	switch {
	case t.Len() == 0:
		return "[]"
	case len(t.shape) == 0:
		return p.scalar()
	}
	shown := p.t
	if p.summarise {
		for a, d := range t.shape {
			if d > 2*printEdge {
				shown = Concat(a, shown.Narrow(a, 0, printEdge), shown.Narrow(a, d-printEdge, printEdge))
			}
		}
	}
	switch {
	case t.dtype == Bool:
		p.format = func(v *Tensor) string { return fmt.Sprintf("%5s", boolName(v)) }
	case t.dtype.IsFloat():
		p.format = newFloatFormat(shown).element
	default:
		width := 0
		for _, v := range shown.Int64s() {
			width = max(width, len(strconv.FormatInt(v, 10)))
		}
		p.format = func(v *Tensor) string { return fmt.Sprintf("%*d", width, v.Int64s()[0]) }
	}
	return p.nested(p.t, " ", printWidth)
}

// printer writes one tensor.
type printer struct {
	t         *Tensor
	summarise bool
	format    func(element *Tensor) string
}

func boolName(v *Tensor) string {
	if v.Bools()[0] {
		return "True"
	}
	return "False"
}

// scalar writes a tensor without axes as NumPy writes a number: with all of its
// digits.
func (p *printer) scalar() string {
	switch {
	case p.t.dtype == Bool:
		return boolName(p.t)
	case !p.t.dtype.IsFloat():
		return strconv.FormatInt(p.t.Int64s()[0], 10)
	}
	v := p.t.Item()
	digits := shortest(v, p.t.dtype)
	switch abs := math.Abs(v); {
	case !isFinite(v):
		return notFinite(v)
	case abs != 0 && (abs < 1e-4 || abs >= exponentFrom(p.t.dtype, 16)):
		return strings.Replace(digits, ".e", "e", 1)
	}
	whole, fraction := positional(v, p.t.dtype, math.MaxInt)
	if fraction == "" {
		fraction = "0"
	}
	return whole + "." + fraction
}

// nested writes the brackets. The indent is what stands before the elements of
// each further line; width is the room for them.
func (p *printer) nested(t *Tensor, indent string, width int) string {
	if len(t.shape) == 0 {
		return p.format(t)
	}
	n := t.shape[0]
	items := make([]int, 0, n)
	gap := -1 // the place of the dots among the items
	for i := 0; i < n; i++ {
		if p.summarise && n > 2*printEdge && i == printEdge {
			gap, i = printEdge, n-printEdge
		}
		items = append(items, i)
	}
	var b strings.Builder
	if len(t.shape) > 1 {
		rows := make([]string, 0, len(items)+1)
		for _, i := range items {
			rows = append(rows, p.nested(t.Select(0, i), indent+" ", width-1))
		}
		if gap >= 0 {
			rows = slices.Insert(rows, gap, "...")
		}
		b.WriteString(strings.Join(rows, strings.Repeat("\n", len(t.shape)-1)+indent))
		return "[" + b.String() + "]"
	}
	words := make([]string, 0, len(items)+1)
	for _, i := range items {
		words = append(words, p.format(t.Select(0, i)))
	}
	if gap >= 0 {
		words = slices.Insert(words, gap, "...")
	}
	line := indent
	for i, w := range words {
		if len(line)+len(w) > width-1 && len(line) > len(indent) { // the bracket needs a place too
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += w
		if i < len(words)-1 {
			line += " "
		}
	}
	b.WriteString(line)
	return "[" + b.String()[len(indent):] + "]"
}

// floatFormat is how the elements of one float tensor are written, so that
// their points stand in one column.
type floatFormat struct {
	dtype       DType
	exponent    bool
	left, right int // characters before and after the point
	fraction    int // digits after the point, with exponents
	exponents   int // digits of the exponents
}

func newFloatFormat(t *Tensor) floatFormat {
	f := floatFormat{dtype: t.dtype}
	least, most := math.Inf(1), 0.0
	var finite []float64
	values := t.Float64s()
	for _, v := range values {
		if !isFinite(v) {
			continue
		}
		finite = append(finite, v)
		if v != 0 {
			least, most = min(least, math.Abs(v)), max(most, math.Abs(v))
		}
	}
	if most > 0 {
		ratio, small := most/least, 1e-4
		if t.dtype != Float64 { // NumPy compares in the type of the array
			ratio, small = roundTo(ratio, t.dtype), roundTo(small, t.dtype)
		}
		f.exponent = most >= exponentFrom(t.dtype, 8) || least < small || ratio > 1000
	}
	for _, v := range finite {
		if f.exponent {
			whole, fraction, exponent := scientific(v, t.dtype)
			f.left = max(f.left, len(whole))
			f.fraction = max(f.fraction, len(fraction))
			f.exponents = max(f.exponents, len(exponent)-1)
			f.right = f.exponents + 2 + f.fraction
			continue
		}
		whole, fraction := positional(v, t.dtype, printPrecision)
		f.left, f.right = max(f.left, len(whole)), max(f.right, len(fraction))
	}
	for _, v := range values {
		if !isFinite(v) {
			f.left = max(f.left, len(notFinite(v))-f.right-1)
		}
	}
	return f
}

// element writes one element.
func (f floatFormat) element(e *Tensor) string {
	v := e.Item()
	switch {
	case !isFinite(v):
		return fmt.Sprintf("%*s", f.left+f.right+1, notFinite(v))
	case f.exponent:
		whole, fraction, exponent := scientific(v, f.dtype)
		fraction += strings.Repeat("0", f.fraction-len(fraction))
		digits := strings.Repeat("0", f.exponents-len(exponent)+1) + exponent[1:]
		return fmt.Sprintf("%*s.%se%s%s", f.left, whole, fraction, exponent[:1], digits)
	}
	whole, fraction := positional(v, f.dtype, printPrecision)
	return fmt.Sprintf("%*s.%-*s", f.left, whole, f.right, fraction)
}

func isFinite(v float64) bool { return v-v == 0 }

func notFinite(v float64) string {
	switch {
	case v != v:
		return "nan"
	case v > 0:
		return "inf"
	}
	return "-inf"
}

// exponentFrom is the size from which numbers are written with exponents: ten
// to the power of limit or of the decimal digits that the type holds.
func exponentFrom(d DType, limit int) float64 {
	digits := map[DType]int{Float64: 15, Float32: 6, Float16: 3, BFloat16: 2}[d]
	if limit == 16 && d == Float64 {
		digits = 16
	}
	return math.Pow10(min(limit, digits))
}

// roundTo rounds to an element type narrower than float64.
func roundTo(v float64, d DType) float64 {
	switch d {
	case Float32:
		return float64(float32(v))
	case Float16:
		return float64(ToF16(float32(v)).Float32())
	case BFloat16:
		return float64(ToBF16(float32(v)).Float32())
	}
	return v
}

// shortest writes v with an exponent and the fewest digits that tell it from
// all other numbers of its type.
func shortest(v float64, d DType) string {
	switch d {
	case Float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case Float32:
		return strconv.FormatFloat(v, 'e', -1, 32)
	}
	for digits := 0; ; digits++ {
		s := strconv.FormatFloat(v, 'e', digits, 64)
		if back, _ := strconv.ParseFloat(s, 64); roundTo(back, d) == v || !isFinite(v) {
			return s
		}
	}
}

// scientific splits v, rounded to at most 8 digits after the point, into the
// digit before the point, those after it without trailing zeros, and the
// exponent with its sign.
func scientific(v float64, d DType) (whole, fraction, exponent string) {
	s := shortest(v, d)
	mantissa, exponent, _ := strings.Cut(s, "e")
	whole, fraction, _ = strings.Cut(mantissa, ".")
	if len(fraction) > printPrecision {
		mantissa, exponent, _ = strings.Cut(strconv.FormatFloat(v, 'e', printPrecision, 64), "e")
		whole, fraction, _ = strings.Cut(mantissa, ".")
	}
	return whole, strings.TrimRight(fraction, "0"), exponent
}

// positional splits v, rounded to at most the given digits after the point,
// into what stands before the point and after it, without trailing zeros.
func positional(v float64, d DType, digits int) (whole, fraction string) {
	// The shortest digits, moved to where the exponent says.
	exact, _ := strconv.ParseFloat(shortest(v, d), 64)
	whole, fraction, _ = strings.Cut(strconv.FormatFloat(exact, 'f', -1, 64), ".")
	if len(fraction) > digits {
		whole, fraction, _ = strings.Cut(strconv.FormatFloat(v, 'f', digits, 64), ".")
	}
	return whole, strings.TrimRight(fraction, "0")
}
