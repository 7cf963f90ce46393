package metrics_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/hadal-ml/hadal/metrics"
)

// fixtures is what scikit-learn says; testdata/make_fixtures.py wrote it.
type fixtures struct {
	Classification []struct {
		Classes            int
		Targets, Predicted []int
		Names              []string
		Confusion          [][]int
		Accuracy           float64
		PerClass           [4][]float64 `json:"per_class"`
		Averages           map[string]map[string]float64
		Report2, Report4   string
		Report9            string
	}
	Ranking []struct {
		Scores            []float64
		Targets           []int
		AUC               float64
		FPR, TPR          []float64
		Thresholds        []float64
		Precision, Recall []float64
		PRThresholds      []float64 `json:"pr_thresholds"`
		AveragePrecision  float64   `json:"average_precision"`
	}
	Multiclass []struct {
		Classes int
		Scores  []float64
		Targets []int
		Top     []float64
		AUC     float64
	}
	Regression []struct {
		Predicted, Targets []float64
		MSE, RMSE, MAE, R2 float64
	}
}

func load(t *testing.T) fixtures {
	t.Helper()
	b, err := os.ReadFile("testdata/fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	var f fixtures
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Classification) < 5 || len(f.Ranking) < 4 || len(f.Multiclass) < 2 || len(f.Regression) < 4 {
		t.Fatal("the fixture lacks cases")
	}
	return f
}

// must fails the test on an error, and is the value otherwise.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
		t.Errorf("%s = %v, scikit-learn says %v", what, got, want)
	}
}

func nearAll(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d points, scikit-learn's %d", what, len(got), len(want))
		return
	}
	for i := range got {
		near(t, what, got[i], want[i])
	}
}

func TestClassificationEqualsScikitLearn(t *testing.T) {
	for _, c := range load(t).Classification {
		m := must[*metrics.ConfusionMatrix](t)(metrics.Confusion(c.Predicted, c.Targets, c.Classes))
		if !reflect.DeepEqual(m.Counts(), c.Confusion) {
			t.Errorf("confusion matrix is %v, scikit-learn's %v", m.Counts(), c.Confusion)
		}
		near(t, "accuracy", must[float64](t)(metrics.Accuracy(c.Predicted, c.Targets)), c.Accuracy)
		near(t, "accuracy of the matrix", m.Accuracy(), c.Accuracy)
		if want := len(c.Targets) - int(math.Round(c.Accuracy*float64(len(c.Targets)))); m.Errors() != want {
			t.Errorf("%d errors, want %d", m.Errors(), want)
		}
		for class := range c.Classes {
			near(t, "class precision", m.ClassPrecision(class), c.PerClass[0][class])
			near(t, "class recall", m.ClassRecall(class), c.PerClass[1][class])
			near(t, "class F1", m.ClassFBeta(class, 1), c.PerClass[2][class])
			near(t, "support", float64(m.Support(class)), c.PerClass[3][class])
		}
		for _, average := range []metrics.Average{metrics.Micro, metrics.Macro, metrics.Weighted} {
			want := c.Averages[average.String()]
			near(t, average.String()+" precision", m.Precision(average), want["precision"])
			near(t, average.String()+" recall", m.Recall(average), want["recall"])
			near(t, average.String()+" F1", m.FBeta(average, 1), want["f1"])
			near(t, average.String()+" F2", m.FBeta(average, 2), want["f2"])
			near(t, average.String()+" F0.5", m.FBeta(average, 0.5), want["f0.5"])
		}
		r := must[*metrics.Report](t)(m.Report(c.Names))
		if got := r.String(); got != c.Report2 {
			t.Errorf("report is\n%s\nscikit-learn's\n%s", got, c.Report2)
		}
		for digits, want := range map[int]string{4: c.Report4, 9: c.Report9} {
			if got := r.Text(digits); got != want {
				t.Errorf("report with %d decimals is\n%s\nscikit-learn's\n%s", digits, got, want)
			}
		}
	}
}

func TestRankingEqualsScikitLearn(t *testing.T) {
	for _, c := range load(t).Ranking {
		roc := must[*metrics.ROC](t)(metrics.ROCCurve(c.Scores, c.Targets))
		nearAll(t, "false positive rate", roc.FalsePositiveRate, c.FPR)
		nearAll(t, "true positive rate", roc.TruePositiveRate, c.TPR)
		nearAll(t, "threshold", roc.Thresholds[1:], c.Thresholds)
		if !math.IsInf(roc.Thresholds[0], 1) {
			t.Errorf("first threshold is %v, want +Inf", roc.Thresholds[0])
		}
		near(t, "ROC-AUC", must[float64](t)(metrics.ROCAUC(c.Scores, c.Targets)), c.AUC)
		pr := must[*metrics.PrecisionRecall](t)(metrics.PrecisionRecallCurve(c.Scores, c.Targets))
		nearAll(t, "precision", pr.Precision, c.Precision)
		nearAll(t, "recall", pr.Recall, c.Recall)
		nearAll(t, "precision-recall threshold", pr.Thresholds, c.PRThresholds)
		near(t, "average precision", pr.AveragePrecision(), c.AveragePrecision)
	}
}

func TestMulticlassEqualsScikitLearn(t *testing.T) {
	for _, c := range load(t).Multiclass {
		for k, want := range c.Top {
			near(t, "top-k accuracy", must[float64](t)(metrics.TopK(c.Scores, c.Classes, c.Targets, k+1)), want)
		}
		near(t, "one-vs-rest ROC-AUC", must[float64](t)(metrics.ROCAUCOneVsRest(c.Scores, c.Classes, c.Targets)), c.AUC)
	}
}

func TestRegressionEqualsScikitLearn(t *testing.T) {
	for _, c := range load(t).Regression {
		near(t, "MSE", must[float64](t)(metrics.MSE(c.Predicted, c.Targets)), c.MSE)
		near(t, "RMSE", must[float64](t)(metrics.RMSE(c.Predicted, c.Targets)), c.RMSE)
		near(t, "MAE", must[float64](t)(metrics.MAE(c.Predicted, c.Targets)), c.MAE)
		near(t, "R2", must[float64](t)(metrics.R2(c.Predicted, c.Targets)), c.R2)
	}
}
