package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// Config says how to train. Train, Loss, Optimizer and Epochs must be set.
type Config struct {
	Train data.Dataset // what is learned from
	Val   data.Dataset // measured after each epoch; nil: nothing is
	// ValName is what Val is called where it is reported; "validation" when empty.
	ValName string

	Loss      nn.Loss         // of predictions and targets
	Optimizer optim.Algorithm // and its learning rate
	// Groups gives some parameters an algorithm of their own, in place of
	// Optimizer; nil: all alike.
	Groups func(params []*tensor.Tensor) []optim.Group
	// Schedule scales the learning rate at each step; nil keeps it constant. A
	// Plateau is told of the loss after each epoch.
	Schedule optim.Schedule

	Epochs    int
	BatchSize int    // 32 when zero
	Seed      uint64 // decides the order of the samples, augmentation and dropout
	Transform data.Transform
	DropLast  bool // leave out a last batch that is not full
	// Replacement draws each sample of an epoch from all of Train, as
	// data.LoaderConfig says.
	Replacement bool

	ClipNorm   float64 // gradients are scaled to at most this norm; 0: not
	ClipValue  float64 // elements of gradients are cut to ±this; 0: not
	Accumulate int     // batches whose gradients make one update; 1 when zero

	// EMA is the decay of an exponential moving average of the weights, which
	// is what validation sees and what is left in the model; 0: none.
	EMA float64

	// Forward computes predictions when the model is not an nn.Module.
	Forward func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor

	// Precision of matrix products and convolutions, in training and validation;
	// F32 when empty.
	Precision Precision

	Callbacks []Callback
	// Resume goes on from a checkpoint that Checkpoint wrote; empty: from the start.
	Resume string
}

// Epoch is what one pass over the training data gave.
type Epoch struct {
	Epoch         int     `json:"epoch"` // counted from 1
	Loss          float64 `json:"loss"`
	Accuracy      float64 `json:"accuracy"` // of classes; 0 unless predictions are scores (B, classes)
	ValLoss       float64 `json:"val_loss"`
	ValAccuracy   float64 `json:"val_accuracy"`
	LearningRate  float64 `json:"learning_rate"`
	Seconds       float64 `json:"seconds"` // spent training
	ImagesPerSec  float64 `json:"images_per_second"`
	HasValidation bool    `json:"has_validation"`
}

// Result is what Fit returns.
type Result struct {
	History      []Epoch
	Steps        int           // updates of the weights, in all
	Duration     time.Duration // spent in this call
	TrainSeconds float64       // spent training, over all resumes
	Stopped      string        // why training ended early, or empty
}

// Last returns the last epoch, or the zero Epoch.
func (r *Result) Last() Epoch {
	if len(r.History) == 0 {
		return Epoch{}
	}
	return r.History[len(r.History)-1]
}

// ErrInterrupted is returned, wrapped, when the context ended: the step was
// finished and every callback had its chance to save.
var ErrInterrupted = errors.New("training was interrupted")

// State is what callbacks see. Fields are theirs to read.
type State struct {
	Config    *Config
	Model     any
	Optimizer *optim.Optimizer
	EMA       *optim.EMA // nil without one
	History   []Epoch    // finished epochs

	Epoch         int // the one in progress, counted from 0
	Step          int // batches done in it
	StepsPerEpoch int
	TotalSteps    int // updates in all, since the very start

	BatchLoss    float64 // of the last batch
	BatchSize    int
	RunningLoss  float64 // mean over the epoch so far
	Accuracy     float64 // over the epoch so far
	LearningRate float64
	Elapsed      time.Duration // since this call began
	Interrupted  bool          // End is called because the context ended

	IsClassification bool // the targets are classes and the predictions scores of each

	baseRate float64 // of the optimizer, before the schedule
	sums     sums
	seconds  float64 // spent training, over all resumes
	stop     string
	forward  func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor
	epochWas time.Time // when the epoch began or was resumed; zero between epochs
}

