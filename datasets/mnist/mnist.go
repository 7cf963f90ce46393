// Package mnist is the MNIST database of handwritten digits, all 70,000 images
// of it, embedded in the program. It is not a download: nothing is read from
// disk or network.
//
// The images are 28 x 28 grey pixels, 0 paper and 255 ink, of the digits 0 to
// 9, written by about 500 people: 60,000 to train with and 10,000, from other
// writers, to test with. See Y. LeCun, L. Bottou, Y. Bengio, P. Haffner,
// "Gradient-based learning applied to document recognition", Proceedings of
// the IEEE 86, 1998. The database is by Yann LeCun, Corinna Cortes and
// Christopher J. C. Burges and is licensed under CC BY-SA 3.0; see
// data/CREDITS.md.
//
// The embedded files have 8.97 MB (train images 7.67, test images 1.27, labels
// 0.03), where the original files, compressed with gzip, have 11.4 MB and raw 54.9.
// They are large for a repository because a program that needs no download to
// train its first network is worth more. Unpacking takes 0.15 s of one core,
// once, when the first image of a part is read, and all cores share it.
package mnist

import (
	_ "embed" // for the directives below
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist/internal/contextsplit"
	"github.com/hadal-ml/hadal/internal/par"
)

// The number of images, and the width and height of each.
const (
	TrainLen = 60000
	TestLen  = 10000
	Side     = 28
)

// The files come from the original ones by internal/pack, which says how.
var (
	//go:embed data/train-images.bin
	trainImages []byte
	//go:embed data/train-labels.zst
	trainLabels []byte
	//go:embed data/test-images.bin
	testImages []byte
	//go:embed data/test-labels.zst
	testLabels []byte
)

var (
	train = sync.OnceValue(func() *data.Images { return mustUnpack(TrainLen, trainImages, trainLabels) })
	test  = sync.OnceValue(func() *data.Images { return mustUnpack(TestLen, testImages, testLabels) })
)

// Train returns the 60,000 training images: inputs (1, 28, 28) in 0..1, 1 where
// there is ink, and the digit as the class.
func Train() *data.Images { return train() }

// Test returns the 10,000 test images in the form of [Train].
func Test() *data.Images { return test() }

// mustUnpack unpacks the labels, and the pixels when they are wanted. It panics
// when the embedded files are damaged, which cannot happen to a program that was
// built from an intact repository.
func mustUnpack(n int, packedImages, packedLabels []byte) *data.Images {
	labels, err := unpackLabels(n, packedLabels)
	if err != nil {
		panic(damaged(err))
	}
	pixels := func() []byte {
		pixels, err := unpackImages(n, packedImages)
		if err != nil {
			panic(damaged(err))
		}
		return pixels
	}
	images, err := data.DeferImages(pixels, 1, Side, Side, labels, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
	if err != nil {
		panic(damaged(err))
	}
	return images
}

func damaged(err error) string {
	return fmt.Sprintf("mnist: the data in this program are damaged; build it again from a fresh clone (%v)", err)
}

func unpackLabels(n int, packed []byte) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	labels, err := decoder.DecodeAll(packed, make([]byte, 0, n))
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if len(labels) != n {
		return nil, fmt.Errorf("%d labels instead of %d", len(labels), n)
	}
	return labels, nil
}

// chunkImages is how many images stand in one chunk: few enough to occupy
// several cores, enough to keep the streams of each long.
const chunkImages = 5000

func unpackImages(n int, packed []byte) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	const chunkBytes = chunkImages * Side * Side
	pixels := make([]byte, n*Side*Side)
	chunks := make([][]byte, (len(pixels)+chunkBytes-1)/chunkBytes)
	for i := range chunks {
		if len(packed) < 4 || uint64(binary.LittleEndian.Uint32(packed)) > uint64(len(packed)-4) {
			return nil, errors.New("a chunk of images is cut short")
		}
		end := 4 + int(binary.LittleEndian.Uint32(packed))
		chunks[i], packed = packed[4:end], packed[end:]
	}
	if len(packed) != 0 {
		return nil, errors.New("there is more than the last chunk of images")
	}
	errs := make([]error, len(chunks))
	par.For(len(chunks), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			end := min((i+1)*chunkBytes, len(pixels))
			errs[i] = contextsplit.Unpack(pixels[i*chunkBytes:end], chunks[i], Side, Side, decoder)
		}
	})
	return pixels, errors.Join(errs...)
}
