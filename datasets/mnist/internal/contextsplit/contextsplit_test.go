package contextsplit

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/hadal-ml/hadal/internal/rng"
)

func decoder(t testing.TB) *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(1<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// strokes draws n images with blank paper, full strokes and soft edges.
func strokes(n, width, height int) []byte {
	s := rng.New(1).Stream()
	pixels := make([]byte, n*width*height)
	for i := range pixels {
		switch s.IntN(12) {
		case 0:
			pixels[i] = byte(s.IntN(256))
		case 1:
			if i > 0 {
				pixels[i] = pixels[i-1]
			}
		}
	}
	return pixels
}

func TestUnpackGivesBackWhatPackTook(t *testing.T) {
	d := decoder(t)
	blank := make([]byte, 3*28*28)
	last := bytes.Clone(blank)
	last[len(last)-1] = 9 // a run of 2351 zeros, and a pixel at the very end
	exact := bytes.Clone(blank)
	exact[255], exact[255+255+1+100] = 1, 255 // runs of 255 and of a little less than twice that
	for _, c := range []struct {
		name          string
		pixels        []byte
		width, height int
	}{
		{"no image", nil, 28, 28},
		{"one pixel", []byte{7}, 1, 1},
		{"blank", blank, 28, 28},
		{"last pixel", last, 28, 28},
		{"exact runs", exact, 28, 28},
		{"all full", bytes.Repeat([]byte{255}, 28*28), 28, 28},
		{"strokes", strokes(20, 28, 28), 28, 28},
		{"narrow", strokes(5, 1, 17), 1, 17},
		{"flat", strokes(5, 17, 1), 17, 1},
	} {
		packed, err := Pack(c.pixels, c.width, c.height)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := make([]byte, len(c.pixels))
		if err := Unpack(got, packed, c.width, c.height, d); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !bytes.Equal(got, c.pixels) {
			t.Errorf("%s: other pixels came back", c.name)
		}
	}
}

func TestDamageIsAnError(t *testing.T) {
	d := decoder(t)
	pixels := strokes(20, 28, 28)
	packed, err := Pack(pixels, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(pixels))
	for name, bad := range map[string][]byte{
		"nothing":   nil,
		"truncated": packed[:len(packed)/2],
		"too long":  append(bytes.Clone(packed), 0),
		"frame":     append([]byte{packed[0]}, make([]byte, len(packed)-1)...),
	} {
		if Unpack(out, bad, 28, 28, d) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if Unpack(out[28*28:], packed, 28, 28, d) == nil {
		t.Error("one image fewer than packed: no error")
	}
	if Unpack(make([]byte, len(out)+28*28), packed, 28, 28, d) == nil {
		t.Error("one image more than packed: no error")
	}
	if Unpack(out[1:], packed, 28, 28, d) == nil {
		t.Error("a part of an image: no error")
	}
	if _, err := Pack(pixels[1:], 28, 28); err == nil {
		t.Error("packing a part of an image: no error")
	}
}

func FuzzUnpack(f *testing.F) {
	for _, n := range []int{0, 1, 3} {
		packed, err := Pack(strokes(n, 9, 7), 9, 7)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, uint8(n))
	}
	d := decoder(f)
	f.Fuzz(func(t *testing.T, packed []byte, n uint8) {
		pixels := make([]byte, int(n)*9*7)
		if Unpack(pixels, packed, 9, 7, d) != nil {
			return
		}
		// Unpacking and splitting again must agree on where each pixel stood.
		var values []byte
		var next [streams]int
		for i, stream := range split(pixels, 9, 7) {
			next[i] = len(values)
			values = append(values, stream...)
		}
		back := make([]byte, len(pixels))
		if !join(back, 9, 7, values, &next) || !bytes.Equal(back, pixels) {
			t.Fatal("accepted images do not survive splitting")
		}
	})
}
