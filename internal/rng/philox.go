// Package rng makes the random numbers of the whole project: counter-based,
// splittable, and the same bits on every machine and for any number of
// threads. It is not a source for cryptography.
//
// A [Key] names an endless sequence of random words; word i is a function of
// (key, i) alone, so any goroutine may compute any part of it. [Key.Split]
// derives independent keys: one for the weights, one for the shuffle, one for
// each sample's augmentation. A [Stream] reads a key's words in order.
package rng

import "math/bits"

// The multipliers and key increments of Philox4x32, from J. Salmon, M. Moraes,
// R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
const (
	philoxM0 = 0xD2511F53
	philoxM1 = 0xCD9E8D57
	philoxW0 = 0x9E3779B9
	philoxW1 = 0xBB67AE85

	philoxRounds = 10
)

// philox is Philox4x32-10: a bijection of the 128-bit counter for each 64-bit key.
func philox(c0, c1, c2, c3, k0, k1 uint32) (uint32, uint32, uint32, uint32) {
	for range philoxRounds {
		p0 := uint64(philoxM0) * uint64(c0)
		p1 := uint64(philoxM1) * uint64(c2)
		c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
		k0 += philoxW0
		k1 += philoxW1
	}
	return c0, c1, c2, c3
}

// Key names one sequence of random words. It is a comparable value of 128
// bits; copy it freely. The zero Key is New(0).
type Key struct {
	key   uint64 // the Philox key
	nonce uint64 // the upper half of the Philox counter
}

// splitTweak keeps the outputs that become keys apart from those that become
// random words: the two use different Philox keys. (Bits of the square root of 2.)
const splitTweak = 0x6A09E667F3BCC908

// New returns the key of a user's seed. Different seeds give different keys.
func New(seed uint64) Key { return Key{key: seed} }

// Split returns the i-th child of k. Children of one key are all different,
// and their sequences are independent of each other and of k's own.
func (k Key) Split(i uint64) Key {
	t := k.key ^ splitTweak
	a, b, c, d := philox(uint32(i), uint32(i>>32), uint32(k.nonce), uint32(k.nonce>>32), uint32(t), uint32(t>>32))
	return Key{key: uint64(a) | uint64(b)<<32, nonce: uint64(c) | uint64(d)<<32}
}

// SplitString returns the child of k with that name. Children with names are
// independent of the numbered ones.
func (k Key) SplitString(name string) Key {
	// The length goes in first, so that no name is a prefix of another's path.
	child := k.Split(^uint64(len(name)))
	for len(name) > 0 {
		var word uint64
		n := min(8, len(name))
		for j := range n {
			word |= uint64(name[j]) << (8 * j)
		}
		child = child.Split(word)
		name = name[n:]
	}
	return child
}

// Block returns the four random words at 4*counter .. 4*counter+3.
func (k Key) Block(counter uint64) [4]uint32 {
	a, b, c, d := philox(uint32(counter), uint32(counter>>32), uint32(k.nonce), uint32(k.nonce>>32), uint32(k.key), uint32(k.key>>32))
	return [4]uint32{a, b, c, d}
}

// Uint32At returns random word i of the key's sequence. Reading many words in
// a row is four times cheaper with [Key.Block].
func (k Key) Uint32At(i uint64) uint32 {
	return k.Block(i / 4)[i%4]
}

// Uint64At returns words 2i and 2i+1 as one number, the first in the low half.
func (k Key) Uint64At(i uint64) uint64 {
	b := k.Block(i / 2)
	w := 2 * (i % 2)
	return uint64(b[w]) | uint64(b[w+1])<<32
}

// scale maps a random 64-bit word to [0, n) with the high half of a product
// (D. Lemire, "Fast random integer generation in an interval", 2019); ok is
// false for the few words that would make some results likelier than others.
func scale(word, n uint64) (value uint64, ok bool) {
	hi, lo := bits.Mul64(word, n)
	if lo < n && lo < -n%n {
		return 0, false
	}
	return hi, true
}

// Words returns the Philox key and the upper half of its counter, for kernels
// that compute the words of k themselves.
func (k Key) Words() (key, nonce uint64) { return k.key, k.nonce }
