package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func isNaN16(h uint16, exponent uint16) bool {
	return h&exponent == exponent && h&^(exponent|0x8000) != 0
}

func TestFloat16RoundTripsEveryValue(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	eachISA(t, func(t *testing.T) {
		x, back := make([]float32, len(all)), make([]uint16, len(all))
		Float16ToFloat32(x, all)
		Float32ToFloat16(back, x)
		for i, h := range all {
			if back[i] != h && !(isNaN16(h, 0x7c00) && isNaN16(back[i], 0x7c00)) {
				t.Fatalf("%#04x became %v and then %#04x", h, x[i], back[i])
			}
		}
		for h, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14, 1: 0x1p-24, 0x83ff: -0x3ffp-24, 0xfc00: float32(math.Inf(-1))} {
			if x[h] != want {
				t.Errorf("%#04x = %v, want %v", h, x[h], want)
			}
		}
	})
}

func TestBFloat16RoundTripsEveryValue(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	eachISA(t, func(t *testing.T) {
		x, back := make([]float32, len(all)), make([]uint16, len(all))
		BFloat16ToFloat32(x, all)
		Float32ToBFloat16(back, x)
		for i, h := range all {
			if math.Float32bits(x[i]) != uint32(h)<<16 {
				t.Fatalf("%#04x became %v", h, x[i])
			}
			if back[i] != h && !(isNaN16(h, 0x7f80) && isNaN16(back[i], 0x7f80)) {
				t.Fatalf("%#04x became %v and then %#04x", h, x[i], back[i])
			}
		}
	})
}

// TestNarrowingRoundsToNearestEven compares with a search among the neighbours.
func TestNarrowingRoundsToNearestEven(t *testing.T) {
	formats := []struct {
		name   string
		narrow func([]uint16, []float32)
		value  func(uint16) float64
		limit  float64 // from here on, infinity
		// infinity counts as the number that would follow the greatest
		next float64
	}{
		{"Float32ToFloat16", Float32ToFloat16, func(h uint16) float64 { return float64(float16Value(h)) }, 65520, 65536},
		{"Float32ToBFloat16", Float32ToBFloat16, func(h uint16) float64 {
			return float64(math.Float32frombits(uint32(h) << 16))
		}, 0x1.ffp127, 0x1p128},
	}
	r := rand.New(rand.NewPCG(11, 11))
	x := append([]float32(nil), specials...)
	for range 20000 {
		x = append(x, float32(r.NormFloat64()*math.Exp(8*r.NormFloat64())), math.Float32frombits(r.Uint32()))
	}
	for h := range 500 { // ties between float16 neighbours, normal and subnormal
		x = append(x, (float16Value(uint16(h))+float16Value(uint16(h+1)))/2, (float16Value(uint16(h+15000))+float16Value(uint16(h+15001)))/2)
	}
	eachISA(t, func(t *testing.T) {
		for _, f := range formats {
			got := make([]uint16, len(x))
			f.narrow(got, x)
			number := func(h uint16) float64 {
				v := f.value(h)
				if math.IsInf(v, 0) {
					return math.Copysign(f.next, v)
				}
				return v
			}
			for i, h := range got {
				v := float64(x[i])
				if v != v {
					if w := f.value(h); w == w {
						t.Fatalf("%s(NaN) = %v", f.name, w)
					}
					continue
				}
				if math.Signbit(v) != (h>>15 == 1) {
					t.Fatalf("%s(%v) has the wrong sign", f.name, v)
				}
				if math.Abs(v) >= f.limit || math.IsInf(v, 0) {
					if !math.IsInf(f.value(h), 0) {
						t.Fatalf("%s(%v) = %v, want infinity", f.name, v, f.value(h))
					}
					continue
				}
				d := math.Abs(number(h) - v)
				for _, other := range []uint16{h - 1, h + 1} {
					if other>>15 != h>>15 || math.IsNaN(f.value(other)) {
						continue
					}
					o := math.Abs(number(other) - v)
					if o < d || o == d && h&1 == 1 {
						t.Fatalf("%s(%v) = %v (%#04x), but %v is nearer or even", f.name, v, f.value(h), h, number(other))
					}
				}
			}
		}
	})
}

func TestConversionsOfAnyLength(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(12, 12))
		for _, n := range lengths() {
			x := make([]float32, n)
			bytes := make([]uint8, n)
			for i := range x {
				x[i] = anything(r)
				bytes[i] = uint8(r.Uint32())
			}
			for name, convert := range map[string]struct {
				to   func([]uint16, []float32)
				from func([]float32, []uint16)
				bits func(float32) uint16
			}{
				"float16":  {Float32ToFloat16, Float16ToFloat32, float16Bits},
				"bfloat16": {Float32ToBFloat16, BFloat16ToFloat32, bfloat16Bits},
			} {
				buffer := make([]uint16, n+8)
				for i := range buffer {
					buffer[i] = 0xABCD
				}
				h := buffer[3 : 3+n]
				convert.to(h, x)
				for i, v := range buffer {
					if inside := i >= 3 && i < 3+n; !inside && v != 0xABCD {
						t.Fatalf("%s of %d elements wrote outside", name, n)
					} else if inside && v != convert.bits(x[i-3]) && x[i-3] == x[i-3] {
						t.Fatalf("%s(%v) = %#04x, want %#04x", name, x[i-3], v, convert.bits(x[i-3]))
					}
				}
				back, alive := guarded(n, 1)
				convert.from(back, h)
				if !alive() {
					t.Fatalf("from %s of %d elements wrote outside", name, n)
				}
				for i := range back {
					again := []uint16{0}
					convert.to(again, back[i:i+1])
					if again[0] != h[i] && back[i] == back[i] {
						t.Fatalf("%s element %d of %d does not survive", name, i, n)
					}
				}
			}
			pixels, alive := guarded(n, 2)
			Uint8ToFloat(pixels, bytes, 1.0/255, -0.5)
			for i, v := range pixels {
				if want := float64(bytes[i])*float64(float32(1.0/255)) - 0.5; math.Abs(float64(v)-want) > 6e-8 {
					t.Fatalf("pixel %d became %v, want %v", bytes[i], v, want)
				}
			}
			if !alive() {
				t.Fatalf("Uint8ToFloat of %d elements wrote outside", n)
			}
		}
	})
}
