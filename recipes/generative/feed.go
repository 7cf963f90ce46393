package generative

import (
	"iter"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/tensor"
)

// feed hands the shuffled batches of a loader to the steps of a loop, which ask
// for them by number, one after the other from wherever the loop begins.
type feed struct {
	loader *data.Loader
	at     int // the step whose batch is next
	next   func() (data.Batch, bool)
	stop   func()
}

// newFeed returns full batches of a data set: a last one that is smaller would
// give batch normalisation and discriminators other statistics.
func newFeed(ds data.Dataset, size int, seed uint64) (*feed, error) {
	loader, err := data.NewLoader(ds, data.LoaderConfig{BatchSize: size, Shuffle: true, Seed: seed, DropLast: true})
	return &feed{loader: loader, stop: func() {}}, err
}

// perEpoch is the number of steps that make a pass over the data.
func (f *feed) perEpoch() int { return f.loader.Steps() }

// batch returns the images (B, C, H, W) of a step.
func (f *feed) batch(step int) (*tensor.Tensor, error) {
	within := step % f.perEpoch()
	if f.next == nil || step != f.at || within == 0 {
		f.stop()
		f.next, f.stop = iter.Pull(f.loader.EpochFrom(step/f.perEpoch(), within))
	}
	f.at = step + 1
	b, ok := f.next()
	if !ok {
		return nil, f.loader.Err()
	}
	return b.X, nil
}

// close ends the making of batches.
func (f *feed) close() { f.stop() }
