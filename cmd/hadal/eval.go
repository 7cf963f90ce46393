package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/train"
)

// evaluation is what hadal eval says of a run.
type evaluation struct {
	Run    string `json:"run"`
	Recipe string `json:"recipe"`
	recipes.Measured
	Report *metrics.Report `json:"report"`
	// SameAsResult says whether result.json has the same figures; null when
	// the training has not finished and there is none.
	SameAsResult *bool `json:"same_as_result"`
}

// evaluations is what hadal eval says of several runs.
type evaluations struct {
	Runs    []*evaluation `json:"runs"`
	Average *evaluation   `json:"average"` // of their probabilities
}

func newEval() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval RUN...",
		Short: "Repeat the test of a run, or average several",
		Long: "Test the model of a run again and say whether the figures are those of its result.json.\n" +
			"A run that held samples out of the training set is measured on those.\n" +
			"Of several runs on the same data the mean of their probabilities is tested too.",
		Example: "  hadal eval runs/mnist-20261122-101500\n  hadal eval runs/third --json\n" +
			"  hadal eval runs/first runs/second runs/third     each alone, and what they say together",
		Args:              between(1, maxAveraged),
		ValidArgsFunction: completeRuns,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			all, err := evaluateTogether(args)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, all)
			}
			return all.print(cmd.OutOrStdout())
		}
		run, err := recipes.Open(args[0])
		if err != nil {
			return err
		}
		e, _, result, err := evaluateRun(run)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, e)
		}
		out, s := cmd.OutOrStdout(), e.Score()
		fmt.Fprintf(out, "%s\n%s accuracy %s: %s of %s wrong, loss %.4f", e.Report, e.Name(), words.Percent(s.Accuracy), words.Thousands(s.Errors), words.Thousands(s.Samples), s.Loss)
		switch {
		case e.SameAsResult == nil:
			fmt.Fprintf(out, "; there is no %s to compare with: the training has not finished.\n", recipes.ResultFile)
		case *e.SameAsResult:
			fmt.Fprintf(out, "; the same as in %s.\n", recipes.ResultFile)
		default:
			was := result.Score()
			fmt.Fprintf(out, "; this DIFFERS from %s, which has %s of %s wrong and loss %.4f (%s, %s).\n", recipes.ResultFile,
				words.Thousands(was.Errors), words.Thousands(was.Samples), was.Loss, result.ISA, result.Version)
		}
		return nil
	}
	return cmd
}

// maxAveraged is how many runs are averaged at most.
const maxAveraged = 100

// evaluateTogether tests runs one by one, and what they say together.
func evaluateTogether(dirs []string) (*evaluations, error) {
	runs := make([]*recipes.Run, len(dirs))
	for i, dir := range dirs {
		var err error
		if runs[i], err = recipes.Open(dir); err != nil {
			return nil, err
		}
	}
	if err := recipes.Agree(runs); err != nil {
		return nil, err
	}
	all, measured := &evaluations{}, make([]*train.Evaluation, len(runs))
	for i, run := range runs {
		e, m, _, err := evaluateRun(run)
		if err != nil {
			return nil, err
		}
		all.Runs, measured[i] = append(all.Runs, e), m
	}
	average, err := recipes.Average(measured)
	if err != nil {
		return nil, err
	}
	judge, err := runs[0].Judge()
	if err != nil {
		return nil, err
	}
	if all.Average, err = describe(runs[0], judge.Classes(), average); err != nil {
		return nil, err
	}
	all.Average.Run, all.Average.Recipe = "average", ""
	return all, nil
}

// print writes the report of the average and a line for each run.
func (all *evaluations) print(out io.Writer) error {
	fmt.Fprintf(out, "%s\n", all.Average.Report)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "RUN\tRECIPE\t%s ACCURACY\tWRONG\tLOSS\n", strings.ToUpper(all.Average.Name()))
	for _, e := range append(all.Runs, all.Average) {
		s := e.Score()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s of %s\t%.4f\n", e.Run, e.Recipe, words.Percent(s.Accuracy), words.Thousands(s.Errors), words.Thousands(s.Samples), s.Loss)
	}
	return t.Flush()
}

// evaluateRun tests a run. The result that it finds in its folder is nil when
// there is none.
func evaluateRun(run *recipes.Run) (*evaluation, *train.Evaluation, *recipes.Result, error) {
	judge, err := run.Judge()
	if err != nil {
		return nil, nil, nil, err
	}
	measured, err := train.EvaluateIn(run.Config.Precision, run.Model, judge, nn.CrossEntropy)
	if err != nil {
		return nil, nil, nil, err
	}
	if math.IsNaN(measured.Loss) || math.IsInf(measured.Loss, 0) {
		return nil, nil, nil, errNotFinite(run.Dir)
	}
	e, err := describe(run, judge.Classes(), measured)
	if err != nil {
		return nil, nil, nil, err
	}
	result, err := recipes.ReadResult(run.Dir)
	if err != nil {
		return nil, nil, nil, err
	}
	if result != nil {
		now, was := e.Score(), result.Score()
		same := was.Errors == now.Errors && was.Samples == now.Samples && closeTo(was.Loss, now.Loss)
		e.SameAsResult = &same
	}
	return e, measured, result, nil
}

// describe puts what was measured in words.
func describe(run *recipes.Run, classes []string, measured *train.Evaluation) (*evaluation, error) {
	confusion, err := metrics.Confusion(measured.Predicted, measured.True, len(classes))
	if err != nil {
		return nil, err
	}
	report, err := confusion.Report(classes)
	if err != nil {
		return nil, err
	}
	return &evaluation{Run: run.Dir, Recipe: run.Recipe.Name, Measured: run.Measure(measured), Report: report}, nil
}

// errNotFinite is about a run whose network computes no numbers.
func errNotFinite(dir string) error {
	return fmt.Errorf("the network of %s computes values that are not finite: hadal inspect %s --stats shows its weights; train again",
		dir, filepath.Join(dir, recipes.ModelFile))
}

// closeTo allows for what another instruction set rounds differently.
func closeTo(a, b float64) bool { return math.Abs(a-b) <= 1e-5*max(math.Abs(a), math.Abs(b)) }