// sums are the running totals of an epoch; a checkpoint carries them.
type sums struct {
	Loss    float64 `json:"loss"`
	Correct int     `json:"correct"`
	Seen    int     `json:"seen"`
	Seconds float64 `json:"seconds"` // spent training, when the epoch ended or was interrupted
}

// Stop ends training after the current epoch or step, and says why.
func (s *State) Stop(why string) { s.stop = why }

// Fit trains a model: any struct of layers. It is an nn.Module, or
// Config.Forward says how it predicts. The history is returned with the error
// too, as far as it got. Mistakes in shapes come back as errors, found by a dry
// run of one batch before the first epoch.
func Fit(ctx context.Context, model any, cfg Config) (result *Result, err error) {
	defer recoverTo(&err)
	s, train, val, err := prepare(model, &cfg)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := s.dryRun(train, val); err != nil {
		return nil, err
	}
	if cfg.Resume != "" {
		if err := s.restore(cfg.Resume); err != nil {
			return nil, err
		}
	}
	if err := s.begin(); err != nil {
		return s.result(start), err
	}
	err = s.epochs(ctx, train, val, start)
	s.Interrupted = errors.Is(err, ErrInterrupted)
	if err == nil && s.EMA != nil {
		s.EMA.Swap() // leaves the averaged weights in the model
	}
	err = errors.Join(err, s.end(cfg.Callbacks))
	return s.result(start), err
}

// epochs trains until there is nothing left to do, or a reason to stop.
func (s *State) epochs(ctx context.Context, train, val *data.Loader, start time.Time) (err error) {
	defer recoverTo(&err)
	for ; s.Epoch < s.Config.Epochs && s.stop == ""; s.Epoch++ {
		if err := s.trainEpoch(ctx, train, start); err != nil {
			return err
		}
		if err := s.endEpoch(val); err != nil {
			return err
		}
		s.Step, s.sums = 0, sums{}
		if ctx.Err() != nil && s.Epoch+1 < s.Config.Epochs {
			s.Epoch++
			return fmt.Errorf("%w after epoch %d", ErrInterrupted, s.Epoch)
		}
	}
	return nil
}

// result is what Fit returns at this point.
func (s *State) result(start time.Time) *Result {
	return &Result{History: s.History, Steps: s.TotalSteps, Duration: time.Since(start), TrainSeconds: s.seconds, Stopped: s.stop}
}

// recoverTo turns the panic of an operation that was given what does not fit
// into an error. Other panics are bugs and go on.
func recoverTo(err *error) {
	switch r := recover().(type) {
	case nil:
	case *tensor.ShapeError:
		*err = r
	case *tensor.UseError:
		*err = r
	case *optim.Error:
		*err = r
	default:
		panic(r)
	}
}

