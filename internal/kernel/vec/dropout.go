package vec

import (
	"fmt"
	"math/bits"
)

// The constants of Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As
// Easy as 1, 2, 3", SC 2011).
const (
	philoxMultiplier0, philoxMultiplier1 = 0xD2511F53, 0xCD9E8D57
	philoxWeyl0, philoxWeyl1             = 0x9E3779B9, 0xBB67AE85
	philoxRounds                         = 10
)

// philoxBlock returns block number counter of the stream (key, nonce): four
// words. The low word of key is the cipher's first key word; counter and nonce
// are the low and high half of its 128-bit counter.
func philoxBlock(key, nonce, counter uint64) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	c0, c1, c2, c3 := uint32(counter), uint32(counter>>32), uint32(nonce), uint32(nonce>>32)
	for range philoxRounds {
		hi0, lo0 := bits.Mul32(philoxMultiplier0, c0)
		hi1, lo1 := bits.Mul32(philoxMultiplier1, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += philoxWeyl0
		k1 += philoxWeyl1
	}
	return [4]uint32{c0, c1, c2, c3}
}

// philoxSchedule returns what the dropout kernel needs of a stream: the state of
// four blocks, then the keys of each round in words 0 and 2 of four.
func philoxSchedule(key, nonce, counter uint64) (schedule [16 + 4*philoxRounds]uint32) {
	for i := range uint64(4) {
		block := schedule[4*i:]
		block[0], block[1] = uint32(counter+i), uint32((counter+i)>>32)
		block[2], block[3] = uint32(nonce), uint32(nonce>>32)
	}
	k0, k1 := uint32(key), uint32(key>>32)
	for round := range philoxRounds {
		keys := schedule[16+4*round:]
		keys[0], keys[2] = k0, k1
		k0 += philoxWeyl0
		k1 += philoxWeyl1
	}
	return schedule
}

// dropThreshold is the number that a random 32-bit word is below with
// probability p.
func dropThreshold(p float64) uint32 {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("vec.Dropout: probability %v is outside [0, 1)", p))
	}
	return uint32(p * (1 << 32))
}

// Dropout sets dst[i] = x[i]*scale where element i is kept and 0 where it is
// dropped. Element i is kept when word i%4 of Philox block counter+i/4 of the
// stream (key, nonce) is at least p*2^32: word 4*counter+i of that rng.Key. Nothing is stored: the backward pass calls
// Dropout again on the gradient. A caller that cuts a tensor does so at a
// multiple of four elements and advances counter accordingly.
func Dropout[T Float](dst, x []T, key, nonce, counter uint64, p float64, scale T) {
	sameLength("Dropout", len(dst), len(x))
	threshold := dropThreshold(p)
	if whole := len(x) &^ 15; isFloat32[T]() && whole > 0 {
		schedule := philoxSchedule(key, nonce, counter)
		if dropoutKernel(ptr(dst), ptr(x), &schedule[0], threshold, float32(scale), whole) {
			dst, x = dst[whole:], x[whole:]
			counter += uint64(whole / 4)
		}
	}
	for i := 0; i < len(x); i += 4 {
		words := philoxBlock(key, nonce, counter+uint64(i/4))
		for j := i; j < min(i+4, len(x)); j++ {
			if words[j-i] >= threshold {
				dst[j] = x[j] * scale
			} else {
				dst[j] = 0
			}
		}
	}
}
