// Package fashionmnist reads Fashion-MNIST, 70,000 grey pictures of clothes,
// from the folder that the data store keeps. It downloads nothing: `hadal data
// get fashion-mnist` does.
//
// The images have the form of MNIST: 28 x 28 pixels, 60,000 to train with and
// 10,000 to test with. See H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a
// Novel Image Dataset for Benchmarking Machine Learning Algorithms", arXiv
// 1708.07747.
package fashionmnist

import (
	"fmt"
	"path/filepath"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/format/idx"
)

// The number of images, and the width and height of each.
const (
	TrainLen = 60000
	TestLen  = 10000
	Side     = 28
)

// Classes are the names of the classes, in the order of their numbers.
var Classes = []string{"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}

// Load returns the training and the test images from the data store: inputs
// (1, 28, 28) in 0..1. The error of a set that is not there yet says how to get it.
func Load() (train, test *data.Images, err error) {
	dir, err := datasets.Folder("fashion-mnist")
	if err != nil {
		return nil, nil, err
	}
	return LoadFrom(dir)
}

// LoadFrom is Load from a folder with the four files, unpacked.
func LoadFrom(dir string) (train, test *data.Images, err error) {
	if train, err = read(dir, "train", TrainLen); err != nil {
		return nil, nil, err
	}
	test, err = read(dir, "t10k", TestLen)
	return train, test, err
}

func read(dir, part string, n int) (*data.Images, error) {
	images, err := readArray(filepath.Join(dir, part+"-images-idx3-ubyte"), n, Side, Side)
	if err != nil {
		return nil, err
	}
	labels, err := readArray(filepath.Join(dir, part+"-labels-idx1-ubyte"), n)
	if err != nil {
		return nil, err
	}
	set, err := data.NewImages(images, 1, Side, Side, labels, Classes)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; get it again with: hadal data get fashion-mnist", dir, err)
	}
	return set, nil
}

// readArray reads bytes of a shape.
func readArray(path string, shape ...int) ([]byte, error) {
	a, err := idx.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if a.DType != idx.Uint8 || fmt.Sprint(a.Shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("%s holds %v of shape %v, not bytes of shape %v; get it again with: hadal data get fashion-mnist", path, a.DType, a.Shape, shape)
	}
	return a.Data, nil
}