func prepare(model any, cfg *Config) (s *State, train, val *data.Loader, err error) {
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 32
	}
	if cfg.ValName == "" {
		cfg.ValName = "validation"
	}
	cfg.Accumulate = max(cfg.Accumulate, 1)
	switch {
	case cfg.Train == nil:
		return nil, nil, nil, errors.New("there is nothing to train on: set Config.Train")
	case cfg.Loss == nil:
		return nil, nil, nil, errors.New("there is nothing to minimise: set Config.Loss")
	case cfg.Epochs < 1:
		return nil, nil, nil, fmt.Errorf("%d epochs were asked for; at least one is needed", cfg.Epochs)
	}
	s = &State{Config: cfg, Model: model, forward: cfg.Forward, IsClassification: len(cfg.Train.TargetShape()) == 0}
	if s.forward == nil {
		m, ok := model.(nn.Module)
		if !ok {
			return nil, nil, nil, fmt.Errorf("%T has no Forward(*nn.Context, *tensor.Tensor) *tensor.Tensor: give Config.Forward", model)
		}
		s.forward = m.Forward
	}
	if err := cfg.Precision.Check(); err != nil {
		return nil, nil, nil, err
	}
	params := nn.Parameters(model)
	if len(params) == 0 {
		return nil, nil, nil, fmt.Errorf("%T has no parameters: its layers must be exported fields", model)
	}
	if cfg.Groups != nil {
		s.Optimizer = optim.NewGroups(cfg.Groups(params)...)
	} else {
		s.Optimizer = optim.New(cfg.Optimizer, params)
	}
	s.baseRate = s.Optimizer.LR()
	if cfg.EMA > 0 {
		s.EMA = optim.NewEMA(params, cfg.EMA)
	}
	train, err = data.NewLoader(cfg.Train, data.LoaderConfig{BatchSize: cfg.BatchSize, Shuffle: true, Seed: cfg.Seed, DropLast: cfg.DropLast, Replacement: cfg.Replacement, Transform: cfg.Transform})
	if err != nil {
		return nil, nil, nil, err
	}
	s.StepsPerEpoch = train.Steps()
	if cfg.Val != nil {
		val, err = data.NewLoader(cfg.Val, data.LoaderConfig{BatchSize: min(evalBatch, cfg.Val.Len())})
		if err != nil {
			return nil, nil, nil, fmt.Errorf("validation data: %w", err)
		}
	}
	return s, train, val, nil
}

// evalBatch is how many samples are evaluated at once: enough to keep every
// worker busy, few enough for their activations to stay in the cache.
const evalBatch = 250

// each calls one method of every callback.
func (s *State) each(method func(Callback, *State) error) error {
	for _, c := range s.Config.Callbacks {
		if err := method(c, s); err != nil {
			return err
		}
	}
	return nil
}

// begin tells every callback that training is about to start. When one fails,
// those before it hear of the end.
func (s *State) begin() error {
	for i, c := range s.Config.Callbacks {
		if err := c.Start(s); err != nil {
			return errors.Join(err, s.end(s.Config.Callbacks[:i]))
		}
	}
	return nil
}

// end tells callbacks that training is over, whatever the others say: each may
// have something to close.
func (s *State) end(callbacks []Callback) error {
	var all []error
	for _, c := range callbacks {
		all = append(all, c.End(s))
	}
	return errors.Join(all...)
}

// stepContext is the context of one batch: what dropout drops depends on the
// seed, the epoch and the step alone.
func (s *State) stepContext() *nn.Context {
	key, _ := rng.New(s.Config.Seed).SplitString("dropout").Split(uint64(s.Epoch)).Split(uint64(s.Step)).Words()
	return nn.Training(key)
}

// spent is the time spent training, over all resumes.
func (s *State) spent() float64 {
	if s.epochWas.IsZero() {
		return s.seconds
	}
	return s.seconds + time.Since(s.epochWas).Seconds()
}

func (s *State) trainEpoch(ctx context.Context, train *data.Loader, start time.Time) error {
	s.epochWas = time.Now()
	before := s.seconds
	defer func() {
		s.seconds, s.epochWas = s.spent(), time.Time{}
		s.sums.Seconds += s.seconds - before
	}()
	scope := s.Config.Precision.In(tensor.NewScope())
	for batch := range train.EpochFrom(s.Epoch, s.Step) {
		if err := s.step(scope, batch); err != nil {
			return err
		}
		s.Elapsed = time.Since(start)
		if err := s.each(Callback.Step); err != nil {
			return err
		}
		if ctx.Err() != nil && s.Step < s.StepsPerEpoch {
			return fmt.Errorf("%w in epoch %d after step %d of %d", ErrInterrupted, s.Epoch+1, s.Step, s.StepsPerEpoch)
		}
		if s.stop != "" {
			s.Optimizer.ZeroGrad() // of an update that will not be made
			break
		}
	}
	return train.Err()
}

