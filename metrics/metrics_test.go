package metrics_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hadal-ml/hadal/metrics"
)

func TestErrorsNameTheMetricAndTheFault(t *testing.T) {
	nan := math.NaN()
	empty := metrics.NewConfusionMatrix(2)
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"accuracy, empty", func() error { _, err := metrics.Accuracy(nil, nil); return err }, "accuracy: no examples"},
		{"accuracy, lengths", func() error { _, err := metrics.Accuracy([]int{1}, []int{1, 2}); return err }, "accuracy: 1 predictions for 2 targets"},
		{"argmax, ragged", func() error { _, err := metrics.Argmax([]float32{1, 2, 3}, 2); return err }, "argmax: 3 scores are no whole number of rows of 2 classes"},
		{"argmax, NaN", func() error { _, err := metrics.Argmax([]float64{1, 2, 3, nan}, 2); return err }, "class 1 of example 1 is NaN"},
		{"argmax, no class", func() error { _, err := metrics.Argmax([]float64{}, 0); return err }, "0 classes"},
		{"top-k, empty", func() error { _, err := metrics.TopK([]float64{}, 2, nil, 1); return err }, "top-k accuracy: no examples"},
		{"top-k, lengths", func() error { _, err := metrics.TopK([]float64{1, 2}, 2, []int{0, 1}, 1); return err }, "1 predictions for 2 targets"},
		{"top-k, k", func() error { _, err := metrics.TopK([]float64{1, 2}, 2, []int{0}, 3); return err }, "k is 3; choose 1..2"},
		{"top-k, label", func() error { _, err := metrics.TopK([]float64{1, 2}, 2, []int{2}, 1); return err }, "target 2 at position 0 is outside"},
		{"confusion, empty", func() error { _, err := metrics.Confusion(nil, nil, 3); return err }, "confusion matrix: no examples"},
		{"confusion, no class", func() error { _, err := metrics.Confusion([]int{0}, []int{0}, 0); return err }, "0 classes"},
		{"confusion, label", func() error { _, err := metrics.Confusion([]int{0, 3}, []int{0, 1}, 3); return err }, "prediction 3 at position 1 is outside the 3 classes 0..2"},
		{"confusion, negative target", func() error { _, err := metrics.Confusion([]int{0}, []int{-1}, 3); return err }, "target -1"},
		{"matrix, lengths", func() error { return empty.Add([]int{0}, nil) }, "1 predictions for 0 targets"},
		{"report, empty", func() error { _, err := empty.Report(nil); return err }, "report: no examples"},
		{"ROC, one class", func() error { _, err := metrics.ROCCurve([]float64{1, 2}, []int{1, 1}); return err }, "2 positives and 0 negatives; it needs both"},
		{"ROC-AUC, NaN", func() error { _, err := metrics.ROCAUC([]float64{1, nan}, []int{1, 0}); return err }, "ROC-AUC: score 1 is NaN"},
		{"ROC-AUC, label", func() error { _, err := metrics.ROCAUC([]float64{1, 2}, []int{1, 2}); return err }, "target 2 at position 1"},
		{"one-vs-rest, class absent", func() error {
			_, err := metrics.ROCAUCOneVsRest([]float64{1, 2, 3, 4, 5, 6}, 3, []int{0, 1})
			return err
		}, "class 2: 0 positives"},
		{"precision-recall, no positive", func() error { _, err := metrics.PrecisionRecallCurve([]float64{1}, []int{0}); return err }, "no positives"},
		{"MSE, empty", func() error { _, err := metrics.MSE[float64](nil, nil); return err }, "MSE: no examples"},
		{"RMSE, NaN", func() error { _, err := metrics.RMSE([]float64{nan}, []float64{1}); return err }, "RMSE: prediction 0 is NaN"},
		{"MAE, infinite", func() error { _, err := metrics.MAE([]float64{1}, []float64{math.Inf(1)}); return err }, "MAE: target 0 is +Inf"},
		{"R2, one example", func() error { _, err := metrics.R2([]float64{1}, []float64{1}); return err }, "one example"},
	} {
		err := c.call()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "metrics: ") {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestAFailedAddCountsNothing(t *testing.T) {
	m := metrics.NewConfusionMatrix(2)
	if err := m.Add([]int{0, 1, 2}, []int{0, 1, 1}); err == nil {
		t.Fatal("a label outside the classes was counted")
	}
	if m.Total() != 0 {
		t.Errorf("%d examples counted, want none", m.Total())
	}
}

func TestBatchesAddUpToTheWhole(t *testing.T) {
	predicted, targets := []int{0, 1, 2, 2, 1}, []int{0, 1, 1, 2, 0}
	whole := must[*metrics.ConfusionMatrix](t)(metrics.Confusion(predicted, targets, 3))
	parts := metrics.NewConfusionMatrix(3)
	for _, cut := range [][2]int{{0, 2}, {2, 2}, {2, 5}} {
		if err := parts.Add(predicted[cut[0]:cut[1]], targets[cut[0]:cut[1]]); err != nil {
			t.Fatal(err)
		}
	}
	for truth, row := range whole.Counts() {
		if !slices.Equal(row, parts.Counts()[truth]) {
			t.Errorf("row %d is %v in batches, %v as a whole", truth, parts.Counts()[truth], row)
		}
	}
}

func TestCountsIsACopy(t *testing.T) {
	m := metrics.NewConfusionMatrix(2)
	m.Counts()[0][0] = 7
	if m.Total() != 0 {
		t.Error("writing to Counts() changed the matrix")
	}
}

func TestAnEmptyMatrixHasFiguresZero(t *testing.T) {
	m := metrics.NewConfusionMatrix(3)
	for _, average := range []metrics.Average{metrics.Micro, metrics.Macro, metrics.Weighted} {
		if p, r, f := m.Precision(average), m.Recall(average), m.FBeta(average, 1); p != 0 || r != 0 || f != 0 {
			t.Errorf("%v: precision %v, recall %v, F1 %v; want 0", average, p, r, f)
		}
	}
	if m.Accuracy() != 0 {
		t.Errorf("accuracy %v, want 0", m.Accuracy())
	}
}

func TestMistakesOfTheProgrammerPanic(t *testing.T) {
	m := metrics.NewConfusionMatrix(2)
	for name, call := range map[string]func(){
		"no classes":      func() { metrics.NewConfusionMatrix(0) },
		"negative beta":   func() { m.ClassFBeta(0, -1) },
		"NaN beta":        func() { m.FBeta(metrics.Micro, math.NaN()) },
		"infinite beta":   func() { m.FBeta(metrics.Macro, math.Inf(1)) },
		"unknown average": func() { m.Precision(metrics.Average(9)) },
	} {
		func() {
			defer func() {
				if r, _ := recover().(string); !strings.HasPrefix(r, "metrics: ") {
					t.Errorf("%s: recovered %q, want a message of the package", name, r)
				}
			}()
			call()
		}()
	}
}

func TestReportNamesClassesByIndexAndRefusesTooFewNames(t *testing.T) {
	m := must[*metrics.ConfusionMatrix](t)(metrics.Confusion([]int{0, 1}, []int{0, 1}, 2))
	r := must[*metrics.Report](t)(m.Report(nil))
	if r.Classes[1].Name != "1" {
		t.Errorf("class 1 is called %q", r.Classes[1].Name)
	}
	if _, err := m.Report([]string{"one"}); err == nil || !strings.Contains(err.Error(), "1 names for 2 classes") {
		t.Errorf("error is %v", err)
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), `"macro_avg":{"name":"macro avg","precision":1,"recall":1,"f1":1,"support":2}`) {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

func TestEqualScoresRankTheLowestClassFirst(t *testing.T) {
	scores := []float32{1, 1, 1, 1, 1, 1} // 2 examples, 3 classes
	for k, want := range map[int]float64{1: 0, 2: 0.5, 3: 1} {
		if got := must[float64](t)(metrics.TopK(scores, 3, []int{1, 2}, k)); got != want {
			t.Errorf("top-%d is %v, want %v", k, got, want)
		}
	}
}

func TestInfiniteScoresOrder(t *testing.T) {
	inf := math.Inf(1)
	if got := must[[]int](t)(metrics.Argmax([]float64{-inf, 3, inf, 3}, 2)); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("argmax is %v, want [1 0]", got)
	}
	if got := must[float64](t)(metrics.ROCAUC([]float64{-inf, 0, inf}, []int{0, 0, 1})); got != 1 {
		t.Errorf("ROC-AUC is %v, want 1", got)
	}
}

func TestAUCIsTheProbabilityOfRankingAPairRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		scores := rapid.SliceOfN(rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) }), n, n).Draw(t, "scores")
		targets := rapid.SliceOfN(rapid.IntRange(0, 1), n, n).Draw(t, "targets")
		targets[0], targets[1] = 0, 1
		won, pairs := 0.0, 0.0
		for i, p := range targets {
			for j, q := range targets {
				if p != 1 || q != 0 {
					continue
				}
				pairs++
				if scores[i] > scores[j] {
					won++
				} else if scores[i] == scores[j] {
					won += 0.5
				}
			}
		}
		got, err := metrics.ROCAUC(scores, targets)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-won/pairs) > 1e-12 {
			t.Fatalf("ROC-AUC is %v, the share of pairs %v", got, won/pairs)
		}
	})
}

func TestTopOneIsTheAccuracyOfArgmax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(1, 6).Draw(t, "classes")
		targets := rapid.SliceOfN(rapid.IntRange(0, classes-1), 1, 20).Draw(t, "targets")
		scores := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 3), func(i int) float32 { return float32(i) }), len(targets)*classes, len(targets)*classes).Draw(t, "scores")
		best, err := metrics.Argmax(scores, classes)
		if err != nil {
			t.Fatal(err)
		}
		accuracy, err := metrics.Accuracy(best, targets)
		if err != nil {
			t.Fatal(err)
		}
		top, err := metrics.TopK(scores, classes, targets, 1)
		if err != nil || top != accuracy {
			t.Fatalf("top-1 is %v (%v), accuracy %v", top, err, accuracy)
		}
		if all, err := metrics.TopK(scores, classes, targets, classes); err != nil || all != 1 {
			t.Fatalf("top-%d of %d classes is %v (%v), want 1", classes, classes, all, err)
		}
	})
}
