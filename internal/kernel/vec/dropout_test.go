package vec

import (
	"math"
	"testing"

	"github.com/hadal-ml/hadal/internal/rng"
)

// The known answers are those that the authors of Philox publish with their
// code: all zeros, all ones, and the digits of pi.
func TestPhiloxGivesTheKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key, nonce, counter uint64
		want                [4]uint32
	}{
		{0, 0, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{math.MaxUint64, math.MaxUint64, math.MaxUint64, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philoxBlock(c.key, c.nonce, c.counter); got != c.want {
			t.Errorf("block %#x of key %#x = %#08x, want %#08x", c.counter, c.key, got, c.want)
		}
	}
}

func TestDropoutKeepsByTheWordsOfItsKey(t *testing.T) {
	k := rng.New(42).Split(7)
	key, nonce := k.Words()
	const p = 0.3
	eachISA(t, func(t *testing.T) {
		// The second start makes the low half of the counter overflow.
		for _, counter := range []uint64{5, 1<<32 - 3} {
			for n := range 300 {
				x, _ := guarded(n, n%5)
				for i := range x {
					x[i] = float32(i + 1)
				}
				dst, alive := guarded(n, 1)
				Dropout(dst, x, key, nonce, counter, p, 2)
				if !alive() {
					t.Fatalf("Dropout of %d elements wrote outside", n)
				}
				for i, v := range dst {
					var want float32
					if float64(k.Uint32At(4*counter+uint64(i))) >= p*(1<<32) {
						want = 2 * x[i]
					}
					if v != want {
						t.Fatalf("element %d of %d is %v, want %v", i, n, v, want)
					}
				}
				Dropout(x, x, key, nonce, counter, p, 2)
				if !sameBits(x, dst) {
					t.Fatalf("Dropout of %d elements differs in place", n)
				}
			}
		}
	})
}

func TestDropoutDropsItsShare(t *testing.T) {
	x := make([]float32, 1<<16)
	Fill(x, 1)
	for _, p := range []float64{0, 0.1, 0.5, 0.9} {
		eachISA(t, func(t *testing.T) {
			dst := make([]float32, len(x))
			Dropout(dst, x, 1, 2, 3, p, 1)
			kept := Sum(dst) / float64(len(x))
			if math.Abs(kept-(1-p)) > 0.01 {
				t.Errorf("with p = %v it kept %v", p, kept)
			}
		})
	}
}

func TestDropoutRefusesToDropAll(t *testing.T) {
	defer func() {
		if got, want := recover(), "vec.Dropout: probability 1 is outside [0, 1)"; got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	Dropout([]float32{1}, []float32{1}, 0, 0, 0, 1, 1)
}
