package optim

import (
	"math"
	"slices"
)

// Schedule says which share of the optimizer's learning rate a step has.
// Whoever trains multiplies:
//
//	opt.SetLR(base * schedule.At(step))
//	opt.Step()
//
// so one schedule serves any rate. Steps are counted from 0; a schedule by
// epochs is made with [PerEpoch].
type Schedule interface {
	At(step int) float64
}

// MomentumSchedule is a schedule that also says what the momentum of a step
// is, for [Optimizer.SetMomentum].
type MomentumSchedule interface {
	Schedule
	MomentumAt(step int) float64
}

// ScheduleFunc is a function as a schedule.
type ScheduleFunc func(step int) float64

// At calls f.
func (f ScheduleFunc) At(step int) float64 { return f(step) }

// Constant is 1 at every step.
func Constant() Schedule { return ScheduleFunc(func(int) float64 { return 1 }) }

// Step multiplies by gamma every so many steps.
func Step(every int, gamma float64) Schedule {
	positive("Step", "number of steps", every)
	return ScheduleFunc(func(step int) float64 { return math.Pow(gamma, float64(step/every)) })
}

// MultiStep multiplies by gamma at each milestone.
func MultiStep(gamma float64, milestones ...int) Schedule {
	milestones = slices.Sorted(slices.Values(milestones))
	return ScheduleFunc(func(step int) float64 {
		passed, _ := slices.BinarySearch(milestones, step+1)
		return math.Pow(gamma, float64(passed))
	})
}

// Exponential multiplies by gamma at every step.
func Exponential(gamma float64) Schedule {
	return ScheduleFunc(func(step int) float64 { return math.Pow(gamma, float64(step)) })
}

// InverseTime is 1/(1 + decay*step).
func InverseTime(decay float64) Schedule {
	return ScheduleFunc(func(step int) float64 { return 1 / (1 + decay*float64(step)) })
}

// Polynomial falls from 1 to 0 in total steps as (1 - step/total)^power.
func Polynomial(total int, power float64) Schedule {
	positive("Polynomial", "number of steps", total)
	return ScheduleFunc(func(step int) float64 {
		return math.Pow(1-float64(min(step, total))/float64(total), power)
	})
}

// Linear goes from one factor to another in total steps and stays there.
func Linear(from, to float64, total int) Schedule {
	positive("Linear", "number of steps", total)
	return ScheduleFunc(func(step int) float64 { return line(from, to, float64(min(step, total))/float64(total)) })
}

// Cosine falls from 1 to least along half a cosine in total steps (Loshchilov
// and Hutter, arXiv 1608.03983). Beyond them it rises again the same way, as
// PyTorch's does.
func Cosine(total int, least float64) Schedule {
	positive("Cosine", "number of steps", total)
	return ScheduleFunc(func(step int) float64 { return halfCosine(1, least, float64(step)/float64(total)) })
}

// CosineRestarts is [Cosine] that starts again at 1 after first steps, and
// after every later period, each growth times as long as the one before.
func CosineRestarts(first, growth int, least float64) Schedule {
	positive("CosineRestarts", "number of steps", first)
	positive("CosineRestarts", "growth of the period", growth)
	return ScheduleFunc(func(step int) float64 {
		at, period := float64(step), float64(first)
		if growth == 1 {
			at = math.Mod(at, period)
		}
		for at >= period {
			at -= period
			period *= float64(growth)
		}
		return halfCosine(1, least, at/period)
	})
}

// LinearWarmup grows from a factor to 1 in steps steps (Goyal et al., arXiv
// 1706.02677) and then starts the other schedule.
func LinearWarmup(steps int, from float64, then Schedule) Schedule {
	return Sequential([]int{steps}, Linear(from, 1, steps), then)
}

// Hold is a schedule up to a step, and its value there from then on. A training
// may be longer than its schedule, and a cosine would rise again.
func Hold(steps int, s Schedule) Schedule {
	positive("Hold", "length", steps)
	return ScheduleFunc(func(step int) float64 { return s.At(min(step, steps)) })
}

// Sequential runs one schedule after the other, each from its own step 0. The
// milestones are the steps at which the second and every later one starts.
func Sequential(milestones []int, schedules ...Schedule) Schedule {
	if len(schedules) != len(milestones)+1 || !slices.IsSorted(milestones) {
		panic(errorf("Sequential needs ascending milestones, one fewer than schedules; there are the milestones %v and %d schedules", milestones, len(schedules)))
	}
	milestones = slices.Clone(milestones)
	return ScheduleFunc(func(step int) float64 {
		i, _ := slices.BinarySearch(milestones, step+1)
		if i > 0 {
			step -= milestones[i-1]
		}
		return schedules[i].At(step)
	})
}

// Product multiplies schedules that run at the same time.
func Product(schedules ...Schedule) Schedule {
	return ScheduleFunc(func(step int) float64 {
		factor := 1.0
		for _, s := range schedules {
			factor *= s.At(step)
		}
		return factor
	})
}

// PerEpoch counts epochs of so many steps where s counts steps.
func PerEpoch(s Schedule, steps int) Schedule {
	positive("PerEpoch", "number of steps", steps)
	return ScheduleFunc(func(step int) float64 { return s.At(step / steps) })
}

// line is the point at share x of the way from a to b.
func line(a, b, x float64) float64 { return a + (b-a)*x }

// halfCosine is line along half a cosine, flat at both ends.
func halfCosine(a, b, x float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*x))/2 }

func positive(schedule, what string, n int) {
	if n < 1 {
		panic(errorf("the %s of the schedule %s is %d; it must be at least 1", what, schedule, n))
	}
}