// step trains on one batch. All memory that it needs belongs to the scope and
// is there again for the next one.
func (s *State) step(scope *tensor.Scope, batch data.Batch) error {
	defer scope.Release()
	cfg := s.Config
	x := scope.View(batch.X)
	y := s.forward(s.stepContext(), x)
	loss := cfg.Loss(y, batch.Y)
	s.BatchLoss, s.BatchSize = loss.Item(), len(batch.Index)
	if math.IsNaN(s.BatchLoss) || math.IsInf(s.BatchLoss, 0) {
		return s.explode(y, loss)
	}
	// The last group of an epoch may have fewer batches than the others.
	if group := min(cfg.Accumulate, s.StepsPerEpoch-s.Step/cfg.Accumulate*cfg.Accumulate); group > 1 {
		loss = loss.MulScalar(1 / float64(group))
	}
	loss.BackwardOnce(y)
	s.sums.Loss += s.BatchLoss * float64(s.BatchSize)
	s.sums.Seen += s.BatchSize
	if s.IsClassification {
		s.sums.Correct += countCorrect(y, batch.Y)
	}
	s.Step++
	if s.Step%cfg.Accumulate == 0 || s.Step == s.StepsPerEpoch {
		s.update()
	}
	s.RunningLoss = s.sums.Loss / float64(s.sums.Seen)
	s.Accuracy = float64(s.sums.Correct) / float64(s.sums.Seen)
	return nil
}

// update applies the accumulated gradients.
func (s *State) update() {
	cfg := s.Config
	if cfg.Schedule != nil {
		s.Optimizer.SetLR(s.baseRate * cfg.Schedule.At(s.TotalSteps))
		if m, ok := cfg.Schedule.(optim.MomentumSchedule); ok {
			if _, ok := s.Optimizer.Momentum(); ok {
				s.Optimizer.SetMomentum(m.MomentumAt(s.TotalSteps))
			}
		}
	}
	s.LearningRate = s.Optimizer.LR()
	if cfg.ClipValue > 0 {
		optim.ClipValue(s.Optimizer.Params(), cfg.ClipValue)
	}
	if cfg.ClipNorm > 0 {
		optim.ClipNorm(s.Optimizer.Params(), cfg.ClipNorm)
	}
	s.Optimizer.Step()
	if s.EMA != nil {
		s.EMA.Update()
	}
	s.TotalSteps++
}

// explode says where a loss that is no number came from.
func (s *State) explode(y, loss *tensor.Tensor) error {
	where := tensor.FirstNonFinite(loss)
	if where == "" {
		where = "the loss itself"
	}
	return fmt.Errorf("the loss became %v in epoch %d, step %d: the first value that is not finite came from %s; a smaller learning rate, gradient clipping or clean data may help", s.BatchLoss, s.Epoch+1, s.Step+1, where)
}

// endEpoch validates and tells the callbacks.
func (s *State) endEpoch(val *data.Loader) error {
	e := Epoch{Epoch: s.Epoch + 1, Loss: s.RunningLoss, Accuracy: s.Accuracy, LearningRate: s.LearningRate, Seconds: s.sums.Seconds}
	if e.Seconds > 0 {
		e.ImagesPerSec = float64(s.sums.Seen) / e.Seconds
	}
	if val != nil {
		var v Evaluation
		err := s.averaged(func() (err error) {
			v, err = evaluate(s.Config.Precision, s.forward, s.Config.Loss, val, s.IsClassification, nil)
			return err
		})
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		if math.IsNaN(v.Loss) || math.IsInf(v.Loss, 0) {
			return fmt.Errorf("the validation loss became %v in epoch %d; a smaller learning rate, gradient clipping or clean validation data may help", v.Loss, s.Epoch+1)
		}
		e.ValLoss, e.ValAccuracy, e.HasValidation = v.Loss, v.Accuracy, true
	}
	s.History = append(s.History, e)
	if p, ok := s.Config.Schedule.(*optim.Plateau); ok {
		p.Observe(e.monitored())
	}
	return s.each(Callback.Epoch)
}

