package word2vec

import "math"

// subsample is the share of a text above which a word is thinned out.
const subsample = 1e-3

// keepProbability is how likely an occurrence is kept of a word that makes up
// the given share of the text: the rule of the authors' program, which is near
// to sqrt(subsample/share) of the paper (Mikolov et al. 2013b, section 2.3).
func keepProbability(share float64) float64 {
	return min(1, math.Sqrt(subsample/share)+subsample/share)
}

// noiseWeight is how likely a word is drawn as a negative sample: by the power
// of its count that the authors found best (2013b, section 2.2).
func noiseWeight(count float64) float64 { return math.Pow(count, 0.75) }

// alias draws numbers from a table of weights in constant time (Walker 1977;
// built as Vose 1991 describes).
type alias struct {
	cut   []uint32 // below it entry i is i, from it on other[i], as a share of 2^32
	other []int32
}

func newAlias(weights []float64) *alias {
	n, sum := len(weights), 0.0
	for _, w := range weights {
		sum += w
	}
	a := &alias{make([]uint32, n), make([]int32, n)}
	share := make([]float64, n) // of an entry's fair part, 1 on average
	var small, large []int32
	for i, w := range weights {
		share[i] = w / sum * float64(n)
		if share[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.cut[s], a.other[s] = uint32(share[s]*(1<<32)), l
		if share[l] -= 1 - share[s]; share[l] < 1 {
			large, small = large[:len(large)-1], append(small, l)
		}
	}
	for _, i := range append(small, large...) { // rounding left them a little off 1
		a.cut[i], a.other[i] = math.MaxUint32, i
	}
	return a
}

// draw turns a uniform random word into an entry. Its upper part chooses the
// entry of the table, what is left over the one behind it.
func (a *alias) draw(random uint32) int32 {
	product := uint64(random) * uint64(len(a.cut))
	i := int32(product >> 32)
	if uint32(product) < a.cut[i] {
		return i
	}
	return a.other[i]
}
