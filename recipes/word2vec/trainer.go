package word2vec

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/hadal-ml/hadal/internal/kernel/negsample"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/tensor"
)

// Settings of both networks, those of the papers and of their program.
const (
	window    = 5 // words to each side, at most
	negatives = 5 // words that are not there, for each that is
	outputs   = 1 + negatives
)

// The authors' program lets threads write to the same vectors at once, so no two
// of its runs are alike. Here it is the vectors that are cut: each thread has a
// part of the elements of all of them, and changes no others. The words go by in
// blocks. First, the scores of all pairs of a block are found, from each part its
// share; then each part adds up the shares and makes its steps, word by word. The
// bits do not depend on the number of threads.
//
// So scores are up to a block old. Where a block holds a word dozens of times, as
// with a vocabulary of a few words, they would be too old for a high learning
// rate. The negative samples are drawn once a word and shared by the pairs in
// its window (Ji et al. 2016, arXiv 1604.04661), which then are a small product
// of matrices.
const (
	block    = 128        // words whose scores are found at once
	maxReads = 2 * window // words around a word
)

// trainer changes a model.
type trainer struct {
	cbow          bool
	noise         *alias    // what negative samples are drawn from
	model         *Model    // split
	input, output []float32 // its vectors (parts, words, part)

	places []place // of the words of a text
	shares []share // of each part
	taken  []atomic.Bool
}

// place is one word of a text, the target, and the words around it.
type place struct {
	reads  [maxReads]int32 // the words around it
	n      int32           // how many there are
	scored [outputs]int32  // the target, then the negatives
}

// share is what one part of the vectors has of a block.
type share struct {
	scores  []float32 // of the pairs, the sum over this part's elements: (words around or 1, outputs) for each word
	factors []float32 // of the steps: the same pairs
	means   []float32 // CBOW: of the input vectors around each word (block, part)
	changed []float32 // CBOW: the mean of a word after its step (part)
}

// newTrainer returns a trainer that begins with a model, and changes a copy of it.
func newTrainer(c *corpus, m *Model, cbow bool) *trainer {
	width := m.Input.Dim(1)
	if width%part != 0 {
		panic(fmt.Sprintf("word2vec: vectors of %d elements; a multiple of %d is needed", width, part))
	}
	split := m.split()
	t := &trainer{cbow: cbow, noise: c.noise, model: split,
		input: tensor.MutableData[float32](split.Input), output: tensor.MutableData[float32](split.Output),
		shares: make([]share, width/part), taken: make([]atomic.Bool, width/part)}
	for i := range t.shares {
		t.shares[i] = share{make([]float32, block*maxReads*outputs), make([]float32, block*maxReads*outputs), make([]float32, block*part), make([]float32, part)}
	}
	return t
}

// tables returns part k of all input and of all output vectors.
func (t *trainer) tables(k int) (input, output []float32) {
	n := len(t.input) / len(t.shares)
	return t.input[k*n:][:n], t.output[k*n:][:n]
}

// text is a piece of the corpus.
type text struct {
	ids    []int32
	bounds [][2]int32 // of each word, where its sentence begins and ends
}

// train goes over a text and returns the mean loss of the pairs of one word in
// each block. rates are the learning rates at its beginning and at its end; the
// key decides windows and negatives.
func (t *trainer) train(key rng.Key, x text, rates [2]float64) float64 {
	n := len(x.ids)
	if n > len(t.places) {
		t.places = make([]place, n)
	}
	par.For(n, block, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			t.places[i].choose(key, t.noise, x, i)
		}
	})
	loss, watched := 0.0, 0
	for from := 0; from < n; from += block {
		places := t.places[from:min(from+block, n)]
		rate := float32(rates[0] + (rates[1]-rates[0])*float64(from)/float64(n))
		t.each(func(k int) { t.score(k, places) })
		t.each(func(k int) { t.step(k, places, rate) })
		if first := &places[0]; first.n > 0 {
			loss += first.loss(t.shares[0].factors[:t.rows(first)*outputs], rate)
			watched++
		}
	}
	return loss / float64(max(1, watched))
}

// each calls f for every part of the vectors. A worker takes the part that it had
// the last time, if nobody else has it yet: what it needs is in its cache, and
// in no other.
func (t *trainer) each(f func(k int)) {
	for k := range t.taken {
		t.taken[k].Store(false)
	}
	par.ForWorker(len(t.shares), 1, func(worker, _, _ int) {
		for i := range t.shares {
			if k := (worker + i) % len(t.shares); t.taken[k].CompareAndSwap(false, true) {
				f(k)
				return
			}
		}
	})
}

