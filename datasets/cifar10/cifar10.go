// Package cifar10 reads CIFAR-10, 60,000 colour photographs in ten classes,
// from the folder that the data store keeps. It downloads nothing: `hadal data
// get cifar-10` does.
//
// The images are 32 x 32 pixels, 50,000 to train with and 10,000 to test with.
// See A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
// 2009.
package cifar10

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets"
)

// The number of images, and the width and height of each.
const (
	TrainLen = 50000
	TestLen  = 10000
	Side     = 32
)

// imageBytes is the length of one image in a file: red, green and blue plane.
const imageBytes = 3 * Side * Side

// Classes are the names of the classes, in the order of their numbers.
var Classes = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// Mean and Std are those of the three channels over the training images, with
// pixels in 0..1.
var (
	Mean = []float32{0.49140, 0.48216, 0.44653}
	Std  = []float32{0.24703, 0.24349, 0.26159}
)

// Load returns the training and the test images from the data store: inputs
// (3, 32, 32) in 0..1. The error of a set that is not there yet says how to get it.
func Load() (train, test *data.Images, err error) {
	dir, err := datasets.Folder("cifar-10")
	if err != nil {
		return nil, nil, err
	}
	return LoadFrom(dir)
}

// LoadFrom is Load from a folder with the files of the binary version.
func LoadFrom(dir string) (train, test *data.Images, err error) {
	train, err = read(dir, TrainLen/5, "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin")
	if err != nil {
		return nil, nil, err
	}
	test, err = read(dir, TestLen, "test_batch.bin")
	return train, test, err
}

// read joins files of n images each. In a file every image is a byte for the
// class and then its pixels.
func read(dir string, n int, names ...string) (*data.Images, error) {
	pixels := make([]byte, 0, len(names)*n*imageBytes)
	labels := make([]uint8, 0, len(names)*n)
	for _, name := range names {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() != int64(n*(1+imageBytes)) {
			return nil, fmt.Errorf("%s has %d bytes, not the %d of %d images; get it again with: hadal data get cifar-10", path, info.Size(), n*(1+imageBytes), n)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for ; len(file) > imageBytes; file = file[1+imageBytes:] {
			labels = append(labels, file[0])
			pixels = append(pixels, file[1:1+imageBytes]...)
		}
	}
	images, err := data.NewImages(pixels, 3, Side, Side, labels, Classes)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; get it again with: hadal data get cifar-10", dir, err)
	}
	return images, nil
}
