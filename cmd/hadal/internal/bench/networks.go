package bench

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
)

type network func(init *nn.Init) nn.Module

var (
	adam     = optim.Adam(1e-3)
	momentum = optim.Momentum(0.1, 0.9).WeightDecay(1e-4)
	plain    = optim.SGD(0.1)
)

var imageTraining = []struct {
	name                           string
	network                        network
	optimizer                      optim.Algorithm
	batch, channels, side, classes int
}{
	{"lenet5-b100", lenet5, adam, 100, 1, 28, 10},
	{"mnist-cnn-b100", mnistCNN, adam, 100, 1, 28, 10},
	{"deepconvnet-b100", deepConvNet, adam, 100, 1, 28, 10},
	{"resnet20-cifar-b128", resnet20, momentum, 128, 3, 32, 10},
	{"vgg16-cifar-b64", vgg16, momentum, 64, 3, 32, 10},
	{"densenet40-cifar-b64", densenet40, momentum, 64, 3, 32, 10},
	{"resnet18-224-b16", resnet18, momentum, 16, 3, 224, 1000},
}

var mlpTraining = []struct {
	name      string
	dims      []int
	batch     int
	optimizer optim.Algorithm
}{
	{"mlp-784-50-10-b100-sgd", []int{784, 50, 10}, 100, plain},
	{"mlp-784-1024-1024-10-b128-adam", []int{784, 1024, 1024, 10}, 128, adam},
	{"mlp-4-128-128-2-b64-adam", []int{4, 128, 128, 2}, 64, adam},
}

var inferences = []struct {
	name    string
	network network
	shape   []int
}{
	{"resnet18-224-b1", resnet18, []int{1, 3, 224, 224}},
	{"resnet18-224-b16", resnet18, []int{16, 3, 224, 224}},
	{"deepconvnet-b1", deepConvNet, []int{1, 1, 28, 28}},
	{"mlp-784-50-10-b1", func(init *nn.Init) nn.Module { return mlp(init, 784, 50, 10) }, []int{1, 784}},
}

func mlp(init *nn.Init, dims ...int) nn.Module {
	var s nn.Sequential
	for i := range len(dims) - 1 {
		if i > 0 {
			s = append(s, nn.ReLU{})
		}
		s = append(s, nn.NewLinear(init, dims[i], dims[i+1]))
	}
	return s
}

func mnistCNN(init *nn.Init) nn.Module {
	return nn.Sequential{
		nn.NewConv2d(init, 1, 32, 3), nn.ReLU{}, nn.NewConv2d(init, 32, 64, 3), nn.ReLU{}, nn.MaxPool2d{Kernel: 2}, nn.Dropout{P: 0.25},
		nn.Flatten{}, nn.NewLinear(init, 9216, 128), nn.ReLU{}, nn.Dropout{P: 0.5}, nn.NewLinear(init, 128, 10),
	}
}

// deepConvNet is the network of chapter 8 of Deep Learning from Scratch.
func deepConvNet(init *nn.Init) nn.Module {
	var s nn.Sequential
	c := 1
	for _, l := range [][2]int{{16, 1}, {16, 1}, {}, {32, 1}, {32, 2}, {}, {64, 1}, {64, 1}, {}} {
		if l[0] == 0 {
			s = append(s, nn.MaxPool2d{Kernel: 2})
			continue
		}
		s = append(s, nn.NewConv2d(init, c, l[0], 3, nn.Padding(l[1])), nn.ReLU{})
		c = l[0]
	}
	return append(s, nn.Flatten{}, nn.NewLinear(init, 1024, 50), nn.ReLU{}, nn.Dropout{P: 0.5}, nn.NewLinear(init, 50, 10), nn.Dropout{P: 0.5})
}

// The networks of the literature are those of package models.
func lenet5(init *nn.Init) nn.Module     { return models.NewLeNet(init, 10) }
func resnet20(init *nn.Init) nn.Module   { return models.NewResNet20(init, 3, 10) }
func resnet18(init *nn.Init) nn.Module   { return models.NewResNet18(init, 1000) }
func vgg16(init *nn.Init) nn.Module      { return models.NewVGG16Small(init, 10) }
func densenet40(init *nn.Init) nn.Module { return models.NewDenseNetBC(init, 40, 12, 10) }
