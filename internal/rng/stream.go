package rng

import "fmt"

// Stream reads the words of one key in order. It is not safe for use by
// several goroutines at once; give each its own key instead.
type Stream struct {
	key  Key
	next uint64 // index of the next 32-bit word
	buf  [4]uint32
}

// Stream returns a reader that stands at the first word of k.
func (k Key) Stream() *Stream { return &Stream{key: k} }

// Reset makes s a reader at the first word of k, as k.Stream() does, without
// allocating.
func (s *Stream) Reset(k Key) { s.key, s.next = k, 0 }

// Uint32 returns the next word.
func (s *Stream) Uint32() uint32 {
	w := s.next % 4
	if w == 0 {
		s.buf = s.key.Block(s.next / 4)
	}
	s.next++
	return s.buf[w]
}

// Uint64 returns the next two words as one number, the first in the low half.
func (s *Stream) Uint64() uint64 {
	lo := s.Uint32()
	return uint64(lo) | uint64(s.Uint32())<<32
}

// IntN returns a number in [0, n), each equally likely. It panics when n < 1.
func (s *Stream) IntN(n int) int {
	if n < 1 {
		panic(fmt.Sprintf("rng: IntN(%d); the bound must be positive", n))
	}
	for {
		if v, ok := scale(s.Uint64(), uint64(n)); ok {
			return int(v)
		}
	}
}

// Float32 returns a multiple of 2^-24 in [0, 1).
func (s *Stream) Float32() float32 { return uniform32(s.Uint32()) }

// Float64 returns a multiple of 2^-53 in [0, 1).
func (s *Stream) Float64() float64 { return uniform64(s.Uint64()) }

// Uniform returns a number in [low, high).
func (s *Stream) Uniform(low, high float64) float64 {
	return low + float64(s.Float64()*(high-low))
}

// Normal returns a sample of the normal distribution with mean 0 and variance 1.
func (s *Stream) Normal() float64 { return normal64(s.Uint64()) }

// Bernoulli returns true with probability p.
func (s *Stream) Bernoulli(p float64) bool { return s.Float64() < p }

// Perm returns the numbers 0..n-1 in random order.
func (s *Stream) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	s.Shuffle(n, func(i, j int) { p[i], p[j] = p[j], p[i] })
	return p
}

// Shuffle puts n things into random order by calling swap (Fisher and Yates).
func (s *Stream) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, s.IntN(i+1))
	}
}
