package optim

// OneCycle goes up to the whole learning rate, which should be as large as
// training bears, and down to almost nothing, once, while the momentum goes
// the other way (Smith and Topin, arXiv 1708.07120). The fields may be changed
// before its first use.
type OneCycle struct {
	Steps       int     // of the whole training
	Rise        float64 // share of the steps that goes up
	Start       float64 // factor at the first step
	End         float64 // factor at the last step
	Linear      bool    // straight lines instead of half cosines
	ThreePhases bool    // down to Start as long as up, and from there to End
	// Momentum at the peak and at both ends.
	LeastMomentum, MostMomentum float64
}

// NewOneCycle returns a cycle over a training of so many steps with PyTorch's
// defaults: Rise 0.3, Start 1/25, End 1/250,000, half cosines, two phases,
// momentum between 0.85 and 0.95.
func NewOneCycle(steps int) *OneCycle {
	positive("OneCycle", "number of steps", steps)
	return &OneCycle{Steps: steps, Rise: 0.3, Start: 1.0 / 25, End: 1.0 / 25e4, LeastMomentum: 0.85, MostMomentum: 0.95}
}

// At returns the factor of a step. It stays where it is after the last.
func (c *OneCycle) At(step int) float64 { return c.along(step, c.Start, 1, c.End) }

// MomentumAt returns the momentum of a step.
func (c *OneCycle) MomentumAt(step int) float64 {
	return c.along(step, c.MostMomentum, c.LeastMomentum, c.MostMomentum)
}

// along is the value at a step of the way from start to peak to end.
func (c *OneCycle) along(step int, start, peak, end float64) float64 {
	between := halfCosine
	if c.Linear {
		between = line
	}
	// The phases end at these steps. As in PyTorch the peak lies one step
	// before the share Rise is over, because steps are counted from 0. Where that
	// is before the first step, the first is the peak; PyTorch's is then beyond it.
	last := float64(c.Steps - 1)
	up := max(0, c.Rise*float64(c.Steps)-1)
	down := last
	if c.ThreePhases {
		down = max(up, 2*c.Rise*float64(c.Steps)-2)
	}
	at := min(float64(step), last)
	switch {
	case at <= up:
		return between(start, peak, share(at, 0, up))
	case !c.ThreePhases:
		return between(peak, end, share(at, up, last))
	case at <= down:
		return between(peak, start, share(at, up, down))
	}
	return between(start, end, share(at, down, last))
}

// share is how far x is on the way from lo to hi; a way without length is over.
func share(x, lo, hi float64) float64 {
	if hi <= lo {
		return 1
	}
	return (x - lo) / (hi - lo)
}
