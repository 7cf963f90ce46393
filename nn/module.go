package nn

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hadal-ml/hadal/tensor"
)

// Module is a layer or network of one input and one output. Models with other
// signatures are as good; only [Sequential] and package train ask for this one.
type Module interface {
	Forward(c *Context, x *tensor.Tensor) *tensor.Tensor
}

var tensorType = reflect.TypeFor[*tensor.Tensor]()

// entry is one tensor of a model.
type entry struct {
	name   string
	tensor *tensor.Tensor
	buffer bool            // part of the state, but not learned
	places []reflect.Value // where the model holds it; several when tied
}

// walk lists the tensors of a model and names them. Of two with one name, a file
// would keep one and load it into both.
func walk(model any) []entry {
	entries := collect(model)
	taken := make(map[string]bool, len(entries))
	for _, e := range entries {
		if taken[e.name] {
			panic(&tensor.UseError{Op: "nn", Reason: fmt.Sprintf("two tensors of the model have the name %q; rename a field, or tag it `nn:\"other\"`", e.name)})
		}
		taken[e.name] = true
		if e.tensor.Name() != e.name { // once named, a model is only read, by any number of goroutines
			e.tensor.SetName(e.name)
		}
	}
	return entries
}

// collect lists the tensors of a model in the order of its fields, each once.
func collect(model any) []entry {
	var out []entry
	at := map[*tensor.Tensor]int{}
	visit(model, func(v reflect.Value, name string, buffer bool) {
		if v.Type() != tensorType || v.IsNil() {
			return
		}
		t := v.Interface().(*tensor.Tensor)
		i, known := at[t]
		if !known {
			i = len(out)
			at[t] = i
			out = append(out, entry{name: name, tensor: t, buffer: buffer})
		}
		out[i].places = append(out[i].places, v)
	})
	return out
}

