package plot

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTicksAreRoundNumbers(t *testing.T) {
	for _, c := range []struct {
		name string
		axis axis
		n    int
		want []string
	}{
		{"unit", axis{min: 0, max: 1}, 5, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"around zero", axis{min: -1, max: 1}, 4, []string{"-1.0", "-0.5", "0", "0.5", "1.0"}},
		{"epochs", axis{min: 1, max: 12, whole: true}, 5, []string{"2", "4", "6", "8", "10", "12"}},
		{"one epoch", axis{min: 0.5, max: 1.5, whole: true}, 5, []string{"1"}},
		{"steps", axis{min: 1, max: 5600, whole: true}, 5, []string{"1,000", "2,000", "3,000", "4,000", "5,000"}},
		{"millions", axis{min: 0, max: 2.1e6}, 4, []string{"0", "0.5M", "1.0M", "1.5M", "2.0M"}},
		{"percent", axis{min: 0.975, max: 0.995, percent: true}, 4, []string{"97.5%", "98.0%", "98.5%", "99.0%", "99.5%"}},
		{"decades", axis{min: 1e-5, max: 10, log: true}, 7, []string{"1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10"}},
		{"every second decade", axis{min: 1e-6, max: 1, log: true}, 4, []string{"1e-6", "1e-4", "0.01", "1"}},
		{"1-2-5", axis{min: 0.02, max: 1, log: true}, 6, []string{"0.02", "0.05", "0.1", "0.2", "0.5", "1"}},
		{"log within an octave", axis{min: 1.1, max: 1.9, log: true}, 4, []string{"1.2", "1.4", "1.6", "1.8"}},
		{"tiny", axis{min: 0, max: 3e-6}, 3, []string{"0", "1e-6", "2e-6", "3e-6"}},
	} {
		var got []string
		for _, tick := range c.axis.ticks(c.n) {
			got = append(got, tick.label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: ticks are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnyFiniteValuesGiveAUsableAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64(), 1, 5).Draw(t, "values")
		a := rapid.SampledFrom([]axis{{}, {log: true}, {whole: true}, {percent: true}}).Draw(t, "axis")
		a, _ = a.spanning(0.05, values)
		if !(a.min < a.max) || math.IsInf(a.min, 0) || math.IsInf(a.max, 0) || a.log && a.min <= 0 {
			t.Fatalf("range %v..%v", a.min, a.max)
		}
		ticks := a.ticks(5)
		if len(ticks) > 25 {
			t.Fatalf("%d ticks for 5 wanted", len(ticks))
		}
		for _, tick := range ticks {
			if at := a.norm(tick.value); !(at > -0.01 && at < 1.01) {
				t.Fatalf("tick %v (%s) stands at %v of %v..%v", tick.value, tick.label, at, a.min, a.max)
			}
		}
		for _, v := range values {
			if a.shows(v) && !(a.norm(v) >= -1e-6 && a.norm(v) <= 1+1e-6) {
				t.Fatalf("value %v stands at %v of %v..%v", v, a.norm(v), a.min, a.max)
			}
		}
	})
}

func TestFiguresAsText(t *testing.T) {
	for got, want := range map[string]string{
		percent(0.9938, 2):      "99.38%",
		percent(0.99999, 1):     "99.9%",
		percent(0.9999, 0):      "99%",
		percent(1, 1):           "100.0%",
		count(0):                "0",
		count(999):              "999",
		count(-1234567):         "-1,234,567",
		figures(0.02134):        "0.0213",
		figures(1.5e-5):         "1.5e-5",
		figures(1234.5):         "1234",
		figures(0):              "0.00",
		figures(math.NaN()):     "NaN",
		figures(math.Inf(1)):    "+Inf",
		figures(2.5e7):          "2.5e7",
		oneLine("a\nb\tc"):      "a b c",
		shortExponent("1e+06"):  "1e6",
		shortExponent("no-exp"): "no-exp",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFitKeepsTextWithinItsWidth(t *testing.T) {
	style := sans(labelSize, ink)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		got := fit(style, s, 40)
		if style.Width(got) > 40 {
			t.Fatalf("%q is %v wide", got, style.Width(got))
		}
		if style.Width(oneLine(s)) <= 40 && got != oneLine(s) {
			t.Fatalf("%q was shortened to %q though it fits", s, got)
		}
	})
}

func TestGridsFillTheirLastRow(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 10: 5, 63: 9, 64: 11, 100: 10} { // tiles of digits with two lines below
		if got := columnsFor(n, 64, 90); got != want {
			t.Errorf("%d tiles stand in %d columns, want %d", n, got, want)
		}
	}
}