// choose sets the words around word i, in a window of random size so that near
// words count more, and draws its negatives.
func (p *place) choose(key rng.Key, noise *alias, x text, i int) {
	random := [2][4]uint32{key.Block(uint64(2 * i)), key.Block(uint64(2*i + 1))}
	reach := 1 + int(uint64(random[0][0])*window>>32)
	p.n = 0
	for q := max(int(x.bounds[i][0]), i-reach); q < min(int(x.bounds[i][1]), i+reach+1); q++ {
		if q != i {
			p.reads[p.n] = x.ids[q]
			p.n++
		}
	}
	p.scored[0] = x.ids[i]
	for k := 1; k < outputs; k++ {
		p.scored[k] = noise.draw(random[k/4][k%4])
	}
}

// rows is how many input vectors are scored at a place: with skip-gram those of
// the words around it, with CBOW their mean.
func (t *trainer) rows(p *place) int {
	if t.cbow {
		return min(1, int(p.n))
	}
	return int(p.n)
}

// score finds part k's share of the scores of a block.
func (t *trainer) score(k int, places []place) {
	s := &t.shares[k]
	input, output := t.tables(k)
	at := 0
	for i := range places {
		p := &places[i]
		reads, table := p.reads[:p.n], input
		if t.cbow && p.n > 0 {
			table, reads = s.means[i*part:][:part], []int32{0}
			clear(table)
			for _, id := range p.reads[:p.n] {
				vec.Add(table, table, input[int(id)*part:][:part])
			}
			vec.MulScalar(table, table, 1/float32(p.n))
		}
		negsample.Scores(s.scores[at:], table, output, part, reads, p.scored[:])
		at += t.rows(p) * outputs
	}
}

// step makes part k's share of the steps of a block: for each pair down the
// gradient of
//
//	-log σ(in·out) - sum over negatives of log σ(-in·negative)
//
// (2013b, equation 4). As in the authors' program it is the words around that
// are read and the word in the middle that is predicted. With CBOW it is their
// mean that is read, and every one of them gets its whole change.
func (t *trainer) step(k int, places []place, rate float32) {
	s := &t.shares[k]
	input, output := t.tables(k)
	pairs := 0
	for i := range places {
		pairs += t.rows(&places[i]) * outputs
	}
	factors := s.factors[:pairs]
	clear(factors)
	for i := range t.shares {
		vec.Add(factors, factors, t.shares[i].scores[:pairs])
	}
	vec.Sigmoid(factors, factors)
	for i := range places {
		p := &places[i]
		own := factors[:t.rows(p)*outputs]
		factors = factors[len(own):]
		p.factors(own, rate)
		if !t.cbow {
			negsample.Update(own, input, output, part, p.reads[:p.n], p.scored[:])
			continue
		}
		if p.n == 0 {
			continue
		}
		mean := s.means[i*part:][:part]
		copy(s.changed, mean)
		negsample.Update(own, s.changed, output, part, []int32{0}, p.scored[:])
		vec.Sub(s.changed, s.changed, mean)
		for _, id := range p.reads[:p.n] {
			row := input[int(id)*part:][:part]
			vec.Add(row, row, s.changed)
		}
	}
}

// factors turns σ(s) of the scores s of pairs into the factors of a step: rate
// times 1-σ(s) for the target, -rate σ(s) for a negative. A negative that happens
// to be the target counts as nothing.
func (p *place) factors(f []float32, rate float32) {
	for at := 0; at < len(f); at += outputs {
		row := f[at:][:outputs]
		row[0] = rate * (1 - row[0])
		for j := 1; j < outputs; j++ {
			if row[j] *= -rate; p.scored[j] == p.scored[0] {
				row[j] = 0
			}
		}
	}
}

// loss returns the mean loss of pairs with these factors.
func (p *place) loss(f []float32, rate float32) float64 {
	sum := 0.0
	for _, v := range f { // 1-|v|/rate is what the loss is minus the logarithm of
		sum -= math.Log(max(1e-10, 1-math.Abs(float64(v/rate))))
	}
	return sum / float64(len(f)/outputs)
}
