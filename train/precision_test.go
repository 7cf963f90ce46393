package train_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

func fitIn(t *testing.T, p train.Precision) (float64, error) {
	t.Helper()
	r := tensor.NewRand(1)
	classes := make([]int64, 64)
	for i := range classes {
		classes[i] = int64(i % 4)
	}
	ds, err := data.FromClasses(r.Normal(0, 1, 64, 20).Float32s(), []int{20}, classes, []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	init := nn.NewInit(1)
	model := nn.Sequential{nn.NewLinear(init, 20, 32), nn.ReLU{}, nn.NewLinear(init, 32, 4)}
	result, err := train.Fit(context.Background(), model, train.Config{Train: ds, Val: ds, Loss: nn.CrossEntropy,
		Optimizer: optim.SGD(0.1), Epochs: 2, Precision: p})
	if err != nil {
		return 0, err
	}
	e, err := train.EvaluateIn(p, model, ds, nn.CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	if e.Loss != result.Last().ValLoss {
		t.Errorf("%s: validation saw a loss of %v, EvaluateIn %v", p, result.Last().ValLoss, e.Loss)
	}
	return e.Loss, nil
}

func TestPrecisionReachesTrainingAndValidation(t *testing.T) {
	f32, err := fitIn(t, "")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := fitIn(t, train.F32)
	bf16, err := fitIn(t, train.BF16)
	if err != nil {
		t.Fatal(err)
	}
	if f32 != again || f32 == bf16 || bf16 < 0.95*f32 || bf16 > 1.05*f32 {
		t.Errorf("losses: %v without a precision, %v in f32, %v in bf16", f32, again, bf16)
	}
}

func TestAnUnknownPrecisionIsAnError(t *testing.T) {
	_, err := fitIn(t, "f8")
	if err == nil || !strings.Contains(err.Error(), `"f8"`) || !strings.Contains(err.Error(), "bf16") {
		t.Errorf("the error is %v", err)
	}
}
