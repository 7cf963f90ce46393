package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Distributions draws histograms side by side, standing: values go upwards, and
// the longer a bar, the more of them there are. It stands on a [Board].
type Distributions struct {
	Title, XLabel string
	Values        [][]float64 // one histogram each, counted from 1 along the horizontal axis
	Range         [2]float64  // of the values; what lies beyond is counted at the end. The zero value: all there are
	Bins          int         // 0 is 40
	// Full is the share of a histogram's values that makes a bar of full length;
	// longer ones are cut. 0: the share of its own fullest bin.
	Full float64
}

func (d Distributions) part() (*panel, *sideKey, error) {
	bins := d.Bins
	if bins == 0 {
		bins = 40
	}
	if bins < 1 || bins > 1000 || len(d.Values) < 1 || len(d.Values) > 1000 {
		return nil, nil, fmt.Errorf("plot: distributions %q: %d histograms of %d bins; 1..1000 of each are possible", d.Title, len(d.Values), bins)
	}
	p := &panel{title: d.Title, xLabel: d.XLabel, x: axis{min: 0.5, max: float64(len(d.Values)) + 0.6, whole: true}}
	var any bool
	if p.y, any = (axis{}).spanning(0, d.Values...); !any {
		p.empty = "no values to show"
	}
	if d.Range != [2]float64{} {
		p.y.min, p.y.max = d.Range[0], d.Range[1]
	}
	if !(p.y.min < p.y.max) || !p.y.shows(p.y.min) || !p.y.shows(p.y.max) {
		return nil, nil, fmt.Errorf("plot: distributions %q: a range from %g to %g; give numbers that grow", d.Title, p.y.min, p.y.max)
	}
	if len(d.Values) <= 10 {
		for i := range d.Values {
			p.xTicks = append(p.xTicks, tick{float64(i + 1), count(i + 1)})
		}
	}
	ends := p.y
	pad := (p.y.max - p.y.min) * 0.03
	p.y.min, p.y.max = p.y.min-pad, p.y.max+pad
	p.under = func(box draw.Canvas, at func(x, y float64) vg.Point) {
		for i, values := range d.Values {
			counts, most := make([]float64, bins), 0.0
			for _, v := range values {
				if math.IsNaN(v) {
					continue
				}
				k := int(math.Min(float64(bins-1), math.Max(0, math.Floor(ends.norm(v)*float64(bins)))))
				counts[k]++
				most = max(most, counts[k])
			}
			full := most
			if d.Full > 0 {
				full = d.Full * float64(len(values))
			}
			for k, n := range counts {
				if n == 0 {
					continue
				}
				foot, length := float64(i+1)-0.4, 0.85*min(1, n/full)
				lo := at(foot, between([2]float64{ends.min, ends.max}, k, bins+1))
				hi := at(foot+length, between([2]float64{ends.min, ends.max}, k+1, bins+1))
				// At least a hairline: a rare value is to be seen too.
				fillRect(box, rect(lo.X, lo.Y, max(hi.X-lo.X, 0.5), max(hi.Y-lo.Y-0.25, 0.5)), blue)
			}
		}
	}
	return p, nil, nil
}
