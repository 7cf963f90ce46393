package nn_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Short vectors become much shorter, long ones almost of length 1.
func ExampleSquash() {
	s := tensor.FromSlice([]float32{0.1, 0, 3, 4}, 2, 2)
	for _, length := range nn.Squash(s, 1).Norm(2, 1).Float64s() {
		fmt.Printf("%.3f\n", length)
	}
	// Output:
	// 0.010
	// 0.962
}

// A small network of capsules: 4 types of capsules of size 8 at 6 x 6 places,
// routed to one capsule of size 16 for each of 10 classes.
func ExampleCapsules() {
	init := nn.NewInit(1)
	primary := nn.NewPrimaryCapsules(init, 3, 4, 8, 9, nn.Stride(2))
	digits := nn.NewCapsules(init, 4*6*6, 8, 10, 16)

	c := nn.Training(1)
	x := tensor.NewRand(1).Uniform(0, 1, 2, 3, 20, 20)
	parts := primary.Forward(c, x)
	v := digits.Forward(c, parts)
	lengths := v.Norm(2, 2)
	loss := nn.CapsuleMargin(lengths, tensor.FromSlice([]int64{7, 2}))
	loss.Backward()
	fmt.Println(parts.Shape(), v.Shape(), lengths.Shape(), digits.Weight.Grad().Shape())
	// Output:
	// [2 144 8] [2 10 16] [2 10] [10 16 8 144]
}
