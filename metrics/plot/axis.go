package plot

import (
	"math"
	"strconv"
)

// axis maps data to 0..1 and chooses where its ticks stand.
type axis struct {
	min, max float64
	log      bool
	whole    bool // ticks at whole numbers only: steps, epochs
	percent  bool // data are shares, shown as percent
}

// tick is a place on an axis with its label.
type tick struct {
	value float64
	label string
}

// logLimit bounds what a logarithmic axis shows, to 1/logLimit..logLimit: with
// room at both ends its ends stay normal numbers.
const logLimit = 1e300

// shows says whether a value has a place on the axis's scale.
func (a axis) shows(v float64) bool {
	if a.log {
		return v >= 1/logLimit && v <= logLimit
	}
	return !math.IsNaN(v) && !math.IsInf(v, 0)
}

// norm is the place of v, 0 at min and 1 at max.
func (a axis) norm(v float64) float64 {
	if a.log {
		lo := math.Log(a.min)
		return (math.Log(v) - lo) / (math.Log(a.max) - lo)
	}
	// Halves first: max-min of huge values of both signs overflows.
	return (v/2 - a.min/2) / (a.max/2 - a.min/2)
}

// spanning is the axis a with the range of the values that it shows, widened by
// the share pad at both ends. It reports whether there was any such value.
func (a axis) spanning(pad float64, values ...[]float64) (axis, bool) {
	a.min, a.max = math.Inf(1), math.Inf(-1)
	for _, vs := range values {
		for _, v := range vs {
			if a.shows(v) {
				a.min, a.max = math.Min(a.min, v), math.Max(a.max, v)
			}
		}
	}
	if a.min > a.max {
		if a.log {
			a.min, a.max = 0.1, 1
		} else {
			a.min, a.max = 0, 1
		}
		return a, false
	}
	switch {
	case a.log:
		lo, hi := math.Log10(a.min), math.Log10(a.max)
		room := math.Max((hi-lo)*pad, 0.02)
		a.min = math.Pow(10, math.Max(lo-room, -305))
		a.max = math.Pow(10, math.Min(hi+room, 305))
	case a.max-a.min <= 1e-12*math.Max(math.Abs(a.min), math.Abs(a.max)) || a.max-a.min < 1e-200:
		// As good as one value: rounding would make the ticks.
		room := math.Abs(a.min) * 0.1
		if a.whole {
			room = math.Max(0.5, room*1e-8)
		} else if room < 1e-200 {
			room = 1
		}
		a.min, a.max = a.min-room, a.max+room
	default:
		room := (a.max/2 - a.min/2) * pad * 2
		a.min, a.max = a.min-room, a.max+room
	}
	a.min, a.max = math.Max(a.min, -math.MaxFloat64), math.Min(a.max, math.MaxFloat64)
	return a, true
}

// ticks are about n round numbers within the range.
func (a axis) ticks(n int) []tick {
	if a.log {
		if ts := a.logTicks(n); len(ts) >= 2 {
			return ts
		}
	}
	step := roundStep((a.max/2-a.min/2)/float64(n)*2, a.whole)
	var ts []tick
	// Counted, not accumulated: sums of 0.1 drift away from round numbers.
	first, last := math.Ceil(a.min/step-1e-9), math.Floor(a.max/step+1e-9)
	for i := first; i <= last && len(ts) < 4*n; i++ {
		if v := i * step; a.shows(v) {
			ts = append(ts, tick{v, a.label(v, step)})
		}
	}
	return ts
}

// logTicks are decades, or 1-2-5 within the decades where few of them show.
func (a axis) logTicks(n int) []tick {
	decades := math.Log10(a.max) - math.Log10(a.min)
	mantissas := []float64{1}
	if 3*decades <= 2*float64(n) {
		mantissas = []float64{1, 2, 5}
	}
	every := max(1, int(math.Ceil(decades/float64(n))))
	var ts []tick
	for e := int(math.Floor(math.Log10(a.min))); e <= int(math.Ceil(math.Log10(a.max))); e++ {
		if e%every != 0 {
			continue
		}
		for _, m := range mantissas {
			v := m * math.Pow10(e)
			if v < a.min*(1-1e-9) || v > a.max*(1+1e-9) {
				continue
			}
			ts = append(ts, tick{v, a.label(v, v)})
		}
	}
	return ts
}

// roundStep is the number among 1, 2, 5 times a power of ten that is nearest to
// wanted by ratio, and at least 1 for whole numbers.
func roundStep(wanted float64, whole bool) float64 {
	if whole && wanted <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(wanted)))
	// The limits are the geometric means of neighbours.
	switch m := wanted / power; {
	case m < math.Sqrt(2):
		return power
	case m < math.Sqrt(10):
		return 2 * power
	case m < math.Sqrt(50):
		return 5 * power
	}
	return 10 * power
}

// label writes a tick with as many decimals as the step between ticks needs, in
// the notation that the largest of them calls for.
func (a axis) label(v, step float64) string {
	if math.Abs(v) < step/2 {
		v = 0 // not -0
	}
	size := math.Max(math.Abs(a.min), math.Abs(a.max))
	if a.log {
		size = v // across many decades each tick has its own notation
	}
	unit := ""
	if a.percent {
		v, step, size, unit = 100*v, 100*step, 100*size, "%"
	}
	switch {
	case v == 0:
		return "0" + unit
	case size < 0.9e-4, a.log && size < 0.9e-3, size >= 1e9:
		digits := min(12, max(2, int(math.Round(math.Log10(math.Abs(v)/step)))))
		return shortExponent(strconv.FormatFloat(v, 'e', digits, 64)) + unit
	case size >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', decimalsOf(step/1e6), 64) + "M" + unit
	case step >= 1:
		return count(int(math.Round(v))) + unit
	}
	return strconv.FormatFloat(v, 'f', decimalsOf(step), 64) + unit
}

// decimalsOf is how many decimals a round step has.
func decimalsOf(step float64) int {
	return min(12, max(0, -int(math.Floor(math.Log10(step)+1e-9))))
}
