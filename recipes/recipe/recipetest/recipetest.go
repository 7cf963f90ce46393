// Package recipetest is for the tests of recipes that train in their own way.
package recipetest

import (
	"context"
	"errors"
	"testing"

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
