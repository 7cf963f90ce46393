package data

import (
	"fmt"
	"slices"
	"sync"
)

// Images is a data set of 8-bit images in memory. Their pixels are read as
// 0..1: byte 255 is 1.
type Images struct {
	shape  [3]int        // (C, H, W)
	pixels func() []byte // (N, C, H, W)
	labels []uint8
	names  []string
}

// NewImages makes a data set of images of shape (channels, height, width),
// which stand one after the other in pixels, and one label an image, an index
// into names. The slices are kept, not copied.
func NewImages(pixels []byte, channels, height, width int, labels []uint8, names []string) (*Images, error) {
	if err := checkPixels(pixels, channels, height, width, len(labels)); err != nil {
		return nil, err
	}
	return newImages(func() []byte { return pixels }, channels, height, width, labels, names)
}

// DeferImages is NewImages for pixels that cost time to make: pixels is called
// once, when the first image is read. It panics where they turn out to be too
// few or too many, so it is for data that come with the program.
func DeferImages(pixels func() []byte, channels, height, width int, labels []uint8, names []string) (*Images, error) {
	return newImages(sync.OnceValue(func() []byte {
		made := pixels()
		if err := checkPixels(made, channels, height, width, len(labels)); err != nil {
			panic(err.Error())
		}
		return made
	}), channels, height, width, labels, names)
}

func checkPixels(pixels []byte, channels, height, width, n int) error {
	if channels < 1 || height < 1 || width < 1 || len(pixels) != n*channels*height*width {
		return fmt.Errorf("data: %d bytes are not %d images of shape (%d, %d, %d)", len(pixels), n, channels, height, width)
	}
	return nil
}

func newImages(pixels func() []byte, channels, height, width int, labels []uint8, names []string) (*Images, error) {
	for i, label := range labels {
		if int(label) >= len(names) {
			return nil, fmt.Errorf("data: image %d has label %d, but there are %d classes", i, label, len(names))
		}
	}
	return &Images{[3]int{channels, height, width}, pixels, labels, names}, nil
}

// Len is the number of images.
func (d *Images) Len() int { return len(d.labels) }

// InputShape is (C, H, W).
func (d *Images) InputShape() []int { return slices.Clone(d.shape[:]) }

// TargetShape is empty: the target is a class.
func (d *Images) TargetShape() []int { return nil }

// Classes are the names of the classes.
func (d *Images) Classes() []string { return d.names }

// Bytes returns the pixels of image i as they are stored, (C, H, W). The slice
// belongs to the data set.
func (d *Images) Bytes(i int) []byte {
	checkIndex(i, d.Len())
	size := d.shape[0] * d.shape[1] * d.shape[2]
	return d.pixels()[i*size : (i+1)*size : (i+1)*size]
}

// Label returns the class of image i.
func (d *Images) Label(i int) int { return int(d.labels[i]) }

// pixelValue[v] is the value of byte v: v / 255, correctly rounded.
var pixelValue = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(v) / 255
	}
	return t
}()

// Read writes the pixels of image i, as 0..1, to x and its class to y.
func (d *Images) Read(i int, x []float32, y *Target) error {
	pixels := d.Bytes(i)
	x = x[:len(pixels)]
	for j, v := range pixels {
		x[j] = pixelValue[v]
	}
	y.Class = int64(d.labels[i])
	return nil
}
