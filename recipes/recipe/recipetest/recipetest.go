// Package recipetest is for the tests of recipes that train in their own way.
package recipetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// Interrupt runs a recipe in a session until its loop has done a number of steps,
// cancels its context as Ctrl-C does, and fails the test unless the recipe says
// that it was interrupted. The session is then as a new one for the same folder.
func Interrupt(t testing.TB, s *recipe.Session, steps int64, run func(ctx context.Context, s *recipe.Session) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Bar = recipe.BarFunc(func(done, _ int64, _ string) {
		if done == steps {
			cancel()
		}
	})
	if err := run(ctx, s); !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("the interrupted run says %v", err)
	}
	s.Bar = nil
}

// HeedsPrecision runs two steps of a recipe in float32 and two in bfloat16, each
// in a new session, and fails the test unless they lead to different weights.
func HeedsPrecision(t testing.TB, session func() *recipe.Session, run func(ctx context.Context, s *recipe.Session) error) {
	t.Helper()
	var weights []map[string][]float64
	for _, p := range []train.Precision{train.F32, train.BF16} {
		s := session()
		s.Precision = p
		Interrupt(t, s, 2, run)
		state, _, err := nn.LoadTensors(s.Path(recipe.CheckpointFile))
		if err != nil {
			t.Fatal(err)
		}
		values := map[string][]float64{}
		for name, v := range state {
			values[name] = v.Float64s()
		}
		weights = append(weights, values)
	}
	for name, v := range weights[0] {
		if !slices.Equal(v, weights[1][name]) {
			return
		}
	}
	t.Error("two steps in bfloat16 lead to the same weights as two in float32: the precision is not heeded")
}
