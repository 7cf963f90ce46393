package optim

import (
	"fmt"
	"math"
)

// RangeConfig are the settings of a [RangeTest]. A field that is zero has its
// default.
type RangeConfig struct {
	From, To   float64 // first and last rate, 1e-7 and 10
	Steps      int     // training steps from one to the other, 100
	Smoothing  float64 // share of the old in the running mean of the loss, in [0, 1), 0.8; negative for none
	Divergence float64 // the test ends when the mean is this many times its least, 4
}

// RangeResult is what a [RangeTest] saw. Rates, Losses and Smoothed have one
// element for each step that was taken; drawn over a logarithmic axis of rates
// the smoothed loss is flat, falls, and shoots up.
type RangeResult struct {
	Rates     []float64
	Losses    []float64
	Smoothed  []float64 // running mean of the losses
	Suggested float64   // rate from which the smoothed loss falls fastest
	Least     float64   // rate at which the smoothed loss is least; a good one is smaller
	Diverged  bool      // the test ended before the last rate
}

// RangeTest finds out which learning rates a model bears (Smith, arXiv
// 1506.01186, section 3.3). It calls step, which takes one training step at
// the given rate and returns the loss before it, with rates that grow
// exponentially, until the loss diverges. Training changes the parameters:
// whoever calls it restores them afterwards.
//
// It returns step's error as it is, wrapped, and an [*Error] when the settings
// make no sense or the loss never fell; the result then has what was seen.
func RangeTest(cfg RangeConfig, step func(lr float64) (loss float64, err error)) (RangeResult, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return RangeResult{}, err
	}
	var r RangeResult
	mean, least, leastAt := 0.0, math.Inf(1), 0
	for i := range cfg.Steps {
		lr := cfg.From * math.Pow(cfg.To/cfg.From, float64(i)/float64(cfg.Steps-1))
		loss, err := step(lr)
		if err != nil {
			return r, fmt.Errorf("learning-rate range test at rate %g: %w", lr, err)
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			r.Diverged = true
			break
		}
		mean = cfg.Smoothing*mean + (1-cfg.Smoothing)*loss
		smoothed := mean / (1 - math.Pow(cfg.Smoothing, float64(i+1))) // the mean started from zero
		r.Rates, r.Losses, r.Smoothed = append(r.Rates, lr), append(r.Losses, loss), append(r.Smoothed, smoothed)
		if smoothed < least {
			least, leastAt = smoothed, i
		}
		// A margin from the first loss serves losses that are near or below zero.
		if margin := (cfg.Divergence - 1) * max(math.Abs(least), math.Abs(r.Smoothed[0])/10); smoothed > least+margin && smoothed > r.Smoothed[0] {
			r.Diverged = true
			break
		}
	}
	// The rates are evenly spaced on a logarithmic axis, so a slope is a
	// difference. Over a tenth of the test it stands out from the noise of
	// batches; the start of that tenth makes up for the lag of the mean.
	width := max(1, min(cfg.Steps/10, leastAt))
	steepest, slope := -1, 0.0
	for i := width; i <= leastAt; i++ {
		if s := r.Smoothed[i] - r.Smoothed[i-width]; s < slope {
			steepest, slope = i-width, s
		}
	}
	// Rounding alone is no fall.
	if steepest < 0 || !(least < r.Smoothed[0]-1e-9*math.Abs(r.Smoothed[0])) {
		return r, errorf("the loss never fell between the rates %g and %g; start from a smaller rate or look at the model", cfg.From, cfg.To)
	}
	r.Suggested, r.Least = r.Rates[steepest], r.Rates[leastAt]
	return r, nil
}

func (c RangeConfig) withDefaults() RangeConfig {
	if c.From == 0 {
		c.From = 1e-7
	}
	if c.To == 0 {
		c.To = 10
	}
	if c.Steps == 0 {
		c.Steps = 100
	}
	switch {
	case c.Smoothing == 0:
		c.Smoothing = 0.8
	case c.Smoothing < 0:
		c.Smoothing = 0
	}
	if c.Divergence == 0 {
		c.Divergence = 4
	}
	return c
}

func (c RangeConfig) check() error {
	switch {
	case !(c.From > 0 && c.From < c.To && c.To <= math.MaxFloat64):
		return errorf("a range test needs rates that grow from above zero; they go from %g to %g", c.From, c.To)
	case c.Steps < 3:
		return errorf("a range test needs at least 3 steps to see a slope, not %d", c.Steps)
	case !(c.Smoothing >= 0 && c.Smoothing < 1):
		return errorf("the smoothing of a range test is %g; it must be below 1", c.Smoothing)
	case !(c.Divergence > 1):
		return errorf("the divergence of a range test is %g; it must be above 1", c.Divergence)
	}
	return nil
}
