package nn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// Skipped is a tensor that [LoadFitting] left alone, and the reason.
type Skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// LoadFitting copies those tensors into a model that fit one of its own by name
// and shape, as for a network that is to learn a related task. Those that match
// one of the patterns of except, as in [Freeze], stay as they are: a last layer
// that tells other classes begins anew even where the shape is the same; a
// pattern that matches nothing of the model is an error. It
// returns the names of what it copied, and what it left alone on either side, in
// the order of their names. Nothing that fits is no error: the caller knows
// whether it is.
func LoadFitting(model any, state map[string]*tensor.Tensor, except ...string) (loaded []string, skipped []Skipped, err error) {
	entries := walk(model)
	for _, pattern := range except {
		if err := checkPattern(pattern); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(entries, func(e entry) bool { return matches(pattern, e.name) }) {
			return nil, nil, fmt.Errorf("the pattern %q matches no tensor of the model", pattern)
		}
	}
	loaded, skipped = []string{}, []Skipped{}
	known := map[string]bool{}
	for _, e := range entries {
		known[e.name] = true
		from, ok := state[e.name]
		switch {
		case !ok:
			skipped = append(skipped, Skipped{e.name, "the weights have none of that name"})
		case slices.ContainsFunc(except, func(pattern string) bool { return matches(pattern, e.name) }):
			skipped = append(skipped, Skipped{e.name, "it is to begin anew"})
		case !slices.Equal(from.Shape(), e.tensor.Shape()):
			skipped = append(skipped, Skipped{e.name, fmt.Sprintf("the weights' has shape %s, the model's %s", tensor.ShapeString(from.Shape()), tensor.ShapeString(e.tensor.Shape()))})
		default:
			e.tensor.CopyFrom(from)
			loaded = append(loaded, e.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(state)) {
		if !known[name] {
			skipped = append(skipped, Skipped{name, "the model has none of that name"})
		}
	}
	slices.Sort(loaded)
	slices.SortStableFunc(skipped, func(a, b Skipped) int { return cmp.Compare(a.Name, b.Name) })
	return loaded, skipped, nil
}
