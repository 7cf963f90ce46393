package nn

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hadal-ml/hadal/tensor"
)

// Summary describes what a model does with one input.
type Summary struct {
	Rows          []SummaryRow
	Input, Output []int
	Parameters    int   // number of learned values
	Frozen        int   // how many of them are not being learned
	FLOPs         int64 // floating-point operations of the forward pass
}

// SummaryRow is one layer, or one operation that the model itself calls.
type SummaryRow struct {
	Path       string // name of the layer in the model, such as "conv1"; empty for an operation
	Kind       string // type of the layer, such as "Conv2d"; for an operation its name, such as "max_pool2d"
	Output     []int
	Parameters int // counted where a layer is first used
	FLOPs      int64

	// ReceptiveField is the (height, width) of the part of the input that one
	// element sees, the border included. It is zero where it is not known:
	// without convolutions, and behind what mixes all positions.
	ReceptiveField [2]int
}

// Summarize runs a model once on x, as in evaluation, and tells what every
// layer did. A multiplication and an addition are two operations. The model
// may be of any structure; layers are recognised by their reports, and the
// operations between them by the tape. A row of an output that the result does
// not depend on has no operations.
func Summarize(model Module, x *tensor.Tensor) Summary {
	s := Summary{Input: x.Shape()}
	entries := walk(model)
	counted := map[*tensor.Tensor]bool{} // parameters that a row has
	names := map[*tensor.Tensor]string{}
	for _, e := range entries {
		if e.buffer || !e.tensor.DType().IsFloat() {
			continue
		}
		names[e.tensor] = e.name
		s.Parameters += e.tensor.Len()
		if !e.tensor.RequiresGrad() { // the tape must have frozen layers too
			s.Frozen += e.tensor.Len()
			e.tensor.RequireGrad()
			defer e.tensor.SetRequiresGrad(false)
		}
	}
	x = x.Detach()
	if x.DType().IsFloat() {
		x.RequireGrad()
	}
	var reports []report
	c := Evaluation()
	c.observe = func(layer any, x, y *tensor.Tensor) { reports = append(reports, report{layer, x, y}) }
	y := model.Forward(c, x)
	s.Output = y.Shape()

	calls := tensor.Tape(y)
	madeBy := map[*tensor.Tensor]int{}
	for i, call := range calls {
		s.FLOPs += flops(call)
		for _, t := range call.Out {
			madeBy[t] = i
		}
	}
	fields := receptiveFields(x, calls, reports)
	paths := layerPaths(model, reports)
	var rows []positioned
	add := func(at, after int, path, kind string, y *tensor.Tensor, params []*tensor.Tensor, flops int64) {
		row := SummaryRow{Path: path, Kind: kind, Output: y.Shape(), FLOPs: flops, ReceptiveField: fields[y].size}
		for _, p := range params {
			if _, learned := names[p]; learned && !counted[p] {
				counted[p] = true
				row.Parameters += p.Len()
			}
		}
		rows = append(rows, positioned{at, after, row})
	}
	claimed := make([]bool, len(calls))
	for i, r := range reports {
		var sum int64
		for _, k := range r.calls(calls, madeBy) {
			if !claimed[k] {
				claimed[k] = true
				sum += flops(calls[k])
			}
		}
		at, ok := madeBy[r.y]
		if !ok {
			at = -1 // the input itself, or nothing that the result depends on
		}
		after := 0
		if r.x == r.y { // dropout at rest, which comes behind the operation that made x
			after = 1
		}
		add(at, after, paths[i], kindOf(r.layer), r.y, tensors(r.layer), sum)
	}
	for i, call := range calls {
		if claimed[i] || call.Op.Name == "copy" || call.Op.Name == "to" {
			continue // the latter two change only how elements lie in memory
		}
		path := ""
		for _, t := range call.In {
			if name, ok := names[t]; ok && path == "" {
				path = name
			}
		}
		add(i, 0, path, call.Op.Name, call.Out[0], call.In, flops(call))
	}
	slices.SortStableFunc(rows, func(a, b positioned) int { return cmp.Or(a.at-b.at, a.after-b.after) })
	for _, r := range rows {
		s.Rows = append(s.Rows, r.row)
	}
	return s
}

// positioned is a row and the place on the tape of the call that ended it, or
// behind which it stands.
type positioned struct {
	at, after int
	row       SummaryRow
}

// report is what a layer said of itself: it made y from x.
type report struct {
	layer any
	x, y  *tensor.Tensor
}

// calls lists the calls on the way from x to y.
func (r report) calls(all []*tensor.Call, madeBy map[*tensor.Tensor]int) []int {
	var found []int
	seen := map[int]bool{}
	var back func(t *tensor.Tensor)
	back = func(t *tensor.Tensor) {
		k, ok := madeBy[t]
		if t == r.x || !ok || seen[k] {
			return
		}
		seen[k] = true
		found = append(found, k)
		for _, in := range all[k].In {
			back(in)
		}
	}
	back(r.y)
	return found
}

