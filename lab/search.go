package lab

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
)

// search compares ways to find hyperparameters, here a learning rate and a weight
// decay, of which the first matters far more. A grid of 25 tries five rates,
// random places 25; on a linear scale nearly all of them are large; and what is
// found coarsely can be searched again finely. Successive halving starts many
// trainings and keeps the better ones, as a fish lays many eggs ("caviar"); a
// "panda" has one child and watches over it: one training, whose rate is lowered
// whenever it stops getting better.
var search = Experiment{
	Name: "search", Summary: "Hyperparameters by grid and at random, linear and logarithmic, coarse to fine, by halving, and by watching one run",
	Source:  "Bergstra and Bengio, JMLR 13, 2012; Jamieson and Talwalkar, arXiv 1502.07943 (successive halving); Ng, Improving Deep Neural Networks, week 3 (caviar and panda); Saitoh, Deep Learning from Scratch, ch. 6.5",
	Seconds: 10, Run: runSearch,
}

// setting is a place in the plane that is searched.
type setting struct{ rate, decay float64 }

// trial is a setting and what came of it.
type trial struct {
	setting
	accuracy float64 // on digits that were not learned from
}

// The plane: its ends, of both axes.
var (
	rateRange  = [2]float64{1e-4, 1}
	decayRange = [2]float64{1e-6, 1e-1}
)

// logarithmic is the place at a share of the way through a range, by its logarithm.
func logarithmic(ends [2]float64, share float64) float64 {
	return ends[0] * math.Pow(ends[1]/ends[0], share)
}

// linear is the same by the number itself.
func linear(ends [2]float64, share float64) float64 { return ends[0] + (ends[1]-ends[0])*share }

// grid returns side x side places, in the middle of each cell.
func grid(side int, scale func([2]float64, float64) float64) []setting {
	var out []setting
	for i := range side * side {
		across := func(k int) float64 { return (float64(k) + 0.5) / float64(side) }
		out = append(out, setting{scale(rateRange, across(i%side)), scale(decayRange, across(i/side))})
	}
	return out
}

// atRandom returns n places, uniform by the logarithm.
func atRandom(n int, rates, decays [2]float64, random *rng.Stream) []setting {
	out := make([]setting, n)
	for i := range out {
		out[i] = setting{logarithmic(rates, random.Float64()), logarithmic(decays, random.Float64())}
	}
	return out
}

// around is the range that the best few of some trials span, a little widened.
func around(trials []trial, of func(trial) float64) [2]float64 {
	best := slices.Clone(trials)
	slices.SortStableFunc(best, func(a, b trial) int { return cmp.Compare(b.accuracy, a.accuracy) })
	ends := [2]float64{math.Inf(1), 0}
	for _, t := range best[:min(3, len(best))] {
		ends[0], ends[1] = min(ends[0], of(t)), max(ends[1], of(t))
	}
	return [2]float64{ends[0] / 1.5, ends[1] * 1.5}
}

// run is one training of a small network that can be stopped and gone on with.
type run struct {
	setting
	model nn.Module
	opt   *optim.Optimizer
	done  int
	at    []float64 // steps at which it was measured
	found []float64 // accuracy then
}

// searchData is what all runs learn from and are measured on: two parts of the
// training set, for the test set has no part in choices.
type searchData struct {
	learn, hold digits
	key         rng.Key
	seed        uint64
}

func (d searchData) start(s setting) *run {
	model := fiveLayers(nn.NewInit(d.seed), nn.HeNormal)
	return &run{setting: s, model: model, opt: optim.New(optim.Momentum(s.rate, 0.9).WeightDecay(s.decay), nn.Parameters(model))}
}

// goOn trains for some more steps and measures the run.
func (d searchData) goOn(ctx context.Context, r *run, steps int) error {
	err := descend(ctx, r.model, r.opt, d.learn, steps, 50, d.key.Split(uint64(r.done)), func(_ int, loss float64) bool {
		return !math.IsNaN(loss) && !math.IsInf(loss, 0) // what has exploded does not come back
	})
	r.done += steps
	_, accuracy := measure(r.model, d.hold)
	r.at, r.found = append(r.at, float64(r.done)), append(r.found, accuracy)
	return err
}