// averaged calls f while the model has its averaged weights, if there are any.
func (s *State) averaged(f func() error) error {
	if s.EMA == nil {
		return f()
	}
	s.EMA.Swap()
	defer s.EMA.Swap()
	return f()
}

// dryRunSamples is how many samples of a batch a dry run takes: what does not
// fit, does not fit with a few either, and the first real step starts sooner.
const dryRunSamples = 8

// dryRun takes a few samples forward and back, and a few of validation forward,
// and puts everything back as it was. Validation samples that look like those of
// training are not asked for: those of training take their place, so that a set
// which takes time to open does not hold up the first step.
func (s *State) dryRun(train, val *data.Loader) error {
	before := make([]*tensor.Tensor, 0)
	state := nn.State(s.Model)
	for _, t := range state {
		before = append(before, t.Keep())
	}
	defer func() {
		for i, t := range state {
			t.CopyFrom(before[i])
			t.ClearGrad()
		}
	}()
	scope := s.Config.Precision.In(tensor.NewScope())
	defer scope.Release()
	for batch := range train.Epoch(s.Epoch) {
		x := scope.View(batch.X)
		if s.tryStep(x, batch.Y, min(dryRunSamples, len(batch.Index))) != nil {
			// A model may count on full batches.
			if err := s.tryStep(x, batch.Y, len(batch.Index)); err != nil {
				return err
			}
		}
		if last := s.Config.Train.Len() % s.Config.BatchSize; last > 0 && !s.Config.DropLast {
			if err := s.tryBatchOf(last, x); err != nil {
				return err
			}
		}
		if val != nil && alike(s.Config.Train, s.Config.Val) {
			s.tryInference(x, batch)
			val = nil
		}
		break
	}
	if err := train.Err(); err != nil {
		return err
	}
	if val == nil {
		return nil
	}
	for batch := range val.Epoch(0) {
		s.tryInference(scope.View(batch.X), batch)
		break
	}
	return val.Err()
}

// alike reports whether samples of two sets have the same form.
func alike(a, b data.Dataset) bool {
	return slices.Equal(a.InputShape(), b.InputShape()) && slices.Equal(a.TargetShape(), b.TargetShape()) && len(a.Classes()) == len(b.Classes())
}

// tryInference takes a few samples of a batch, with inputs x, forward as
// validation does.
func (s *State) tryInference(x *tensor.Tensor, batch data.Batch) {
	n := min(dryRunSamples, len(batch.Index))
	s.Config.Loss(s.forward(nn.Inference(), x.Narrow(0, 0, n)), batch.Y.Narrow(0, 0, n))
}

// tryStep takes the first n samples of a batch forward and back.
func (s *State) tryStep(x, targets *tensor.Tensor, n int) (err error) {
	defer recoverTo(&err)
	y := s.forward(s.stepContext(), x.Narrow(0, 0, n))
	loss := s.Config.Loss(y, targets.Narrow(0, 0, n))
	if loss.Len() != 1 {
		return fmt.Errorf("the loss has shape %s; Config.Loss must return a scalar", tensor.ShapeString(loss.Shape()))
	}
	if !loss.RequiresGrad() {
		return errors.New("the loss does not depend on any parameter that is learned: is everything frozen?")
	}
	loss.BackwardOnce(y)
	s.IsClassification = s.IsClassification && isScores(y, n)
	return nil
}

// tryBatchOf takes the first n samples of x forward: the last batch of an epoch
// may be too small for batch normalisation.
func (s *State) tryBatchOf(n int, x *tensor.Tensor) error {
	forward := func() (err error) {
		defer recoverTo(&err)
		s.forward(s.stepContext(), x.Narrow(0, 0, n))
		return nil
	}
	if err := forward(); err != nil {
		return fmt.Errorf("the last batch of each epoch has only %d of %d samples, and the model cannot learn from it: %w; set Config.DropLast or choose another batch size", n, s.Config.BatchSize, err)
	}
	return nil
}
