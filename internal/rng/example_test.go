package rng_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/rng"
)

func ExampleKey_Split() {
	run := rng.New(42)
	weights := run.SplitString("weights")
	layer0, layer1 := weights.Split(0), weights.Split(1)
	fmt.Println(layer0 == layer1, layer0 == run.SplitString("weights").Split(0))
	// Output: false true
}

func ExampleFillNormal() {
	w := make([]float32, 3)
	rng.FillNormal(rng.New(1), w, 0, 0.01)
	again := make([]float32, 2)
	rng.FillNormal(rng.New(1), again, 0, 0.01)
	fmt.Println(w[0] == again[0], w[1] == again[1])
	// Output: true true
}