// try trains with each of some settings for the full number of steps.
func (d searchData) try(ctx context.Context, settings []setting, steps int) ([]trial, error) {
	var out []trial
	for _, s := range settings {
		r := d.start(s)
		if err := d.goOn(ctx, r, steps); err != nil {
			return nil, err
		}
		out = append(out, trial{s, last(r.found)})
	}
	return out, nil
}

// halve starts a training with each setting and keeps the better third again and
// again, each time for three times as many steps in all, until what is left has
// had as many as any other training. (The paper keeps the better half.)
func (d searchData) halve(ctx context.Context, settings []setting, first, steps int) (all []*run, best *run, err error) {
	for _, s := range settings {
		all = append(all, d.start(s))
	}
	alive := slices.Clone(all)
	for goal := first; ; goal = min(3*goal, steps) {
		for _, r := range alive {
			for r.done < goal {
				if err := d.goOn(ctx, r, min(first, goal-r.done)); err != nil {
					return nil, nil, err
				}
			}
		}
		slices.SortStableFunc(alive, func(a, b *run) int { return cmp.Compare(last(b.found), last(a.found)) })
		if goal == steps {
			return all, alive[0], nil
		}
		alive = alive[:max(1, len(alive)/3)]
	}
}

// watch trains once, from a large rate, and halves it when the accuracy has not
// risen above its best for three looks. It returns the steps at which it did.
func (d searchData) watch(ctx context.Context, s setting, looks, steps int) (r *run, lowered []float64, err error) {
	r = d.start(s)
	best, since := 0.0, 0
	for range looks {
		if err := d.goOn(ctx, r, steps); err != nil {
			return nil, nil, err
		}
		since++
		if last(r.found) > best {
			best, since = last(r.found), 0
		}
		if since == 3 {
			r.opt.SetLR(r.opt.LR() / 2)
			lowered, since = append(lowered, float64(r.done)), 0
		}
	}
	return r, lowered, nil
}

// bestSoFar is the best accuracy after each trial.
func bestSoFar(trials []trial) []float64 {
	out, best := make([]float64, len(trials)), 0.0
	for i, t := range trials {
		best = max(best, t.accuracy)
		out[i] = best
	}
	return out
}

