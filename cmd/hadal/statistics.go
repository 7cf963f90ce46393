package main

import (
	"encoding/binary"
	"math"

	"github.com/hadal-ml/hadal/format/npy"
	"github.com/hadal-ml/hadal/format/safetensors"
)

// statistics sums up the values of an array. The first three are of those that
// are finite, null when there are none.
type statistics struct {
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Mean      *float64 `json:"mean"`
	NotFinite int64    `json:"not_finite"`
}

// element reads one value from the beginning of b.
type element func(b []byte) float64

var little = binary.LittleEndian

func readU8(b []byte) float64  { return float64(b[0]) }
func readI8(b []byte) float64  { return float64(int8(b[0])) }
func readU16(b []byte) float64 { return float64(little.Uint16(b)) }
func readI16(b []byte) float64 { return float64(int16(little.Uint16(b))) }
func readU32(b []byte) float64 { return float64(little.Uint32(b)) }
func readI32(b []byte) float64 { return float64(int32(little.Uint32(b))) }
func readU64(b []byte) float64 { return float64(little.Uint64(b)) }
func readI64(b []byte) float64 { return float64(int64(little.Uint64(b))) }
func readF32(b []byte) float64 { return float64(math.Float32frombits(little.Uint32(b))) }
func readF64(b []byte) float64 { return math.Float64frombits(little.Uint64(b)) }

// readBF16 reads the upper half of a float32.
func readBF16(b []byte) float64 {
	return float64(math.Float32frombits(uint32(little.Uint16(b)) << 16))
}

// readF16 reads an IEEE 754 binary16: 1 bit sign, 5 exponent, 10 fraction.
func readF16(b []byte) float64 {
	h := little.Uint16(b)
	sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	switch {
	case exponent == 31 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 31:
		return math.NaN()
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// safetensorsElements are the types whose values hadal inspect can read; the
// others are packed or complex.
var safetensorsElements = map[safetensors.DType]element{
	safetensors.Bool: readU8, safetensors.U8: readU8, safetensors.I8: readI8,
	safetensors.U16: readU16, safetensors.I16: readI16, safetensors.U32: readU32, safetensors.I32: readI32,
	safetensors.U64: readU64, safetensors.I64: readI64,
	safetensors.F16: readF16, safetensors.BF16: readBF16, safetensors.F32: readF32, safetensors.F64: readF64,
}

var npyElements = map[npy.DType]element{
	npy.Bool: readU8, npy.Uint8: readU8, npy.Int8: readI8,
	npy.Uint16: readU16, npy.Int16: readI16, npy.Uint32: readU32, npy.Int32: readI32,
	npy.Uint64: readU64, npy.Int64: readI64,
	npy.Float16: readF16, npy.Float32: readF32, npy.Float64: readF64,
}

// measure sums up values of so many bytes each.
func measure(data []byte, size int, read element) *statistics {
	s := &statistics{}
	least, greatest, mean, n := math.Inf(1), math.Inf(-1), 0.0, 0.0
	for ; len(data) > 0; data = data[size:] {
		v := read(data)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			s.NotFinite++
			continue
		}
		n++
		least, greatest = min(least, v), max(greatest, v)
		mean += v/n - mean/n // a running mean does not overflow where a sum would
	}
	if n > 0 {
		s.Min, s.Max, s.Mean = &least, &greatest, &mean
	}
	return s
}
