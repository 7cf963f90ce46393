package metrics_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/metrics"
)

func ExampleTopK() {
	scores := []float32{ // 2 examples x 3 classes
		0.1, 0.7, 0.2,
		0.5, 0.2, 0.3,
	}
	targets := []int{1, 2}
	for k := 1; k <= 2; k++ {
		top, err := metrics.TopK(scores, 3, targets, k)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("top-%d: %.0f%%\n", k, 100*top)
	}
	// Output:
	// top-1: 50%
	// top-2: 100%
}

func ExampleConfusionMatrix_Report() {
	targets := []int{0, 1, 2, 2, 2}
	predicted := []int{0, 0, 2, 2, 1}
	m, err := metrics.Confusion(predicted, targets, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := m.Report([]string{"cat", "dog", "bird"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	// Output:
	//               precision    recall  f1-score   support
	//
	//          cat       0.50      1.00      0.67         1
	//          dog       0.00      0.00      0.00         1
	//         bird       1.00      0.67      0.80         3
	//
	//     accuracy                           0.60         5
	//    macro avg       0.50      0.56      0.49         5
	// weighted avg       0.70      0.60      0.61         5
}

func ExampleConfusionMatrix_FBeta() {
	m := metrics.NewConfusionMatrix(2)
	if err := m.Add([]int{0, 1, 1, 1}, []int{0, 0, 1, 1}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("precision %.3f, recall %.3f, F1 %.3f\n", m.ClassPrecision(1), m.ClassRecall(1), m.ClassFBeta(1, 1))
	fmt.Printf("macro F2 %.3f\n", m.FBeta(metrics.Macro, 2))
	// Output:
	// precision 0.667, recall 1.000, F1 0.800
	// macro F2 0.732
}

func ExampleROCAUC() {
	auc, err := metrics.ROCAUC([]float64{0.1, 0.4, 0.35, 0.8}, []int{0, 0, 1, 1})
	fmt.Println(auc, err)
	// Output: 0.75 <nil>
}

func ExampleR2() {
	r2, err := metrics.R2([]float64{2.5, 0, 2, 8}, []float64{3, -0.5, 2, 7})
	fmt.Printf("%.3f %v\n", r2, err)
	// Output: 0.949 <nil>
}
