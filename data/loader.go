package data

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/tensor"
)

// LoaderConfig says how a [Loader] makes batches.
type LoaderConfig struct {
	BatchSize int
	Shuffle   bool // another random order in each epoch; else the order of the data set
	// Replacement draws every sample of an epoch from the whole data set, so that
	// some come twice and some not at all; of no meaning without Shuffle. A sample
	// that comes twice in an epoch is transformed in the same way both times.
	Replacement bool
	Seed        uint64 // of the order and of the transform
	DropLast    bool   // leave out the last batch of an epoch when it is not full

	// Transform changes each image as it is read, nil for none. Its random
	// numbers depend on (Seed, epoch, index of the sample) alone.
	Transform Transform

	// Workers is how many goroutines make batches and Prefetch how many
	// batches they may be ahead of the loop; 0 chooses. The batches do not
	// depend on them.
	Workers, Prefetch int
}

// Batch is some samples as tensors.
type Batch struct {
	X           *tensor.Tensor // inputs (B, InputShape...), float32
	Y           *tensor.Tensor // classes (B), int64, or values (B, TargetShape...), float32
	Index       []int          // (B): which samples of the data set these are
	Epoch, Step int            // both count from 0
}

// Loader makes batches of the samples of a data set, ahead of the loop that
// uses them. One loop at a time may use it.
type Loader struct {
	ds         Dataset
	cfg        LoaderConfig
	source     [3]int // shape of an image before the transform
	inputShape []int
	key        rng.Key
	err        error
}

// NewLoader returns a loader of ds. It is an error when ds is empty or smaller
// than one batch, or when the transform does not fit its inputs.
func NewLoader(ds Dataset, cfg LoaderConfig) (*Loader, error) {
	n := ds.Len()
	switch {
	case n == 0:
		return nil, errEmpty
	case cfg.BatchSize < 1:
		return nil, fmt.Errorf("data: a batch size of %d; it must be at least 1", cfg.BatchSize)
	case cfg.BatchSize > n:
		return nil, fmt.Errorf("data: the data set has %d samples, less than one batch of %d; use a smaller batch size or more data", n, cfg.BatchSize)
	case cfg.Workers < 0 || cfg.Prefetch < 0:
		return nil, fmt.Errorf("data: %d workers and %d batches ahead; neither may be negative", cfg.Workers, cfg.Prefetch)
	}
	if isClassification(ds) && len(ds.Classes()) == 0 {
		return nil, errors.New("data: the data set has neither classes nor a shape of target values")
	}
	l := &Loader{ds: ds, cfg: cfg, inputShape: ds.InputShape(), key: rng.New(cfg.Seed).SplitString("data loader")}
	if cfg.Transform != nil {
		if len(l.inputShape) != 3 {
			return nil, fmt.Errorf("data: a transform needs images (C, H, W), but the inputs have shape %v", l.inputShape)
		}
		l.source = [3]int(l.inputShape)
		shape, err := cfg.Transform.OutputShape(l.source[0], l.source[1], l.source[2])
		if err != nil {
			return nil, err
		}
		l.inputShape = shape[:]
	}
	if l.cfg.Workers == 0 {
		// Half of the threads: the other half has a model to train.
		l.cfg.Workers = max(1, par.Threads()/2)
	}
	if l.cfg.Prefetch == 0 {
		l.cfg.Prefetch = 2 * l.cfg.Workers
	}
	return l, nil
}

// Dataset returns the data set that the loader reads.
func (l *Loader) Dataset() Dataset { return l.ds }

// InputShape is the shape of one input in a batch, after the transform.
func (l *Loader) InputShape() []int { return slices.Clone(l.inputShape) }

// BatchSize is the number of samples in a full batch.
func (l *Loader) BatchSize() int { return l.cfg.BatchSize }

// Steps is the number of batches in an epoch.
func (l *Loader) Steps() int {
	if l.cfg.DropLast {
		return l.ds.Len() / l.cfg.BatchSize
	}
	return (l.ds.Len() + l.cfg.BatchSize - 1) / l.cfg.BatchSize
}

// Samples is the number of samples in an epoch.
func (l *Loader) Samples() int {
	if l.cfg.DropLast {
		return l.Steps() * l.cfg.BatchSize
	}
	return l.ds.Len()
}

// Epoch returns the batches of that epoch (0, 1, ...). After the loop,
// [Loader.Err] tells whether it ended early because of an error.
func (l *Loader) Epoch(epoch int) iter.Seq[Batch] { return l.EpochFrom(epoch, 0) }

// Err returns the error that ended the last loop, or nil.
func (l *Loader) Err() error { return l.err }

// EpochFrom returns the batches of the epoch from the given step on: the same
// ones that Epoch gives from there. It panics when epoch or step is negative.
func (l *Loader) EpochFrom(epoch, step int) iter.Seq[Batch] {
	if epoch < 0 || step < 0 {
		panic(fmt.Sprintf("data: epoch %d from step %d; both count from 0", epoch, step))
	}
	return func(yield func(Batch) bool) {
		l.err = nil
		p := l.start(epoch, step)
		defer p.stop()
		for s := step; s < l.Steps(); s++ {
			made := p.take(s)
			if made.err != nil {
				l.err = made.err
				return
			}
			if !yield(made.batch) {
				return
			}
		}
	}
}

