package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
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
	Run          string          `json:"run"`
	Recipe       string          `json:"recipe"`
	TestAccuracy float64         `json:"test_accuracy"`
	TestErrors   int             `json:"test_errors"`
	TestSamples  int             `json:"test_samples"`
	TestLoss     float64         `json:"test_loss"`
	Report       *metrics.Report `json:"report"`
	// SameAsResult says whether result.json has the same figures; null when
	// the training has not finished and there is none.
	SameAsResult *bool `json:"same_as_result"`
}

func newEval() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "eval RUN",
		Short:             "Repeat the test of a run",
		Long:              "Test the model of a run again and say whether the figures are those of its result.json.",
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
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\nTest accuracy %s: %s of %s wrong, loss %.4f", e.Report, words.Percent(e.TestAccuracy), words.Thousands(e.TestErrors), words.Thousands(e.TestSamples), e.TestLoss)
		switch {
		case e.SameAsResult == nil:
			fmt.Fprintf(out, "; there is no %s to compare with: the training has not finished.\n", recipes.ResultFile)
		case *e.SameAsResult:
			fmt.Fprintf(out, "; the same as in %s.\n", recipes.ResultFile)
		default:
			fmt.Fprintf(out, "; this DIFFERS from %s, which has %s of %s wrong and loss %.4f (%s, %s).\n", recipes.ResultFile,
				words.Thousands(result.TestErrors), words.Thousands(result.TestSamples), result.TestLoss, result.ISA, result.Version)
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
	test, err := run.Test()
	if err != nil {
		return nil, nil, err
	}
	measured, err := train.Evaluate(run.Model, test, nn.CrossEntropy)
	if err != nil {
		return nil, nil, err
	}
	if math.IsNaN(measured.Loss) || math.IsInf(measured.Loss, 0) {
		return nil, nil, errNotFinite(dir)
	}
	confusion, err := metrics.Confusion(measured.Predicted, measured.True, len(test.Classes()))
	if err != nil {
		return nil, nil, err
	}
	report, err := confusion.Report(test.Classes())
	if err != nil {
		return nil, nil, err
	}
	e := &evaluation{Run: dir, Recipe: run.Recipe.Name, TestAccuracy: measured.Accuracy, TestErrors: confusion.Errors(),
		TestSamples: measured.Samples, TestLoss: measured.Loss, Report: report}
	result, err := readResult(dir)
	if err != nil {
		return nil, nil, err
	}
	if result != nil {
		same := result.TestErrors == e.TestErrors && result.TestSamples == e.TestSamples && closeTo(result.TestLoss, e.TestLoss)
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

// maxResultBytes bounds what is read as a result.
const maxResultBytes = 1 << 20

// readResult reads the result of a run, nil when there is none yet.
func readResult(dir string) (*recipes.Result, error) {
	path := filepath.Join(dir, recipes.ResultFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxResultBytes))
	if err != nil {
		return nil, err
	}
	r := &recipes.Result{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %v; delete it and run hadal eval again", path, err)
	}
	return r, nil
}
