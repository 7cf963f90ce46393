package optim_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// A line is fitted to four points.
func Example() {
	x := tensor.FromSlice([]float32{0, 1, 2, 3})
	y := tensor.FromSlice([]float32{1, 3, 5, 7})
	slope, offset := tensor.Zeros(1).RequireGrad(), tensor.Zeros(1).RequireGrad()

	opt := optim.New(optim.Momentum(0.05, 0.9), []*tensor.Tensor{slope, offset})
	for range 200 {
		difference := x.Mul(slope).Add(offset).Sub(y)
		loss := difference.Mul(difference).Mean()
		loss.Backward()
		opt.Step()
	}
	fmt.Printf("y = %.2f x + %.2f\n", slope.Item(), offset.Item())
	// Output: y = 2.00 x + 1.00
}

// Biases are not decayed, and the layers that were trained before have a tenth
// of the rate.
func ExampleNewGroups() {
	trained, head, bias := tensor.Ones(4, 4).RequireGrad(), tensor.Ones(4, 2).RequireGrad(), tensor.Ones(2).RequireGrad()
	adam := optim.AdamW(1e-3).WeightDecay(0.05)
	opt := optim.NewGroups(
		optim.Group{Params: []*tensor.Tensor{head}, Algorithm: adam},
		optim.Group{Params: []*tensor.Tensor{bias}, Algorithm: adam.WeightDecay(0)},
		optim.Group{Params: []*tensor.Tensor{trained}, Algorithm: adam.LR(1e-4)},
	)
	opt.SetLR(5e-4) // the trained layers follow with 5e-5
	fmt.Println(opt.LR(), adam)
	// Output: 0.0005 AdamW(lr 0.001, betas 0.9 0.999, eps 1e-08, decoupled weight decay 0.05)
}

func ExampleLinearWarmup() {
	schedule := optim.LinearWarmup(4, 0.2, optim.Cosine(6, 0))
	for step := range 11 {
		fmt.Printf("%.2f ", schedule.At(step))
	}
	// Output: 0.20 0.40 0.60 0.80 1.00 0.93 0.75 0.50 0.25 0.07 0.00
}

func ExampleOneCycle() {
	cycle := optim.NewOneCycle(10)
	for step := range 10 {
		fmt.Printf("%.2f/%.2f ", cycle.At(step), cycle.MomentumAt(step))
	}
	// Output: 0.04/0.95 0.52/0.90 1.00/0.85 0.95/0.85 0.81/0.87 0.61/0.89 0.39/0.91 0.19/0.93 0.05/0.95 0.00/0.95
}

func ExamplePlateau() {
	plateau := optim.NewPlateau(0.1, 2)
	for epoch, loss := range []float64{0.9, 0.5, 0.4, 0.41, 0.4, 0.42, 0.39} {
		if plateau.Observe(loss) {
			fmt.Printf("from epoch %d on the rate is %g of the first\n", epoch+1, plateau.At(0))
		}
	}
	// Output: from epoch 6 on the rate is 0.1 of the first
}

func ExampleClipNorm() {
	weight := tensor.Zeros(2).RequireGrad()
	weight.SetGrad(tensor.FromSlice([]float32{3, 4}))
	before := optim.ClipNorm([]*tensor.Tensor{weight}, 1)
	fmt.Printf("%.1f, now %.1f\n", before, weight.Grad().Float32s())
	// Output: 5.0, now [0.6 0.8]
}

func ExampleEMA() {
	weight := tensor.Zeros(1).RequireGrad()
	ema := optim.NewEMA([]*tensor.Tensor{weight}, 0.5)
	for _, v := range []float64{0, 4, 4} { // as training would set it
		weight.Fill(v)
		ema.Update()
	}
	ema.Swap()
	fmt.Print(weight.Item(), " while swapped, ")
	ema.Swap()
	fmt.Println(weight.Item(), "after")
	// Output: 3 while swapped, 4 after
}

// Gradient descent on 50x² bears rates below 2/100. In a model, step trains on
// one batch, and the parameters are restored afterwards.
func ExampleRangeTest() {
	x := 1.0
	result, err := optim.RangeTest(optim.RangeConfig{From: 1e-6, To: 1}, func(lr float64) (float64, error) {
		loss := 50 * x * x
		x -= lr * 100 * x
		return loss, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("suggested %.3f, diverged %t before rate 1\n", result.Suggested, result.Diverged)
	// Output: suggested 0.001, diverged true before rate 1
}
