package mnist

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/hadal-ml/hadal/data"
)

// The hashes are those of the four files of the original distribution after
// gunzip, header included.
func TestContentIsThatOfTheOriginalFiles(t *testing.T) {
	for _, c := range []struct {
		name           string
		set            *data.Images
		n              uint32
		images, labels string
	}{
		{
			"train", Train(), 60000,
			"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
			"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
		},
		{
			"test", Test(), 10000,
			"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
			"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
		},
	} {
		if c.set.Len() != int(c.n) {
			t.Fatalf("%s has %d images, want %d", c.name, c.set.Len(), c.n)
		}
		images, labels := sha256.New(), sha256.New()
		// The IDX header: type unsigned byte, number of dimensions, dimensions.
		images.Write([]byte{0, 0, 8, 3})
		labels.Write([]byte{0, 0, 8, 1})
		for _, dim := range []uint32{c.n, 28, 28} {
			images.Write(binary.BigEndian.AppendUint32(nil, dim))
		}
		labels.Write(binary.BigEndian.AppendUint32(nil, c.n))
		for i := range c.set.Len() {
			images.Write(c.set.Bytes(i))
			labels.Write([]byte{byte(c.set.Label(i))})
		}
		if got := hex.EncodeToString(images.Sum(nil)); got != c.images {
			t.Errorf("%s images have SHA-256 %s, want %s", c.name, got, c.images)
		}
		if got := hex.EncodeToString(labels.Sum(nil)); got != c.labels {
			t.Errorf("%s labels have SHA-256 %s, want %s", c.name, got, c.labels)
		}
	}
}

func TestDamagedDataAreAnError(t *testing.T) {
	flipped := bytes.Clone(testImages)
	flipped[len(flipped)/2] ^= 0xFF
	for name, images := range map[string][]byte{
		"truncated": testImages[:1000],
		"flipped":   flipped,
		"longer":    append(bytes.Clone(testImages), 0),
		"nothing":   nil,
	} {
		if _, err := unpackImages(TestLen, images); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, labels := range map[string][]byte{"others": trainLabels, "broken": testLabels[:9]} {
		if _, err := unpackLabels(TestLen, labels); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, f := range map[string]func(){
		"labels": func() { mustUnpack(TestLen, testImages, nil) },
		"images": func() { mustUnpack(TestLen, nil, testLabels).Bytes(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("damaged %s did not panic", name)
				}
			}()
			f()
		}()
	}
}

func ExampleTrain() {
	train := Train()
	x := make([]float32, 28*28)
	var y data.Target
	if err := train.Read(7, x, &y); err != nil {
		panic(err)
	}
	fmt.Println(train.Len(), train.InputShape(), train.Classes()[y.Class])
	for row := 4; row < 26; row += 3 {
		for col := 4; col < 24; col++ {
			fmt.Printf("%c", " .:#"[int(3*x[row*28+col]+0.5)])
		}
		fmt.Println("|")
	}
	// Output:
	// 60000 [1 28 28] 3
	//                     |
	//      :############. |
	//              .###:  |
	//       .:::#####.    |
	//       ......:##.    |
	//    .       .###.    |
	//  :##########:       |
	//                     |
}

func BenchmarkUnpack(b *testing.B) {
	b.SetBytes((TrainLen + TestLen) * Side * Side)
	for b.Loop() {
		mustUnpack(TrainLen, trainImages, trainLabels).Bytes(0)
		mustUnpack(TestLen, testImages, testLabels).Bytes(0)
	}
}