func flops(c *tensor.Call) int64 {
	n, _ := c.FLOPs()
	return n
}

func kindOf(layer any) string {
	t := reflect.TypeOf(layer)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func tensors(layer any) []*tensor.Tensor {
	var out []*tensor.Tensor
	for _, e := range collect(layer) {
		out = append(out, e.tensor)
	}
	return out
}

// layerPaths names the layer of each report by its place in the model. Layers
// that are pointers are known by them. Of layers that are plain values, such as
// ReLU{}, the model may have many that are equal: they are taken to run in the
// order of its fields, and get no name when their number tells otherwise.
func layerPaths(model any, reports []report) []string {
	places := map[any][]string{}
	note := func(key reflect.Value, name string) {
		places[key.Interface()] = append(places[key.Interface()], name)
	}
	visit(model, func(v reflect.Value, name string, buffer bool) {
		switch {
		case v.Kind() == reflect.Pointer:
		case v.Kind() != reflect.Struct:
			return
		case v.CanAddr():
			note(v.Addr(), name)
		}
		if v.Comparable() {
			note(v, name)
		}
	})
	uses := map[any]int{}
	for _, r := range reports {
		uses[r.layer]++
	}
	paths := make([]string, len(reports))
	used := map[any]int{}
	for i, r := range reports {
		at := places[r.layer]
		isPointer := reflect.TypeOf(r.layer).Kind() == reflect.Pointer
		switch {
		case len(at) == 1 || isPointer && len(at) > 0:
			paths[i] = at[0]
		case len(at) == uses[r.layer] && len(at) > 0:
			paths[i] = at[used[r.layer]]
			used[r.layer]++
		}
	}
	return paths
}

// field is the part of the input that one element sees, and how far apart the
// parts of neighbouring elements are.
type field struct{ size, jump [2]int }

// receptiveFields follows the field of view along the tape: a window of k
// elements that are dilated by d adds (k-1)*d times the jump so far, and its
// stride multiplies the jump (Araujo et al., Distill, 2019).
func receptiveFields(x *tensor.Tensor, calls []*tensor.Call, reports []report) map[*tensor.Tensor]field {
	fields := map[*tensor.Tensor]field{}
	windows := false
	for _, call := range calls {
		_, _, _, _, ok := call.Window()
		windows = windows || ok
	}
	if !windows || x.NDim() < 3 {
		return fields
	}
	fields[x] = field{[2]int{1, 1}, [2]int{1, 1}}
	reported := map[*tensor.Tensor]report{}
	for _, r := range reports {
		if r.x != r.y {
			reported[r.y] = r
		}
	}
	for _, call := range calls {
		var in field
		var like *tensor.Tensor
		for _, t := range call.In {
			f, ok := fields[t]
			if !ok {
				continue
			}
			like = t
			for i := range 2 {
				in.size[i], in.jump[i] = max(in.size[i], f.size[i]), max(in.jump[i], f.jump[i])
			}
		}
		y := call.Out[0]
		kernel, stride, dilation, _, ok := call.Window()
		r, isReported := reported[y]
		switch {
		case ok && like != nil:
			for i := range 2 {
				in.size[i] += (kernel[i] - 1) * dilation[i] * in.jump[i]
				in.jump[i] *= stride[i]
			}
			fields[y] = in
		case like != nil && samePositions(like, y):
			fields[y] = in
		case isReported && samePositions(r.x, y):
			// Inside a normalisation the positions may be merged for a while.
			if f, ok := fields[r.x]; ok {
				fields[y] = f
			}
		}
	}
	return fields
}

// samePositions reports whether two tensors (N, C, ...) have the same axes of
// positions, (H, W) or (L), where (L) is as good as (1, L).
func samePositions(a, b *tensor.Tensor) bool {
	positions := func(t *tensor.Tensor) []int {
		shape := t.Shape()
		if len(shape) == 4 && shape[2] == 1 {
			return shape[3:]
		}
		return shape[min(2, len(shape)):]
	}
	return a.NDim() > 2 && slices.Equal(positions(a), positions(b))
}

// String formats the summary as a table.
func (s Summary) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "layer\tkind\toutput\tparameters\tFLOPs\treceptive field")
	for _, r := range s.Rows {
		seen := "-"
		if r.ReceptiveField != [2]int{} {
			seen = fmt.Sprintf("%d x %d", r.ReceptiveField[0], r.ReceptiveField[1])
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", r.Path, r.Kind, tensor.ShapeString(r.Output), r.Parameters, r.FLOPs, seen)
	}
	fmt.Fprintf(w, "total\t\t%s\t%d\t%d\t\n", tensor.ShapeString(s.Output), s.Parameters, s.FLOPs)
	w.Flush()
	return b.String()
}
