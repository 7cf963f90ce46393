package hadal_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// LeNet is the 1998 network for 28x28 digits.
type LeNet struct {
	Conv1, Conv2  *nn.Conv2d
	FC1, FC2, FC3 *nn.Linear
}

func NewLeNet(init *nn.Init) *LeNet {
	return &LeNet{
		Conv1: nn.NewConv2d(init, 1, 6, 5, nn.Padding(2)),
		Conv2: nn.NewConv2d(init, 6, 16, 5),
		FC1:   nn.NewLinear(init, 400, 120),
		FC2:   nn.NewLinear(init, 120, 84),
		FC3:   nn.NewLinear(init, 84, 10),
	}
}

func (m *LeNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor { // (B, 1, 28, 28)
	x = m.Conv1.Forward(c, x).ReLU().MaxPool2d(2) // (B, 6, 14, 14)
	x = m.Conv2.Forward(c, x).ReLU().MaxPool2d(2) // (B, 16, 5, 5)
	x = m.FC1.Forward(c, x.Flatten(1)).ReLU()     // (B, 120)
	x = m.FC2.Forward(c, x).ReLU()                // (B, 84)
	return m.FC3.Forward(c, x)                    // logits (B, 10)
}

// A network is a plain struct, and Fit trains it. (A sixth of the digits is
// enough for an example.)
func Example() {
	model := NewLeNet(nn.NewInit(1))
	result, err := train.Fit(context.Background(), model, train.Config{
		Train: data.Limit(mnist.Train(), 10000), Val: mnist.Test(),
		Loss: nn.CrossEntropy, Optimizer: optim.Adam(2e-3), Epochs: 2, BatchSize: 64,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("reads 95% of the test digits:", result.Last().ValAccuracy > 0.95)
	// Output: reads 95% of the test digits: true
}

// The loop written by hand is as short.
func Example_loop() {
	model := NewLeNet(nn.NewInit(1))
	opt := optim.New(optim.Adam(2e-3), nn.Parameters(model))
	loader, err := data.NewLoader(data.Limit(mnist.Train(), 5000), data.LoaderConfig{BatchSize: 50, Shuffle: true})
	if err != nil {
		log.Fatal(err)
	}
	var last float64
	for batch := range loader.Epoch(0) {
		c := nn.Training(uint64(batch.Step))
		loss := nn.CrossEntropy(model.Forward(c, batch.X), batch.Y)
		loss.Backward()
		opt.Step()
		last = loss.Item()
	}
	fmt.Println("the loss fell below 1:", last < 1)
	// Output: the loss fell below 1: true
}

// More than 98% of the test digits in a few lines, and a few seconds.
func Example_mnist() {
	init := nn.NewInit(1)
	model := nn.Sequential{
		nn.Flatten{},
		nn.NewLinear(init, 784, 256), nn.ReLU{},
		nn.NewLinear(init, 256, 10),
	}
	const epochs, batch = 8, 100
	result, err := train.Fit(context.Background(), model, train.Config{
		Train: mnist.Train(), Val: mnist.Test(), Loss: nn.CrossEntropy,
		Optimizer: optim.Adam(4e-3), Schedule: optim.NewOneCycle(epochs * 60000 / batch),
		Epochs: epochs, BatchSize: batch,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("above 98%:", result.Last().ValAccuracy > 0.98)
	// Output: above 98%: true
}
