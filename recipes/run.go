package recipes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// Files of a run folder.
const (
	ModelFile      = recipe.ModelFile
	ConfigFile     = "config.json"
	MetricsFile    = recipe.MetricsFile
	ResultFile     = "result.json"
	CheckpointFile = recipe.CheckpointFile
)

// Config is everything that is needed to rebuild a run and to run it again.
type Config struct {
	Recipe         string  `json:"recipe"`
	Epochs         int     `json:"epochs"`
	ScheduleEpochs int     `json:"schedule_epochs"` // length of the learning-rate schedule
	BatchSize      int     `json:"batch_size"`
	LearningRate   float64 `json:"learning_rate"`
	Seed           uint64  `json:"seed"`
	Members        int     `json:"members"`
	Limit          int     `json:"limit,omitempty"` // samples used of each set; 0: all
	// HoldOut is how many samples of the training set are measured on in place
	// of the test set, and not trained on.
	HoldOut   int             `json:"hold_out,omitempty"`
	Full      bool            `json:"full,omitempty"`   // the setting of the paper
	Init      string          `json:"init,omitempty"`   // run or file that the weights were taken from at the start
	Fresh     string          `json:"fresh,omitempty"`  // patterns of the parameters that were not
	Freeze    string          `json:"freeze,omitempty"` // patterns of the parameters that are not learned
	Precision train.Precision `json:"precision"`
	Version   string          `json:"version"`
}

// Options are what a person may change about a run. Zero values leave the
// recipe's settings.
type Options struct {
	Epochs    int // with Resume: how many more; 0: up to what was planned
	BatchSize int
	Rate      float64
	Seed      *uint64
	Limit     int
	// HoldOut samples of the training set are measured on in place of the test
	// set, which then has no part in the run; they are not trained on. Which
	// ones depends on the seed; they have the training set's mixture of classes.
	HoldOut int
	Out     string // folder of the run; must not hold one yet
	Resume  string // folder of a run to go on with
	// NoPictures leaves out the pictures, for the many short runs of a search.
	NoPictures bool
	Version    string
	Precision  train.Precision // F32 when empty
	// Callbacks are told of the training of each member, such as a progress bar.
	Callbacks func(member, members int) []train.Callback
	// Full asks for the setting of the paper, however long it takes.
	Full bool
	// Init is a run folder or a safetensors file: what fits by name and shape is
	// what the networks start from. Initialised, unless nil, is told what did.
	Init        string
	Initialised func(t *Transfer)
	// Fresh lists patterns of parameters that begin anew in spite of Init, with
	// commas in between, in the manner of nn.Freeze: mostly the last layer.
	Fresh string
	// Freeze lists patterns of parameters that are not learned, with commas in
	// between, in the manner of nn.Freeze.
	Freeze string
	// Bar shows how trainings go that Callbacks cannot be told of; nil: nobody looks.
	Bar recipe.Bar
}

// Run is a folder with a trained model.
type Run struct {
	Dir    string
	Config Config
	Recipe recipe.Recipe
	Model  nn.Module
}

// newModel builds the untrained model of a configuration.
func newModel(r recipe.Recipe, c Config) (nn.Module, []nn.Module) {
	members := make([]nn.Module, c.Members)
	for i := range members {
		members[i] = r.New(nn.NewInit(c.Seed + uint64(i)))
	}
	if len(members) == 1 {
		return members[0], members
	}
	return &Ensemble{members, r.Views}, members
}

// Open reads a run folder: its settings, and the model with its weights.
func Open(dir string) (*Run, error) {
	c, r, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if r.Train != nil {
		return nil, fmt.Errorf("%s is a run of %s, which is no classifier with a test set", dir, r.Name)
	}
	model, _ := newModel(r, c)
	path := filepath.Join(dir, ModelFile)
	if err := nn.Load(path, model); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s has no %s yet: the training has not finished an epoch; go on with hadal train --resume %s", dir, ModelFile, dir)
		}
		return nil, err
	}
	return &Run{Dir: dir, Config: c, Recipe: r, Model: model}, nil
}

// MaxEpochs is how long a run may be: longer than anybody waits, short enough
// for its steps to be counted.
const MaxEpochs = 1_000_000

