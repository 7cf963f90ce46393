package multitask

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// spread is a mean over the repeats with its standard error.
type spread struct{ mean, standardError float64 }

func spreadOf(values []float64) spread {
	var mean, squares float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	n := float64(len(values))
	return spread{mean, math.Sqrt(squares / (n - 1) / n)}
}

// noteGain notes by how much sharing lowers an error, repeat by repeat: networks of
// one repeat begin alike and learn from the same images.
func noteGain(s *recipe.Session, metric string, alone, shared []float64) {
	gains := make([]float64, len(alone))
	for i := range gains {
		gains[i] = alone[i] - shared[i]
	}
	g := spreadOf(gains)
	s.Metric(metric, g.mean)
	s.Metric(metric+"_standard_error", g.standardError)
}

// report notes errors and gains of sharing, and draws them.
func report(s *recipe.Session, scores []score, rivals []rival) error {
	// of collects a figure of one kind of network, repeat by repeat.
	of := func(size int, tasks Tasks, figure func(score) float64) (values []float64) {
		for i, r := range rivals {
			if r.size == size && r.tasks == tasks {
				values = append(values, figure(scores[i]))
			}
		}
		return values
	}
	digit := func(s score) float64 { return s.digit }
	loop := func(s score) float64 { return s.loop }
	byDigit := func(s score) float64 { return s.loopByDigit }
	both, digitAlone, loopAlone := kinds[0], kinds[1], kinds[2]
	lines := []struct {
		title, metric string
		tasks         Tasks
		figure        func(score) float64
	}{
		{"digit, alone", "digit_alone", digitAlone, digit},
		{"digit, two heads", "digit_shared", both, digit},
		{"loop, alone", "loop_alone", loopAlone, loop},
		{"loop, two heads", "loop_shared", both, loop},
		{"loop, told from the digit read alone", "loop_by_digit", digitAlone, byDigit},
	}
	series := make([]plot.Series, len(lines))
	for _, size := range sizes {
		for i, l := range lines {
			values := of(size, l.tasks, l.figure)
			if len(values) == 0 {
				continue // more images than there are
			}
			m := spreadOf(values)
			s.Metric(fmt.Sprintf("error_%s_%d", l.metric, size), m.mean)
			series[i].Name = l.title
			series[i].X, series[i].Y = append(series[i].X, float64(size)), append(series[i].Y, 100*m.mean)
		}
		digits, loops := of(size, digitAlone, digit), of(size, loopAlone, loop)
		if len(digits) == 0 {
			continue
		}
		sharedDigits, sharedLoops := of(size, both, digit), of(size, both, loop)
		noteGain(s, fmt.Sprintf("gain_digit_%d", size), digits, sharedDigits)
		noteGain(s, fmt.Sprintf("gain_loop_%d", size), loops, sharedLoops)
		// The run ends with what is said of the most images.
		s.Conclude("with %d labelled images a network alone gets %.2f%% of the digits wrong, one with two heads %.2f%%; of the loops %.2f%% and %.2f%%",
			size, 100*spreadOf(digits).mean, 100*spreadOf(sharedDigits).mean, 100*spreadOf(loops).mean, 100*spreadOf(sharedLoops).mean)
	}
	f, err := plot.Lines(plot.Chart{Title: "multitask: two heads or two networks", Subtitle: fmt.Sprintf("%s error, mean of %d draws of labelled images", s.JudgeName(), repeats),
		XLabel: "labelled images", YLabel: "% wrong", LogX: true, Series: series})
	if err := s.Picture("errors.png", f, err); err != nil {
		return err
	}
	networks := make([]*Network, len(rivals))
	for i, r := range rivals {
		networks[i] = r.network
	}
	return s.Save("", &networks)
}
