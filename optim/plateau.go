package optim

import "math"

// Plateau is a [Schedule] that multiplies its factor when a metric, such as
// the validation loss of each epoch, no longer gets better. It is the only
// schedule that remembers. The fields may be changed before its first use.
type Plateau struct {
	Factor    float64 // what the rate is multiplied by
	Patience  int     // epochs without improvement that are borne
	Maximize  bool    // the metric is to grow, as an accuracy
	Threshold float64 // least improvement that counts
	Absolute  bool    // Threshold is a difference, not a share of the best
	Cooldown  int     // epochs after a reduction that do not count
	Least     float64 // smallest factor of the original rate
	Smallest  float64 // reductions of the factor by no more than this are not made

	state PlateauState
}

// PlateauState is what a [Plateau] remembers.
type PlateauState struct {
	Now      float64 `json:"now"`      // factor in force
	Best     float64 `json:"best"`     // best metric so far
	Seen     bool    `json:"seen"`     // there was a metric that is a number
	Bad      int     `json:"bad"`      // epochs since the best
	Cooldown int     `json:"cooldown"` // epochs that still do not count
}

// NewPlateau returns a plateau that multiplies by factor after more than
// patience epochs without an improvement of 1/10,000. It panics with an
// [*Error] when factor is not in (0, 1) or patience is negative.
func NewPlateau(factor float64, patience int) *Plateau {
	if !(factor > 0 && factor < 1) || patience < 0 {
		panic(errorf("a plateau needs a factor in (0, 1) and a patience that is not negative; they are %g and %d", factor, patience))
	}
	return &Plateau{Factor: factor, Patience: patience, Threshold: 1e-4, Smallest: 1e-8, state: PlateauState{Now: 1}}
}

// At returns the factor that the metrics so far have led to.
func (p *Plateau) At(int) float64 { return p.state.Now }

// Observe takes the metric of an epoch and reports whether it led to a
// reduction. NaN and infinities are no improvement.
func (p *Plateau) Observe(metric float64) (reduced bool) {
	s := &p.state
	if p.better(metric) {
		s.Best, s.Seen, s.Bad = metric, true, 0
	} else {
		s.Bad++
	}
	if s.Cooldown > 0 {
		s.Cooldown--
		s.Bad = 0
	}
	if s.Bad <= p.Patience {
		return false
	}
	s.Cooldown, s.Bad = p.Cooldown, 0
	next := max(s.Now*p.Factor, p.Least)
	if s.Now-next <= p.Smallest {
		return false
	}
	s.Now = next
	return true
}

func (p *Plateau) better(metric float64) bool {
	switch {
	case math.IsNaN(metric) || math.IsInf(metric, 0):
		return false
	case !p.state.Seen:
		return true
	}
	margin := p.Threshold
	if !p.Absolute {
		margin *= p.state.Best
	}
	if p.Maximize {
		return metric > p.state.Best+margin
	}
	return metric < p.state.Best-margin
}

// State returns what is needed to go on later.
func (p *Plateau) State() PlateauState { return p.state }

// LoadState takes back what State returned. The error says what in it makes no
// sense.
func (p *Plateau) LoadState(s PlateauState) error {
	if !(s.Now > 0 && s.Now <= 1) || math.IsNaN(s.Best) || math.IsInf(s.Best, 0) || s.Bad < 0 || s.Cooldown < 0 {
		return errorf("the state of a plateau has the factor %g, the best metric %g, %d bad epochs and %d of cooldown; the factor must be in (0, 1], the metric finite and the counts not negative", s.Now, s.Best, s.Bad, s.Cooldown)
	}
	p.state = s
	return nil
}