// MaxBatch is how many samples a step may have: more than anybody learns from at
// once, few enough to be counted and held.
const MaxBatch = 1 << 24

// maxMembers is how many networks are averaged at most.
const maxMembers = 100

// readConfig reads the settings of a run, and finds its recipe.
func readConfig(dir string) (Config, recipe.Recipe, error) {
	path := filepath.Join(dir, ConfigFile)
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return Config{}, recipe.Recipe{}, fmt.Errorf("%s is a file, and not the folder of a run", dir)
	}
	text, err := readBounded(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, recipe.Recipe{}, fmt.Errorf("%s is not the folder of a run: it has no %s", dir, ConfigFile)
	}
	if err != nil {
		return Config{}, recipe.Recipe{}, err
	}
	c, r, err := parseConfig(text)
	if err != nil {
		return c, r, fmt.Errorf("%s %w; train again into a new folder", path, err)
	}
	return c, r, nil
}

// parseConfig believes nothing of what a configuration says.
func parseConfig(text []byte) (c Config, r recipe.Recipe, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, r, fmt.Errorf("cannot be read: %w", err)
	}
	r, err = Find(c.Recipe)
	if err != nil {
		return c, r, fmt.Errorf("is of another program or damaged: %w", err)
	}
	if c.Members < 1 || c.Members > maxMembers || c.Epochs < 1 || c.Epochs > MaxEpochs || c.ScheduleEpochs < 1 || c.ScheduleEpochs > MaxEpochs || c.BatchSize < 1 || c.BatchSize > MaxBatch || !(c.LearningRate > 0) || c.Limit < 0 || c.HoldOut < 0 {
		return c, r, errors.New("is damaged: its numbers make no sense")
	}
	if err := c.Precision.Check(); err != nil {
		return c, r, err
	}
	return c, r, nil
}

// Judge returns the data that a run is measured on: the test set, or what it
// held out of the training set.
func (r *Run) Judge() (data.Dataset, error) {
	_, judge, err := loadData(r.Recipe, r.Config)
	return judge, err
}

// loadData returns what a run learns from and what it is measured on.
func loadData(r recipe.Recipe, c Config) (learn, judge data.Dataset, err error) {
	learn, judge, err = r.Load()
	if err != nil {
		return nil, nil, err
	}
	return c.share().Of(learn, judge)
}

// share says which samples of the data a run uses.
func (c Config) share() recipe.Share {
	return recipe.Share{Limit: c.Limit, HoldOut: c.HoldOut, Seed: c.Seed}
}

