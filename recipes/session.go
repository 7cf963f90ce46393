package recipes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// trainOwn runs a recipe that trains in its own way.
func trainOwn(ctx context.Context, r recipe.Recipe, c Config, dir string, o Options) (*Run, *Result, error) {
	if err := c.save(dir); err != nil {
		return nil, nil, err
	}
	if err := os.Remove(filepath.Join(dir, ResultFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	s := &recipe.Session{Dir: dir, Epochs: c.Epochs, BatchSize: c.BatchSize, Rate: c.LearningRate, Seed: c.Seed, Limit: c.Limit, HoldOut: c.HoldOut, Full: c.Full, Precision: c.Precision,
		Metadata: map[string]string{"recipe": c.Recipe, "version": c.Version}, Callbacks: o.Callbacks, Bar: o.Bar}
	run := &Run{Dir: dir, Config: c, Recipe: r}
	if err := r.Train(ctx, s); err != nil {
		if o.Resume == "" {
			removeUnused(dir)
		}
		return run, nil, err
	}
	result := &Result{Recipe: c.Recipe, Seed: c.Seed, Epochs: c.Epochs, Parameters: s.Outcome.Parameters,
		Metrics: s.Outcome.Metrics, Sentence: s.Outcome.Sentence, TrainSeconds: s.Outcome.TrainSeconds,
		Threads: par.Threads(), ISA: c.Precision.ISA(), Precision: string(c.Precision), Version: c.Version}
	return run, result, writeJSON(filepath.Join(dir, ResultFile), result)
}

// RecipeOf returns the recipe of the run in a folder.
func RecipeOf(dir string) (recipe.Recipe, error) {
	_, r, err := readConfig(dir)
	return r, err
}

// OpenAs reads the run in a folder and returns it as something that can do what
// T says; does is a word for that, for the error of a run that cannot.
func OpenAs[T any](dir, does string) (T, error) {
	var none T
	_, r, err := readConfig(dir)
	if err != nil {
		return none, err
	}
	if r.Open == nil {
		return none, fmt.Errorf("%s is a run of %s, which cannot %s", dir, r.Name, does)
	}
	opened, err := r.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return none, fmt.Errorf("the run in %s is not finished (%w); go on with hadal train --resume %s", dir, err, dir)
	}
	if err != nil {
		return none, err
	}
	able, ok := opened.(T)
	if !ok {
		return none, fmt.Errorf("%s is a run of %s, which cannot %s", dir, r.Name, does)
	}
	return able, nil
}

// removeUnused removes the folder of a run that holds nothing but its settings:
// a training that found no data leaves nothing to go on with.
func removeUnused(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != ConfigFile {
		return
	}
	os.Remove(filepath.Join(dir, ConfigFile))
	os.Remove(dir)
}