func runSearch(ctx context.Context, s Settings) (*Report, error) {
	r := &Report{}
	steps, side := s.amount(270, 27), s.amount(5, 3)
	d := searchData{some(0, 1000), some(1000, s.amount(2000, 300)), s.key("search trainings"), s.Seed}
	random := s.key("search places").Stream()
	n := side * side

	ways := []struct {
		name     string
		settings func(before []trial) []setting // of the two halves of a search; before is what the first found
	}{
		{"grid, linear", func([]trial) []setting { return grid(side, linear) }},
		{"grid, logarithmic", func([]trial) []setting { return grid(side, logarithmic) }},
		{"random, logarithmic", func([]trial) []setting { return atRandom(n, rateRange, decayRange, random) }},
		{"coarse to fine", func(before []trial) []setting {
			if before == nil {
				return atRandom((n+1)/2, rateRange, decayRange, random)
			}
			return atRandom(n-len(before), around(before, func(t trial) float64 { return t.rate }), around(before, func(t trial) float64 { return t.decay }), random)
		}},
	}
	var planes []plot.Part
	var progress []plot.Series
	for i, w := range ways {
		if err := s.progress(ctx, i, len(ways)+2, w.name); err != nil {
			return nil, err
		}
		trials, err := d.try(ctx, w.settings(nil), steps)
		if err == nil && len(trials) < n {
			var more []trial
			more, err = d.try(ctx, w.settings(trials), steps)
			trials = append(trials, more...)
		}
		if err != nil {
			return nil, err
		}
		plane := plot.Field{Title: w.name, XLabel: "learning rate", X: [2]float64{5e-5, 2}, Y: [2]float64{5e-7, 2e-1}, LogX: true, LogY: true, Colours: [2]float64{0, 1}}
		if i == 0 {
			plane.YLabel = "weight decay"
		}
		for _, t := range trials {
			plane.Dots = append(plane.Dots, plot.Dot{X: t.rate, Y: t.decay, Value: t.accuracy})
		}
		planes = append(planes, plane)
		so := bestSoFar(trials)
		r.add(last(so), "best_%s", w.name)
		r.add(medianAccuracy(trials), "median_%s", w.name)
		progress = append(progress, plot.Series{Name: w.name, X: countFrom1(len(so)), Y: so})
	}

	if err := s.progress(ctx, len(ways), len(ways)+2, "caviar"); err != nil {
		return nil, err
	}
	first, shown := steps/9, [2]float64{0.4, 1}
	runs, best, err := d.halve(ctx, atRandom(27, rateRange, decayRange, random), first, steps)
	if err != nil {
		return nil, err
	}
	spent := 0
	caviar := plot.Chart{Title: "Caviar: 27 runs, the better third goes on", XLabel: "step", YRange: shown}
	for _, run := range runs {
		spent += run.done
		caviar.Series = append(caviar.Series, plot.Series{X: run.at, Y: run.found, Pale: run != best})
	}
	r.add(last(best.found), "best_caviar")
	r.add(float64(spent)/float64(steps), "trainings_caviar")

	if err := s.progress(ctx, len(ways)+1, len(ways)+2, "panda"); err != nil {
		return nil, err
	}
	panda, lowered, err := d.watch(ctx, setting{0.1, 1e-4}, s.amount(40, 8), 27)
	if err != nil {
		return nil, err
	}
	r.add(last(panda.found), "accuracy_panda")
	r.add(float64(panda.done)/float64(steps), "trainings_panda")
	watched := plot.Chart{Title: "Panda: one run, watched", XLabel: "step", YRange: shown, Series: []plot.Series{{Name: "accuracy", X: panda.at, Y: panda.found}}}
	for i, at := range lowered {
		mark := plot.Mark{X: at}
		if i == 0 {
			mark.Label = "rate halved"
		}
		watched.Marks = append(watched.Marks, mark)
	}

	r.Caption = fmt.Sprintf("A network of five layers learns 1,000 digits for %d steps of 50; colours and curves are accuracies on %d others, held out of the training set. Of %d trainings each, half reach %.0f%% on the linear grid, %.0f%% on the logarithmic one, %.0f%% at random places, and %.0f%% of those coarse to fine; "+
		"the best are %.1f%%, %.1f%%, %.1f%% and %.1f%%. Random places try %d rates where the grid tries %d, and the rate is what matters. Caviar finds %.1f%% among 27 settings in the time of %.1f trainings; the panda ends at %.1f%% in that of %.1f. Differences of a point are chance, and the best of many were chosen by the very digits that measure them.",
		steps, d.hold.y.Len(), n, 100*r.Get("median_grid, linear"), 100*r.Get("median_grid, logarithmic"), 100*r.Get("median_random, logarithmic"), 100*r.Get("median_coarse to fine"),
		100*r.Get("best_grid, linear"), 100*r.Get("best_grid, logarithmic"), 100*r.Get("best_random, logarithmic"), 100*r.Get("best_coarse to fine"), n, side,
		100*r.Get("best_caviar"), r.Get("trainings_caviar"), 100*r.Get("accuracy_panda"), r.Get("trainings_panda"))
	return r.draw(plot.Board{Title: "search: ways to find a learning rate and a weight decay", Rows: [][]plot.Part{planes, {
		plot.Chart{Title: "Best accuracy so far, by training", XLabel: "trainings", YRange: shown, Series: progress}, caviar, watched}}})
}

// medianAccuracy is what half of the trials reached.
func medianAccuracy(trials []trial) float64 {
	var found []float64
	for _, t := range trials {
		found = append(found, t.accuracy)
	}
	slices.Sort(found)
	return found[len(found)/2]
}