// Train runs a recipe, or goes on with a run, and leaves a complete run folder.
// When the context ends it saves and returns an error that wraps
// train.ErrInterrupted; the folder can be resumed.
func Train(ctx context.Context, r recipe.Recipe, o Options) (*Run, *Result, error) {
	dir, c, err := start(&r, o)
	if err != nil {
		return nil, nil, err
	}
	if r.Train != nil {
		return trainOwn(ctx, r, c, dir, o)
	}
	learn, judge, err := loadData(r, c)
	if err != nil {
		return nil, nil, err
	}
	if o.BatchSize == 0 && o.Resume == "" { // nobody asked for the recipe's, which a part of the data may not fill
		c.BatchSize = min(c.BatchSize, learn.Len())
	}
	if c.BatchSize > learn.Len() {
		return nil, nil, fmt.Errorf("a batch of %d samples is larger than the training data (%d samples); use --batch %d or less", c.BatchSize, learn.Len(), learn.Len())
	}
	model, members := newModel(r, c)
	if err := prepare(r, c, members, dir, o); err != nil {
		return nil, nil, err
	}
	// Only now, so that a mistake leaves no folder behind.
	if err := c.save(dir); err != nil {
		return nil, nil, err
	}
	// A result speaks of the model beside it, which is about to change.
	if err := os.Remove(filepath.Join(dir, ResultFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	metadata := map[string]string{"recipe": c.Recipe, "version": c.Version}
	result := &Result{Recipe: c.Recipe, Seed: c.Seed, Epochs: c.Epochs, Parameters: nn.CountParameters(model),
		Threads: par.Threads(), ISA: c.Precision.ISA(), Precision: string(c.Precision), Version: c.Version}
	seen := 0.0
	for i, m := range members {
		place := dir
		if len(members) > 1 {
			place = memberDir(dir, i)
		}
		cfg := train.Config{Train: learn, Val: judge, ValName: c.share().JudgeName(), Loss: nn.CrossEntropy, Epochs: c.Epochs, BatchSize: c.BatchSize, Seed: c.Seed + uint64(i), Precision: c.Precision}
		stepsPerEpoch := (learn.Len() + c.BatchSize - 1) / c.BatchSize
		r.Configure(&cfg, c.LearningRate, stepsPerEpoch*c.ScheduleEpochs)
		checkpoint := filepath.Join(place, CheckpointFile)
		if o.Resume != "" && exists(checkpoint) {
			cfg.Resume = checkpoint
		}
		// The order is for whoever is killed in between: what is logged ahead of
		// the checkpoint is dropped on resume, and a newer model can be resumed from.
		cfg.Callbacks = []train.Callback{train.LogJSONL(filepath.Join(place, MetricsFile), recipe.LogEvery),
			train.Checkpoint(checkpoint), train.SaveModel(filepath.Join(place, ModelFile), metadata)}
		if o.Callbacks != nil {
			cfg.Callbacks = append(cfg.Callbacks, o.Callbacks(i, len(members))...)
		}
		if err := os.MkdirAll(place, 0o755); err != nil {
			return nil, nil, err
		}
		fit, err := train.Fit(ctx, m, cfg)
		if err != nil {
			return &Run{Dir: dir, Config: c, Recipe: r, Model: model}, nil, err
		}
		// Even if there was nothing left to train: the run may have been killed
		// between the checkpoint of its last epoch and the model.
		if err := nn.Save(filepath.Join(place, ModelFile), m, metadata); err != nil {
			return nil, nil, err
		}
		result.TrainSeconds += fit.TrainSeconds
		seen += float64(learn.Len() * len(fit.History))
		if len(members) > 1 {
			result.MemberAccuracy = append(result.MemberAccuracy, fit.Last().ValAccuracy)
		}
	}
	run := &Run{Dir: dir, Config: c, Recipe: r, Model: model}
	if len(members) > 1 {
		if err := nn.Save(filepath.Join(dir, ModelFile), model, metadata); err != nil {
			return run, nil, err
		}
		if err := joinMetrics(dir, len(members)); err != nil {
			return run, nil, err
		}
	}
	result.ImagesPerSecond = math.Round(seen / result.TrainSeconds)
	return run, result, run.finish(judge, result, !o.NoPictures)
}

// start settles the folder of a run and its configuration. It writes nothing.
func start(r *recipe.Recipe, o Options) (string, Config, error) {
	if o.Resume != "" {
		return resume(r, o)
	}
	if o.Full {
		full, err := r.Fully()
		if err != nil {
			return "", Config{}, err
		}
		*r = full
	}
	c := Config{Recipe: r.Name, Epochs: r.Epochs, ScheduleEpochs: r.Epochs, BatchSize: r.BatchSize, LearningRate: r.Rate,
		Members: max(r.Members, 1), Limit: o.Limit, HoldOut: o.HoldOut, Full: o.Full, Init: o.Init, Fresh: o.Fresh, Freeze: o.Freeze, Precision: cmp.Or(o.Precision, train.F32), Version: o.Version}
	if err := o.Precision.Check(); err != nil {
		return "", c, err
	}
	if c.Fresh != "" && c.Init == "" {
		return "", c, errors.New("--fresh says what begins anew in spite of --init: give both or none")
	}
	if r.Train != nil {
		if err := heeded(r, c); err != nil {
			return "", c, err
		}
	}
	if o.Epochs > MaxEpochs {
		return "", c, fmt.Errorf("%d epochs are too many: a run has at most %d", o.Epochs, MaxEpochs)
	}
	if o.Epochs > 0 {
		c.Epochs = o.Epochs
	}
	if c.Limit > 0 { // a quick look at few samples has smaller batches
		c.BatchSize = min(c.BatchSize, c.Limit)
	}
	if o.BatchSize > MaxBatch {
		return "", c, fmt.Errorf("a batch of %d samples is too large: at most %d are possible", o.BatchSize, MaxBatch)
	}
	if o.BatchSize > 0 {
		c.BatchSize = o.BatchSize
	}
	if o.Rate > 0 {
		c.LearningRate = o.Rate
	}
	if o.Seed != nil {
		c.Seed = *o.Seed
	}
	dir := o.Out
	if dir == "" {
		dir = filepath.Join("runs", r.Name+"-"+time.Now().Format("20060102-150405"))
	}
	if exists(filepath.Join(dir, ConfigFile)) {
		return "", c, fmt.Errorf("%s already holds a run: go on with it by --resume %s, or choose another folder with --out", dir, dir)
	}
	return dir, c, nil
}

// heeded refuses settings that a recipe with a training of its own does not heed.
func heeded(r *recipe.Recipe, c Config) error {
	for _, setting := range []struct {
		flag          string
		given, heeded bool
	}{
		{"--limit", c.Limit > 0, r.Heeds.Limit}, {"--holdout", c.HoldOut > 0, r.Heeds.HoldOut},
		{"--precision", c.Precision != train.F32, r.Heeds.Precision},
		{"--init", c.Init != "", false}, {"--freeze", c.Freeze != "", false},
	} {
		if setting.given && !setting.heeded {
			return fmt.Errorf("%s trains in its own way and has no use for %s: leave it out", r.Name, setting.flag)
		}
	}
	return nil
}

// resume opens a run to go on with. Of the options only the number of further
// epochs may differ from what the run was started with.
func resume(r *recipe.Recipe, o Options) (string, Config, error) {
	c, found, err := readConfig(o.Resume)
	if err != nil {
		return "", c, err
	}
	if r.Name != "" && r.Name != found.Name {
		return "", c, fmt.Errorf("%s is a run of %s, not of %s", o.Resume, found.Name, r.Name)
	}
	*r = found
	if c.Full {
		if *r, err = found.Fully(); err != nil {
			return "", c, err
		}
	}
	if o.BatchSize > 0 && o.BatchSize != c.BatchSize || o.Rate > 0 && o.Rate != c.LearningRate || o.Seed != nil && *o.Seed != c.Seed || o.Limit > 0 && o.Limit != c.Limit || o.HoldOut > 0 && o.HoldOut != c.HoldOut || o.Precision != "" && o.Precision != c.Precision || o.Full && !c.Full || o.Init != "" && o.Init != c.Init || o.Fresh != "" && o.Fresh != c.Fresh || o.Freeze != "" && o.Freeze != c.Freeze {
		return "", c, errors.New("--resume goes on with the settings of the run: leave --batch, --lr, --seed, --limit, --holdout, --full, --init, --fresh, --freeze and --precision out")
	}
	if o.Epochs > MaxEpochs-c.Epochs {
		return "", c, fmt.Errorf("%d more epochs are too many: a run has at most %d, and this one has %d", o.Epochs, MaxEpochs, c.Epochs)
	}
	c.Epochs += o.Epochs
	return o.Resume, c, readableCheckpoints(o.Resume)
}

// readableCheckpoints returns an error when a checkpoint in the folder of a run
// is damaged: found out before anything else there is changed.
func readableCheckpoints(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != CheckpointFile {
			return err
		}
		if _, _, err = nn.LoadTensors(path); err != nil {
			return fmt.Errorf("%w; if there is no other copy, train again into a new folder", err)
		}
		return nil
	})
}

// save makes the folder of a run, unless it is there, and writes the configuration.
func (c Config) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the folder of the run cannot be made: %w; choose another with --out", err)
	}
	if err := writeJSON(filepath.Join(dir, ConfigFile), c); err != nil {
		os.Remove(dir) // if it is empty
		return err
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// finish measures the model, draws the pictures and writes the result.
func (r *Run) finish(judge data.Dataset, result *Result, pictures bool) error {
	e, err := train.EvaluateIn(r.Config.Precision, r.Model, judge, nn.CrossEntropy)
	if err != nil {
		return err
	}
	result.Measured = r.Measure(e)
	if pictures {
		if err := r.draw(judge, e); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(r.Dir, ResultFile), result)
}
