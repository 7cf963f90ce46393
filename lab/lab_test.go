package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
)

// quick runs an experiment with few steps, and checks what holds for all.
func quick(t *testing.T, e Experiment) *Report {
	t.Helper()
	r, err := e.Run(t.Context(), Settings{Seed: 1, Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	if width, height := r.Figure.Size(); width < 1000 || height < 1000 {
		t.Errorf("the picture has %d x %d pixels", width, height)
	}
	if len(r.Caption) < 200 || strings.Contains(r.Caption, "NaN") || strings.Contains(r.Caption, "%!") {
		t.Errorf("the caption is %q", r.Caption)
	}
	seen := map[string]bool{}
	for _, v := range r.Values {
		if seen[v.Name] {
			t.Errorf("two figures have the name %q", v.Name)
		}
		seen[v.Name] = true
	}
	return r
}

// holds checks a fact about figures, which are named for the message.
func holds(t *testing.T, r *Report, what string, fact bool, names ...string) {
	t.Helper()
	if fact {
		return
	}
	var said []string
	for _, n := range names {
		said = append(said, fmt.Sprintf("%s is %.3g", n, r.Get(n)))
	}
	t.Errorf("it is not so that %s: %s", what, strings.Join(said, ", "))
}

func TestOptimizers(t *testing.T) {
	r := quick(t, optimizers)
	for _, rule := range rules {
		name := "bowl_" + rule.name
		holds(t, r, "every rule gets far down the bowl, which begins at 6.45", r.Get(name) < 0.5, name)
	}
	for _, adaptive := range []string{"AdaGrad", "RMSProp", "Adam"} {
		name := "saddle_" + adaptive
		holds(t, r, "a rule that divides by the gradient's size leaves the saddle at once", r.Get(name) < 10, name)
		name = "mnist_loss_" + adaptive
		holds(t, r, "it is ahead of plain SGD on digits", r.Get(name) < 0.5*r.Get("mnist_loss_SGD"), name, "mnist_loss_SGD")
	}
	holds(t, r, "SGD stays at the saddle", math.IsInf(r.Get("saddle_SGD"), 1), "saddle_SGD")
	holds(t, r, "momentum is ahead of plain SGD", r.Get("mnist_loss_Momentum") < 0.5*r.Get("mnist_loss_SGD"), "mnist_loss_Momentum", "mnist_loss_SGD")
}

func TestSGDZigzagsAcrossTheValley(t *testing.T) {
	// The gradient in y is 2y, so the rule multiplies y by 1 - 2*0.95 = -0.9.
	_, y := path(rules[0].plane, bowl, [2]float64{-7, 2}, 5)
	for i := range 5 {
		if math.Abs(y[i+1]+0.9*y[i]) > 1e-12 {
			t.Errorf("y goes from %g to %g", y[i], y[i+1])
		}
	}
}

func TestInitialization(t *testing.T) {
	r := quick(t, initialization)
	holds(t, r, "with std 1 most sigmoids and tanhs are saturated",
		r.Get("saturated_sigmoid_std 1") > 0.6 && r.Get("saturated_tanh_std 1") > 0.8, "saturated_sigmoid_std 1", "saturated_tanh_std 1")
	holds(t, r, "with std 0.01 all units say nearly the same",
		r.Get("deviation_sigmoid_std 0.01") < 0.05 && r.Get("deviation_tanh_std 0.01") < 1e-3, "deviation_sigmoid_std 0.01", "deviation_tanh_std 0.01")
	holds(t, r, "Xavier keeps tanh from both ends", r.Get("saturated_tanh_Xavier") < 0.05 && r.Get("deviation_tanh_Xavier") > 0.2, "saturated_tanh_Xavier", "deviation_tanh_Xavier")
	holds(t, r, "with ReLU the spread shrinks under Xavier and stays under He",
		r.Get("deviation_ReLU_Xavier") < 0.25 && math.Abs(r.Get("deviation_ReLU_He")-0.82) < 0.25, "deviation_ReLU_Xavier", "deviation_ReLU_He")
	holds(t, r, "He learns fastest with ReLU", r.Get("mnist_loss_He") < r.Get("mnist_loss_Xavier") && r.Get("mnist_loss_He") < 2 && r.Get("mnist_loss_std 0.01") > 2.2,
		"mnist_loss_He", "mnist_loss_Xavier", "mnist_loss_std 0.01")
}

func TestBatchNormalization(t *testing.T) {
	r := quick(t, batchNormalization)
	holds(t, r, "more networks learn with normalisation than without", r.Get("learned_with") > r.Get("learned_without"), "learned_with", "learned_without")
	holds(t, r, "from narrow weights only the normalised one learns", r.Get("accuracy_with_0.0022") > 0.5 && r.Get("accuracy_without_0.0022") < 0.3, "accuracy_with_0.0022", "accuracy_without_0.0022")
}

func TestOverfitting(t *testing.T) {
	r := quick(t, overfitting)
	holds(t, r, "the network knows its own digits far better than others", r.Get("gap_nothing") > 0.15, "known_nothing", "others_nothing")
	for _, remedy := range []string{"dropout", "both", "strong decay", "more digits"} {
		holds(t, r, remedy+" narrows the gap", r.Get("gap_"+remedy) < r.Get("gap_nothing"), "gap_"+remedy, "gap_nothing")
	}
	holds(t, r, "more digits make it read better", r.Get("others_more digits") > r.Get("others_nothing")+0.05, "others_more digits", "others_nothing")
}

func TestVanishing(t *testing.T) {
	r := quick(t, vanishing)
	const sigmoid, tanh, relu = "first_to_last_sigmoid, Xavier_20", "first_to_last_tanh, Xavier_20", "first_to_last_ReLU, He_20"
	holds(t, r, "of twenty sigmoids nothing comes back", r.Get(sigmoid) < 1e-9, sigmoid)
	holds(t, r, "each further layer takes its share", r.Get("first_to_last_sigmoid, Xavier_40") < 1e-9*r.Get(sigmoid), sigmoid, "first_to_last_sigmoid, Xavier_40")
	holds(t, r, "tanh and ReLU pass the gradient on", r.Get(tanh) > 0.1 && r.Get(tanh) < 10 && r.Get(relu) > 0.1 && r.Get(relu) < 10, tanh, relu)
	for _, cure := range []string{"first_to_last_sigmoid, batch norm_20", "first_to_last_sigmoid, shortcuts_20"} {
		holds(t, r, "a cure helps sigmoids", r.Get(cure) > 0.01, cure)
	}
}

func TestLearningRateRange(t *testing.T) {
	r := quick(t, learningRateRange)
	for _, rule := range []string{"SGD", "Adam"} {
		small, said, large := "loss_"+rule+"_0.01", "loss_"+rule+"_1", "loss_"+rule+"_100"
		holds(t, r, "the rate that the test says learns, a hundredth of it hardly", r.Get(said) < 0.6*r.Get(small), said, small)
		holds(t, r, "a hundred times as much does worse", !(r.Get(large) < 2*r.Get(said)), said, large)
	}
}

func TestSearch(t *testing.T) {
	r := quick(t, search)
	holds(t, r, "on a linear scale most trainings are wasted", r.Get("median_grid, linear") < 0.3, "median_grid, linear")
	holds(t, r, "on a logarithmic one the best is better", r.Get("best_grid, logarithmic") > r.Get("best_grid, linear") && r.Get("best_random, logarithmic") > r.Get("best_grid, linear"),
		"best_grid, linear", "best_grid, logarithmic", "best_random, logarithmic")
	holds(t, r, "coarse to fine places most trainings better than a linear grid", r.Get("median_coarse to fine") > r.Get("median_grid, linear"), "median_coarse to fine", "median_grid, linear")
	for _, way := range []string{"best_coarse to fine", "best_caviar", "accuracy_panda"} {
		holds(t, r, "it finds a setting that learns", r.Get(way) > 0.5, way)
	}
	holds(t, r, "caviar spends far less than 27 trainings", r.Get("trainings_caviar") < 10, "trainings_caviar")
}

// places is a search of few steps on few digits.
func places() (d searchData, settings []setting) {
	key := Settings{Seed: 3}.key("test")
	return searchData{some(0, 60), some(60, 60), key, 3}, atRandom(27, rateRange, decayRange, key.Stream())
}

func TestHalvingTrainsNoneLongerThanOtherSearches(t *testing.T) {
	d, settings := places()
	runs, best, err := d.halve(t.Context(), settings, 1, 9)
	if err != nil {
		t.Fatal(err)
	}
	lengths := map[int]int{}
	for _, r := range runs {
		lengths[r.done]++
		if r.done == best.done && last(r.found) > last(best.found) {
			t.Errorf("a run with %g was thought worse than one with %g", last(r.found), last(best.found))
		}
	}
	if best.done != 9 || len(lengths) != 3 || lengths[1] != 18 || lengths[3] != 6 || lengths[9] != 3 {
		t.Errorf("numbers of runs by their steps are %v, and the best took %d", lengths, best.done)
	}
}

func TestAWatchedRunThatStandsStillIsSlowed(t *testing.T) {
	d, _ := places()
	r, lowered, err := d.watch(t.Context(), setting{1e-12, 0}, 8, 2) // a rate at which nothing moves
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(lowered, []float64{8, 14}) || r.opt.LR() != 1e-12/4 || len(r.found) != 8 {
		t.Errorf("after steps %v of %d the rate is %g", lowered, r.done, r.opt.LR())
	}
}

func TestPlacesOfASearch(t *testing.T) {
	rates := map[float64]bool{}
	for _, s := range grid(5, logarithmic) {
		rates[s.rate] = true
	}
	if len(rates) != 5 {
		t.Errorf("a grid of 25 tries %d rates", len(rates))
	}
	if got := logarithmic([2]float64{1e-4, 1}, 0.5); math.Abs(got-1e-2) > 1e-12 {
		t.Errorf("the middle of 1e-4 and 1 is %g", got)
	}
	ends := around([]trial{{setting{1, 1}, 0.1}, {setting{0.3, 1}, 0.9}, {setting{0.2, 1}, 0.8}, {setting{0.6, 1}, 0.7}}, func(t trial) float64 { return t.rate })
	if math.Abs(ends[0]-0.2/1.5) > 1e-12 || math.Abs(ends[1]-0.6*1.5) > 1e-12 {
		t.Errorf("the best three span %v", ends)
	}
}

func TestTheSameSeedGivesTheSameFiguresForAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	d := some(0, 200)
	var found [2][]float64
	for i := range found {
		par.SetThreads(i + 1)
		steps, err := losses(t.Context(), fiveLayers(nn.NewInit(7), nn.HeNormal), rules[5].digits, d, 8, 64, Settings{Seed: 7}.key("test"))
		if err != nil {
			t.Fatal(err)
		}
		found[i] = append(steps, gradientNorms(towers[4], 5, d, 3)...)
	}
	if !slices.Equal(found[0], found[1]) {
		t.Errorf("losses and gradients are %v with one thread and %v with two", found[0], found[1])
	}
}

func TestEveryExperimentCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range All() {
		if _, err := e.Run(ctx, Settings{Quick: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, e := range All() {
		if found, err := Find(e.Name); err != nil || found.Name != e.Name {
			t.Errorf("%s: %v", e.Name, err)
		}
		if e.Summary == "" || e.Source == "" || e.Seconds <= 0 || e.Seconds > 120 {
			t.Errorf("%s: %q, %q, %g s", e.Name, e.Summary, e.Source, e.Seconds)
		}
	}
	if _, err := Find("alchemy"); err == nil || !strings.Contains(err.Error(), "overfitting") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestFiguresThatAreNotFiniteAreNull(t *testing.T) {
	text, err := json.Marshal([]Number{1.5, Number(math.NaN()), Number(math.Inf(1))})
	if err != nil || string(text) != "[1.5,null,null]" {
		t.Errorf("%s, %v", text, err)
	}
}
