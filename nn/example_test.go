package nn_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
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
		FC1:   nn.NewLinear(init, 16*5*5, 120),
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

// A model is a struct of layers with a Forward method.
func Example() {
	model := NewLeNet(nn.NewInit(1))
	digits := tensor.Zeros(32, 1, 28, 28)
	logits := model.Forward(nn.Inference(), digits)
	fmt.Println(logits.Shape())
	fmt.Println(nn.CountParameters(model), "parameters")
	for _, p := range nn.Parameters(model)[:4] {
		fmt.Println(p.Name(), p.Shape())
	}
	// Output:
	// [32 10]
	// 61706 parameters
	// conv1.weight [6 1 5 5]
	// conv1.bias [6]
	// conv2.weight [16 6 5 5]
	// conv2.bias [16]
}

// Layers in a row need no struct. Each ReLU becomes part of the layer before it.
func ExampleSequential() {
	init := nn.NewInit(1)
	model := nn.Sequential{
		nn.NewConv2d(init, 3, 16, 3, nn.Padding(1), nn.NoBias()), nn.NewBatchNorm2d(16), nn.ReLU{},
		nn.MaxPool2d{Kernel: 2},
		nn.NewConv2d(init, 16, 32, 3, nn.Padding(1), nn.NoBias()), nn.NewBatchNorm2d(32), nn.ReLU{},
		nn.GlobalAvgPool{},
		nn.Dropout{P: 0.2},
		nn.NewLinear(init, 32, 10),
	}
	fmt.Println(model.Forward(nn.Inference(), tensor.Zeros(4, 3, 32, 32)).Shape())
	// Output: [4 10]
}

// The loop that package train runs, written by hand: learning XOR.
func Example_training() {
	init := nn.NewInit(3)
	model := nn.Sequential{nn.NewLinear(init, 2, 8), nn.Tanh{}, nn.NewLinear(init, 8, 2)}
	x := tensor.FromSlice([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
	classes := tensor.FromSlice([]int64{0, 1, 1, 0})

	opt := optim.New(optim.Adam(0.05), nn.Parameters(model))
	for step := range uint64(200) {
		loss := nn.CrossEntropy(model.Forward(nn.Training(step), x), classes)
		loss.Backward()
		opt.Step()
	}

	probabilities := model.Forward(nn.Inference(), x).Softmax(1) // (4, 2)
	for i := range 4 {
		fmt.Println(x.At(i, 0), x.At(i, 1), probabilities.At(i, 1) > 0.5)
	}
	// Output:
	// 0 0 false
	// 0 1 true
	// 1 0 true
	// 1 1 false
}

// Fine-tuning: the convolutions stay as they are.
func ExampleFreeze() {
	model := NewLeNet(nn.NewInit(1))
	n, err := nn.Freeze(model, "conv*")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n, "tensors are frozen")
	nn.CrossEntropy(model.Forward(nn.Training(1), tensor.Ones(2, 1, 28, 28)), tensor.FromSlice([]int64{3, 7})).Backward()
	fmt.Println(model.Conv1.Weight.Grad() == nil, model.FC1.Weight.Grad() == nil)
	// Output:
	// 4 tensors are frozen
	// true false
}

// Weights are safetensors files, with the names that PyTorch would give them.
func ExampleSave() {
	folder, err := os.MkdirTemp("", "hadal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.safetensors")

	trained := NewLeNet(nn.NewInit(1))
	if err := nn.Save(path, trained, map[string]string{"model": "LeNet"}); err != nil {
		fmt.Println(err)
		return
	}
	model := NewLeNet(nn.NewInit(2))
	if err := nn.Load(path, model); err != nil {
		fmt.Println(err)
		return
	}
	x := tensor.Ones(1, 1, 28, 28)
	difference := model.Forward(nn.Inference(), x).Sub(trained.Forward(nn.Inference(), x))
	fmt.Println(difference.Abs().Max().Item())
	// Output: 0
}

// Losses take PyTorch's settings.
func ExampleCrossEntropyWith() {
	loss := nn.CrossEntropyWith(nn.LabelSmoothing(0.1), nn.IgnoreIndex(0), nn.Reduce(nn.ReduceNone))
	logits := tensor.FromSlice([]float32{2, 0, 0, 0, 2, 0}, 2, 3)
	for _, v := range loss(logits, tensor.FromSlice([]int64{0, 1})).Float64s() {
		fmt.Printf("%.4f\n", v)
	}
	// Output:
	// 0.0000
	// 0.3729
}

func ExampleSummarize() {
	fmt.Print(nn.Summarize(NewLeNet(nn.NewInit(1)), tensor.Zeros(1, 1, 28, 28)))
	// Output:
	// layer  kind        output           parameters  FLOPs   receptive field
	// conv1  Conv2d      (1, 6, 28, 28)   156         235200  5 x 5
	//        relu        (1, 6, 28, 28)   0           4704    5 x 5
	//        max_pool2d  (1, 6, 14, 14)   0           4704    6 x 6
	// conv2  Conv2d      (1, 16, 10, 10)  2416        480000  14 x 14
	//        relu        (1, 16, 10, 10)  0           1600    14 x 14
	//        max_pool2d  (1, 16, 5, 5)    0           1600    16 x 16
	//        reshape     (1, 400)         0           0       -
	// fc1    Linear      (1, 120)         48120       96000   -
	//        relu        (1, 120)         0           120     -
	// fc2    Linear      (1, 84)          10164       20160   -
	//        relu        (1, 84)          0           84      -
	// fc3    Linear      (1, 10)          850         1680    -
	// total              (1, 10)          61706       846252
}

// An initialiser is a function.
func ExampleWithInit() {
	linear := nn.NewLinear(nn.NewInit(1), 3, 3, nn.WithInit(nn.Orthogonal), nn.WithBiasInit(nn.Constant(0.5)))
	identity := linear.Weight.MatMul(linear.Weight.T())
	fmt.Printf("%.0f %.1f\n", identity.Sum().Item(), linear.Bias.Sum().Item())
	// Output: 3 1.5
}

// A network for another task takes over what fits and learns the rest anew.
func ExampleLoadFitting() {
	digits := NewLeNet(nn.NewInit(1))
	letters := NewLeNet(nn.NewInit(2))
	letters.FC3 = nn.NewLinear(nn.NewInit(3), 84, 26)

	state := map[string]*tensor.Tensor{}
	for _, t := range nn.State(digits) {
		state[t.Name()] = t
	}
	loaded, skipped, err := nn.LoadFitting(letters, state)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(loaded), "tensors are those of the digits")
	for _, s := range skipped {
		fmt.Printf("%s: %s\n", s.Name, s.Reason)
	}
	// Output:
	// 8 tensors are those of the digits
	// fc3.bias: the weights' has shape (10,), the model's (26,)
	// fc3.weight: the weights' has shape (10, 84), the model's (26, 84)
}

// A transposed convolution makes images larger. With stride 2 two sizes of the
// input of its convolution give one of the output; OutputPadding chooses.
func ExampleConvTranspose2d() {
	x := tensor.Zeros(1, 8, 7, 7)
	for _, more := range []int{0, 1} {
		up := nn.NewConvTranspose2d(nn.NewInit(1), 8, 4, 3, nn.Stride(2), nn.Padding(1), nn.OutputPadding(more))
		fmt.Println(up.Forward(nn.Inference(), x).Shape())
	}
	// Output:
	// [1 4 13 13]
	// [1 4 14 14]
}
