package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// maxThreads bounds --threads: more than any machine has, few enough to start.
const maxThreads = 1024

// checkThreads refuses a --threads that is not possible.
func checkThreads(n int) error {
	if n < 1 || n > maxThreads {
		return usageErrorf("--threads %d: 1 to %d are possible; leave it away to use all", n, maxThreads)
	}
	return nil
}

// trainFlags are the flags of hadal train.
type trainFlags struct {
	epochs, batch, limit, holdout, threads int
	rate                                   float64
	seed                                   uint64
	out, resume, precision                 string
	init, fresh, freeze                    string
	quiet, json, pictures, full            bool
}

func newTrain() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train NAME | train --resume RUN",
		Short: "Train a recipe, or go on with a run",
		Long: "Train a recipe and leave a folder with the model, its settings, its metrics, its\n" +
			"result and pictures of them. Ctrl-C finishes the step and saves; --resume goes on\n" +
			"from there, and ends with the bits of a run that was never interrupted.",
		Example: "  hadal train mnist\n" +
			"  hadal train deepconvnet --seed 3 --out runs/third\n" +
			"  hadal train lenet --epochs 1 --limit 5000        a quick look\n" +
			"  hadal train lenet --lr 1e-3 --holdout 10000      a try that the test set has no part in\n" +
			"  hadal train --resume runs/third --epochs 5       five more epochs\n" +
			"  hadal train fashion-few --init runs/mnist --fresh out      from the weights of another run, but for the last layer",
		Args: between(0, 1),

		DisableFlagsInUseLine: true,

		ValidArgsFunction: completeRecipes,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.epochs, "epochs", 0, "passes over the training data; with --resume, further ones (default: as the recipe says)")
	fl.IntVar(&f.batch, "batch", 0, "samples in a step (default: as the recipe says)")
	fl.Float64Var(&f.rate, "lr", 0, "learning rate, or its peak (default: as the recipe says)")
	fl.Uint64Var(&f.seed, "seed", 0, "decides everything random; the same seed gives the same bits")
	fl.StringVar(&f.out, "out", "", "folder of the run (default: runs/NAME-time)")
	fl.StringVar(&f.resume, "resume", "", "go on with the run in this folder")
	fl.IntVar(&f.threads, "threads", par.Threads(), "threads that compute; the result does not depend on it")
	fl.StringVar(&f.precision, "precision", "f32", "arithmetic of products: f32, or bf16, which is faster on processors with AMX")
	fl.IntVar(&f.limit, "limit", 0, "use this many samples of each data set, for a quick look (default: all)")
	fl.IntVar(&f.holdout, "holdout", 0, "measure on this many samples held out of the training set, not on the test set:\nfor choosing settings. The same seed holds out the same samples")
	fl.BoolVar(&f.full, "full", false, "train as the paper did, however long it takes, where a recipe has such a setting")
	fl.StringVar(&f.init, "init", "", "start from the weights of a run, or of a safetensors file, that fit by name and shape")
	fl.StringVar(&f.fresh, "fresh", "", "with --init: begin these anew all the same, mostly the last layer, such as 'out' or 'fc'")
	fl.StringVar(&f.freeze, "freeze", "", "do not learn the parameters, or layers, whose names match these patterns,\nsuch as 'conv*,norm*'")
	fl.BoolVar(&f.pictures, "pictures", true, "draw the curves, the confusion matrix, the mistakes and the filters")
	fl.BoolVar(&f.quiet, "quiet", false, "print the last sentence only")
	fl.BoolVar(&f.json, "json", false, "print one JSON object for each epoch and one for the result, for programs")
	cmd.MarkFlagDirname("out")
	cmd.RegisterFlagCompletionFunc("resume", completeRuns)
	cmd.RegisterFlagCompletionFunc("init", completeRunOrFile)
	cmd.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(train.Precisions(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check finds wrong usage before anything is read or written.
func (f *trainFlags) check(cmd *cobra.Command, args []string) error {
	given := cmd.Flags().Changed
	switch {
	case len(args) == 0 && !given("resume"):
		return usageErrorf("say what to train: hadal train NAME; hadal recipes lists the names")
	case given("resume") && f.resume == "":
		return usageErrorf("--resume needs the folder of a run, such as --resume runs/mnist")
	case given("resume") && given("out"):
		return usageErrorf("--resume goes on in the folder of the run: leave --out away")
	case given("init") && f.init == "":
		return usageErrorf("--init needs the folder of a run or a safetensors file, such as --init runs/mnist")
	case given("fresh") && !given("init"):
		return usageErrorf("--fresh says what begins anew in spite of --init: give --init too")
	case given("fresh") && f.fresh == "":
		return usageErrorf("--fresh needs patterns of names, such as --fresh out; hadal summary NAME shows the names")
	case given("freeze") && f.freeze == "":
		return usageErrorf("--freeze needs patterns of names, such as --freeze 'conv*,norm*'; hadal summary NAME shows the names")
	case given("epochs") && (f.epochs < 1 || f.epochs > recipes.MaxEpochs):
		return usageErrorf("--epochs %d: 1 to %d are possible", f.epochs, recipes.MaxEpochs)
	case given("batch") && f.batch < 1:
		return usageErrorf("--batch %d: at least 1 is needed", f.batch)
	case given("limit") && f.limit < 1:
		return usageErrorf("--limit %d: at least 1 is needed; leave it away to use all samples", f.limit)
	case given("holdout") && f.holdout < 1:
		return usageErrorf("--holdout %d: at least 1 is needed; leave it away to measure on the test set", f.holdout)
	case given("lr") && !(f.rate > 0 && !math.IsInf(f.rate, 0)):
		return usageErrorf("--lr %v: a positive number is needed, such as 0.001", f.rate)
	case train.Precision(f.precision).Check() != nil:
		return usageErrorf("--precision %s: f32 and bf16 are possible", f.precision)
	case f.quiet && f.json:
		return usageErrorf("--quiet and --json exclude each other: give one of them")
	}
	return checkThreads(f.threads)
}

func (f *trainFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd, args); err != nil {
		return err
	}
	var r recipe.Recipe // of a run that is resumed: found in its folder
	if len(args) > 0 {
		var err error
		if r, err = recipes.Find(args[0]); err != nil {
			return err
		}
	}
	restore := par.Threads()
	par.SetThreads(f.threads)
	defer par.SetThreads(restore)
	ctx, stop := interruptible(cmd.Context())
	defer stop()

	show := f.reporter(cmd)
	o := recipes.Options{Epochs: f.epochs, BatchSize: f.batch, Rate: f.rate, Limit: f.limit, HoldOut: f.holdout, Out: f.out, Resume: f.resume,
		NoPictures: !f.pictures, Version: moduleVersion(), Callbacks: show.callbacks, Full: f.full, Bar: show, Init: f.init, Initialised: show.initialised, Fresh: f.fresh, Freeze: f.freeze}
	if cmd.Flags().Changed("seed") {
		o.Seed = &f.seed
	}
	if cmd.Flags().Changed("precision") {
		o.Precision = train.Precision(f.precision)
	}
	done, result, err := recipes.Train(ctx, r, o)
	show.close()
	if wasInterrupted(err) {
		return fmt.Errorf("%w; everything is saved: go on with hadal train --resume %s", err, done.Dir)
	}
	if err != nil {
		// A failure to save outweighs the interruption that led to it.
		return withoutInterruption{err}
	}
	return show.result(done.Dir, result)
}

// wasInterrupted reports whether err says that training was interrupted and
// nothing else went wrong.
func wasInterrupted(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 1 {
		for _, e := range joined.Unwrap() {
			if !wasInterrupted(e) {
				return false
			}
		}
		return true
	}
	return errors.Is(err, train.ErrInterrupted)
}

// withoutInterruption is an error that counts as a failure, whatever it wraps.
type withoutInterruption struct{ error }

// Unwrap hides what the error wraps.
func (withoutInterruption) Unwrap() error { return nil }

// reporter tells how training goes.
type reporter interface {
	callbacks(member, members int) []train.Callback
	recipe.Bar
	initialised(t *recipes.Transfer) // before the training
	close()                          // gives the terminal back
	result(dir string, r *recipes.Result) error
}

func (f *trainFlags) reporter(cmd *cobra.Command) reporter {
	out := cmd.OutOrStdout()
	switch {
	case f.json:
		return &jsonReporter{json.NewEncoder(out)}
	case f.quiet:
		return quietReporter{out}
	}
	return &progressReporter{quietReporter: quietReporter{out}}
}
