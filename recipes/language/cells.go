package language

import (
	"fmt"
	"math"
	"unicode"

	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// trait is something about each character of a text that a reader may want to
// keep track of.
type trait struct {
	name string
	of   func(text []rune) []float64
}

// counting returns a trait that grows with each character and starts again
// behind those that end it.
func counting(name string, ends func(text []rune, at int) bool) trait {
	return trait{name, func(text []rune) []float64 {
		values, n := make([]float64, len(text)), 0.0
		for at := range text {
			n++
			if ends(text, at) {
				n = 0
			}
			values[at] = n
		}
		return values
	}}
}

var traits = []trait{
	{"the name of who speaks", func(text []rune) []float64 {
		values, inside := make([]float64, len(text)), false
		for at, r := range text {
			switch {
			case at > 1 && text[at-1] == '\n' && text[at-2] == '\n':
				inside = true
			case r == ':':
				inside = false
			}
			if inside {
				values[at] = 1
			}
		}
		return values
	}},
	counting("how long the line is", func(text []rune, at int) bool { return text[at] == '\n' }),
	counting("how long the word is", func(text []rune, at int) bool { return !unicode.IsLetter(text[at]) }),
	counting("how long the speech is", func(text []rune, at int) bool { return at > 0 && text[at] == '\n' && text[at-1] == '\n' }),
}

// picture shows what single units keep track of (Karpathy et al., arXiv
// 1506.02078): for each trait the unit of the last layer that goes with it most
// on one stretch of the validation text, coloured over the stretch behind it.
func (m *CharRNN) picture(s *recipe.Session, text *corpus) error {
	const chosen, shown = 4000, 320
	all := []rune(text.Decode(text.validation...))
	split := speech(all, min(chosen, len(all)/2))
	end := min(split+shown, len(all))
	for end > split+shown/2 && all[end-1] != '\n' { // whole lines, where there are any
		end--
	}
	characters := all[:end]
	states := m.trace(text.validation[:len(characters)])
	var pictured []plot.Letters
	for _, t := range traits {
		values := t.of(characters)
		unit, sign := 0, 0.0
		for u, state := range states {
			if r := correlation(state[:split], values[:split]); math.Abs(r) > math.Abs(sign) {
				unit, sign = u, r
			}
		}
		state := states[unit][split:]
		pictured = append(pictured, plot.Letters{
			Caption: fmt.Sprintf("Unit %d: %s (correlation %.2f)", unit, t.name, math.Abs(correlation(state, values[split:]))),
			Text:    string(characters[split:]), Values: centred(state, math.Copysign(1, sign))})
	}
	f, err := plot.Text(pictured, "What single units keep track of",
		"the state of a unit after each character of a text that it was not trained on; red is high, blue is low", 2, 62)
	return s.Picture("units.png", f, err)
}

// speech returns where the first speech behind a place begins, or that place
// when there is none.
func speech(text []rune, from int) int {
	for at := from + 2; at < len(text); at++ {
		if text[at-2] == '\n' && text[at-1] == '\n' {
			return at
		}
	}
	return from
}

// trace returns what each unit of the last layer remembers after each
// character: the cell of an LSTM, the state of others, (hidden, len(ids)).
func (m *CharRNN) trace(ids []int64) [][]float64 {
	units := make([][]float64, m.sizes.Hidden)
	var state State
	for i := range ids {
		_, state = m.Run(nn.Inference(), tensor.FromSlice(ids[i:i+1], 1, 1), state)
		memory := state.H
		if state.C != nil {
			memory = state.C.Tanh()
		}
		for u, v := range memory.Select(0, m.sizes.Layers-1).Float64s() {
			units[u] = append(units[u], v)
		}
	}
	return units
}

// moments returns the mean and the standard deviation.
func moments(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, math.Sqrt(deviation)
}

// correlation is Pearson's; 0 where there is nothing to compare.
func correlation(x, y []float64) float64 {
	r, err := metrics.Pearson(x, y)
	if err != nil {
		return 0
	}
	return r
}

// centred returns x about its mean, with two standard deviations as 1, times a
// sign.
func centred(x []float64, sign float64) []float64 {
	mean, deviation := moments(x)
	out := make([]float64, len(x))
	for i, v := range x {
		if deviation > 0 {
			out[i] = sign * (v - mean) / (2 * deviation)
		}
	}
	return out
}