// visit calls f with everything in a model, from the outside to the inside, in
// the order of its fields. It follows a pointer, except to a tensor, once.
//
// A field's tag changes what becomes of it: `nn:"gamma"` renames it,
// `nn:"block%d"` names the elements of a slice block1, block2 and so on,
// `nn:"-"` leaves it out, `nn:",buffer"` marks a tensor that is saved but not
// learned, such as a running mean.
func visit(model any, f func(v reflect.Value, name string, buffer bool)) {
	seen := map[any]bool{}
	var inside func(v reflect.Value, name string, buffer bool)
	inside = func(v reflect.Value, name string, buffer bool) {
		if v.IsValid() && v.Kind() != reflect.Interface {
			f(v, name, buffer)
		}
		switch v.Kind() {
		case reflect.Interface:
			inside(v.Elem(), name, buffer)
		case reflect.Pointer:
			if v.IsNil() || v.Type() == tensorType || seen[v.Interface()] {
				return
			}
			seen[v.Interface()] = true
			inside(v.Elem(), name, buffer)
		case reflect.Struct:
			for i := range v.NumField() {
				field := v.Type().Field(i)
				if !field.IsExported() {
					continue
				}
				tag, rest, _ := strings.Cut(field.Tag.Get("nn"), ",")
				if tag == "-" {
					continue
				}
				if strings.Contains(tag, "%d") && field.Type.Kind() == reflect.Slice {
					for j := range v.Field(i).Len() {
						inside(v.Field(i).Index(j), join(name, fmt.Sprintf(tag, j+1)), buffer || rest == "buffer")
					}
					continue
				}
				at := name
				if !field.Anonymous || tag != "" {
					if tag == "" {
						tag = snake(field.Name)
					}
					at = join(name, tag)
				}
				inside(v.Field(i), at, buffer || rest == "buffer")
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() < reflect.Array {
				return // numbers, of which there may be many
			}
			for i := range v.Len() {
				inside(v.Index(i), join(name, strconv.Itoa(i)), buffer)
			}
		case reflect.Map:
			keys := v.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			for _, k := range keys {
				inside(v.MapIndex(k), join(name, fmt.Sprint(k)), buffer)
			}
		}
	}
	inside(reflect.ValueOf(model), "", false)
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// snake writes a Go name as PyTorch would: FC1 is fc1, RunningMean is running_mean.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			before, after := runes[i-1], rune(0)
			if i+1 < len(runes) {
				after = runes[i+1]
			}
			if unicode.IsLower(before) || unicode.IsDigit(before) && unicode.IsLower(after) || unicode.IsUpper(before) && unicode.IsLower(after) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Parameters returns the tensors of a model that are learned, in the order of
// its fields, and names them. Frozen ones are included.
func Parameters(model any) []*tensor.Tensor {
	var out []*tensor.Tensor
	for _, e := range walk(model) {
		if !e.buffer {
			out = append(out, e.tensor)
		}
	}
	return out
}

// State returns all tensors of a model that are saved: parameters and buffers.
func State(model any) []*tensor.Tensor {
	entries := walk(model)
	out := make([]*tensor.Tensor, len(entries))
	for i, e := range entries {
		out[i] = e.tensor
	}
	return out
}

// CountParameters returns the number of learned values.
func CountParameters(model any) int {
	n := 0
	for _, p := range Parameters(model) {
		n += p.Len()
	}
	return n
}

// LoadState copies tensors into those of a model with the same names. It
// changes nothing and returns an error that names the first problem when a
// tensor is missing, left over, or of another shape.
func LoadState(model any, state map[string]*tensor.Tensor) error {
	entries := walk(model)
	known := make(map[string]bool, len(entries))
	for _, e := range entries {
		known[e.name] = true
		from, ok := state[e.name]
		switch {
		case !ok:
			return fmt.Errorf("the weights have no tensor %q of shape %s, which the model needs", e.name, tensor.ShapeString(e.tensor.Shape()))
		case !slices.Equal(from.Shape(), e.tensor.Shape()):
			return fmt.Errorf("the weights' tensor %q has shape %s, the model's has %s", e.name, tensor.ShapeString(from.Shape()), tensor.ShapeString(e.tensor.Shape()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(state)) {
		if !known[name] {
			return fmt.Errorf("the weights have a tensor %q, which the model does not", name)
		}
	}
	for _, e := range entries {
		e.tensor.CopyFrom(state[e.name])
	}
	return nil
}

// Freeze stops the learning of the parameters whose names, or the names of
// the layers they are in, match the pattern, as in path.Match with dots for
// slashes: "conv1", "blocks.*.weight", "blocks.[01]". It returns how many
// tensors it matched. A batch normalisation of which nothing is left to learn
// stays as it is altogether: it uses its running statistics in training too, and
// they no longer move.
func Freeze(model any, pattern string) (int, error) { return setLearned(model, pattern, false) }

// Unfreeze is the reverse of Freeze.
func Unfreeze(model any, pattern string) (int, error) { return setLearned(model, pattern, true) }

func setLearned(model any, pattern string, on bool) (int, error) {
	if err := checkPattern(pattern); err != nil {
		return 0, err
	}
	n := 0
	for _, e := range walk(model) {
		if !e.buffer && matches(pattern, e.name) {
			e.tensor.SetRequiresGrad(on)
			n++
		}
	}
	learned := func(t *tensor.Tensor) bool { return t != nil && t.RequiresGrad() }
	visit(model, func(v reflect.Value, name string, _ bool) {
		if v.Type() != reflect.TypeFor[BatchNorm]() || !v.CanAddr() {
			return
		}
		l := v.Addr().Interface().(*BatchNorm)
		switch {
		case l.Weight == nil && matches(pattern, name):
			l.Frozen = !on
		case l.Weight != nil && (matches(pattern, join(name, "weight")) || matches(pattern, join(name, "bias"))):
			l.Frozen = !learned(l.Weight) && !learned(l.Bias)
		}
	})
	return n, nil
}

func checkPattern(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("the pattern %q is not valid: %v", pattern, err)
	}
	return nil
}

// matches reports whether a pattern, which is valid, fits a name or that of a
// layer it lies in.
func matches(pattern, name string) bool {
	pattern = strings.ReplaceAll(pattern, ".", "/")
	for name = strings.ReplaceAll(name, ".", "/"); name != "."; name = path.Dir(name) {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