// order returns the indices of all samples in the order of the epoch.
func (l *Loader) order(epoch int) []int {
	if !l.cfg.Shuffle {
		return upTo(l.ds.Len())
	}
	stream := l.key.SplitString("order").Split(uint64(epoch)).Stream()
	if !l.cfg.Replacement {
		return stream.Perm(l.ds.Len())
	}
	order := make([]int, l.ds.Len())
	for i := range order {
		order[i] = stream.IntN(l.ds.Len())
	}
	return order
}

// production is the making of the batches of one epoch by several goroutines.
//
// At most n = Prefetch steps are asked for and not yet taken. So neither the
// asking (tasks has room for n) nor the delivery of step s (to slot s mod n,
// which has room for one, and whose last content was taken before s was asked
// for) ever blocks, and a worker waits in one place only: for tasks.
type production struct {
	l       *Loader
	epoch   int
	order   []int
	tasks   chan int
	slots   []chan made
	asked   int // the next step to ask for
	stopped atomic.Bool
	workers sync.WaitGroup
}

// made is what a worker delivers.
type made struct {
	batch Batch
	err   error
}

func (l *Loader) start(epoch, step int) *production {
	n := l.cfg.Prefetch
	p := &production{l: l, epoch: epoch, order: l.order(epoch), tasks: make(chan int, n), slots: make([]chan made, n), asked: step}
	for i := range p.slots {
		p.slots[i] = make(chan made, 1)
	}
	for range n {
		p.ask()
	}
	for range l.cfg.Workers {
		p.workers.Go(p.work)
	}
	return p
}

func (p *production) ask() {
	if p.asked < p.l.Steps() {
		p.tasks <- p.asked
		p.asked++
	}
}

// take waits for the batch of step s and asks for one more.
func (p *production) take(s int) made {
	m := <-p.slots[s%len(p.slots)]
	p.ask()
	return m
}

// stop ends the workers and waits until they have gone.
func (p *production) stop() {
	p.stopped.Store(true)
	close(p.tasks)
	p.workers.Wait()
}

func (p *production) work() {
	m := p.l.newMaker()
	for step := range p.tasks {
		if p.stopped.Load() {
			return
		}
		lo := step * p.l.cfg.BatchSize
		hi := min(lo+p.l.cfg.BatchSize, len(p.order))
		batch, err := m.make(p.epoch, p.order[lo:hi], &p.stopped)
		batch.Epoch, batch.Step = p.epoch, step
		p.slots[step%len(p.slots)] <- made{batch, err}
	}
}

// maker makes batches in one goroutine.
type maker struct {
	l      *Loader
	reader reader
	target Target
	source Image // an image before the transform
	random Random

	inputs, values []float32 // of one batch
	classes        []int64
}

func (l *Loader) newMaker() *maker {
	n, r := l.cfg.BatchSize, newReader(l.ds)
	m := &maker{
		l: l, reader: r,
		inputs: make([]float32, n*Size(l.inputShape)), values: make([]float32, n*r.targetSize), classes: make([]int64, n),
	}
	if l.cfg.Transform != nil {
		m.source = NewImage(l.source[0], l.source[1], l.source[2])
	}
	return m
}

// make reads and transforms the samples with those indices. What it returns
// after stopped was set is of no use to anybody.
func (m *maker) make(epoch int, indices []int, stopped *atomic.Bool) (batch Batch, err error) {
	current := indices[0]
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("data: sample %d could not be made: %v", current, r)
		}
	}()
	size, targetSize := Size(m.l.inputShape), m.reader.targetSize
	inputs, values := m.inputs[:len(indices)*size], m.values[:len(indices)*targetSize]
	batch.Index = slices.Clone(indices)
	key := m.l.key.SplitString("transform").Split(uint64(epoch))
	for j, i := range indices {
		if stopped.Load() {
			return batch, nil
		}
		current = i
		if targetSize > 0 {
			m.target.Values = values[j*targetSize : (j+1)*targetSize]
		}
		if err := m.sample(inputs[j*size:(j+1)*size], i, key); err != nil {
			return batch, err
		}
		m.classes[j] = m.target.Class
	}
	// FromSlice is the one way to make a tensor that never asks for the shared
	// pool of workers, which the training step next door is using.
	batch.X = tensor.FromSlice(inputs, append([]int{len(indices)}, m.l.inputShape...)...)
	if targetSize == 0 {
		batch.Y = tensor.FromSlice(m.classes[:len(indices)])
	} else {
		batch.Y = tensor.FromSlice(values, append([]int{len(indices)}, m.l.ds.TargetShape()...)...)
	}
	return batch, nil
}

// sample writes the input of sample i to x and its target to m.target.
func (m *maker) sample(x []float32, i int, key rng.Key) error {
	t := m.l.cfg.Transform
	if t == nil {
		if err := m.reader.read(i, x, &m.target); err != nil {
			return err
		}
		return checkFinite(i, x)
	}
	if err := m.reader.read(i, m.source.Pix, &m.target); err != nil {
		return err
	}
	if err := checkFinite(i, m.source.Pix); err != nil {
		return err
	}
	m.random.Reset(key.Split(uint64(i)))
	shape := m.l.inputShape
	t.Apply(Image{shape[0], shape[1], shape[2], x}, m.source, &m.random)
	if k := notFinite(x); k >= 0 {
		return fmt.Errorf("data: the transform made the value %v of sample %d", x[k], i)
	}
	return nil
}
