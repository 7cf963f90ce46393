package main

import (
	"fmt"
	"math"
	"path/filepath"

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

func newEval() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval RUN",
		Short: "Repeat the test of a run",
		Long: "Test the model of a run again and say whether the figures are those of its result.json.\n" +
			"A run that held samples out of the training set is measured on those.",
		Example:           "  hadal eval runs/mnist-20261122-101500\n  hadal eval runs/third --json",
		Args:              between(1, 1),
		ValidArgsFunction: completeOneRun,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, result, err := evaluateRun(args[0])
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

// evaluateRun tests a run. The result that it finds in its folder is nil when
// there is none.
func evaluateRun(dir string) (*evaluation, *recipes.Result, error) {
	run, err := recipes.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	judge, err := run.Judge()
	if err != nil {
		return nil, nil, err
	}
	measured, err := train.EvaluateIn(run.Config.Precision, run.Model, judge, nn.CrossEntropy)
	if err != nil {
		return nil, nil, err
	}
	if math.IsNaN(measured.Loss) || math.IsInf(measured.Loss, 0) {
		return nil, nil, errNotFinite(dir)
	}
	confusion, err := metrics.Confusion(measured.Predicted, measured.True, len(judge.Classes()))
	if err != nil {
		return nil, nil, err
	}
	report, err := confusion.Report(judge.Classes())
	if err != nil {
		return nil, nil, err
	}
	e := &evaluation{Run: dir, Recipe: run.Recipe.Name, Measured: run.Measure(measured), Report: report}
	result, err := recipes.ReadResult(dir)
	if err != nil {
		return nil, nil, err
	}
	if result != nil {
		now, was := e.Score(), result.Score()
		same := was.Errors == now.Errors && was.Samples == now.Samples && closeTo(was.Loss, now.Loss)
		e.SameAsResult = &same
	}
	return e, result, nil
}

// errNotFinite is about a run whose network computes no numbers.
func errNotFinite(dir string) error {
	return fmt.Errorf("the network of %s computes values that are not finite: hadal inspect %s --stats shows its weights; train again",
		dir, filepath.Join(dir, recipes.ModelFile))
}

// closeTo allows for what another instruction set rounds differently.
func closeTo(a, b float64) bool { return math.Abs(a-b) <= 1e-5*max(math.Abs(a), math.Abs(b)) }
