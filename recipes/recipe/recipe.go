// Package recipe says what a recipe is: data, a model, the settings it is
// trained with, and the result to expect. Each recipe has a folder of its own
// beside this one; package recipes lists them and runs them.
package recipe

import (
	"context"
	"fmt"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Recipe is one system that hadal trains: `hadal train NAME`.
type Recipe struct {
	Name    string
	Summary string  // one line for lists
	Source  string  // the paper, book or course it follows
	Data    string  // the data sets it uses
	Expect  string  // the result to expect, in words with figures
	Minutes float64 // how long it takes on two cores, all members together

	Epochs    int // also the length of the learning-rate schedule
	BatchSize int
	Rate      float64 // learning rate, or its peak
	Members   int     // networks trained and averaged; 1 when zero

	// Train is how a recipe trains that is no classifier measured on a test set;
	// Load, New and Configure are nil then.
	Train func(ctx context.Context, s *Session) error
	// Heeds says which settings Train takes note of; the others are refused.
	Heeds Heeds
	// Open reads what Train left in a folder and returns what can be done with
	// it, such as a [Generator]; nil when there is nothing.
	Open func(dir string) (any, error)

	// Load returns what is learned from and what is tested on.
	Load func() (train, test data.Dataset, err error)
	// New returns an untrained model for that data.
	New func(init *nn.Init) nn.Module
	// Configure completes the training settings: optimizer, schedule,
	// augmentation. cfg has data, loss, epochs, batch size and seed; rate is
	// the learning rate; steps is the length of the schedule in updates.
	Configure func(cfg *train.Config, rate float64, steps int)
	// Full is the setting of the paper, for those who have the time; nil when
	// there is none. A recipe with Train of its own heeds Session.Full instead.
	Full *Setting

	// Views returns what the networks of an ensemble look at in place of an
	// input (B, ...) alone, such as the same moved a little; what they say of
	// each is averaged too. nil: the input and nothing else.
	Views func(x *tensor.Tensor) []*tensor.Tensor

	// Input tells a picture how to become the model's input; nil when the
	// model does not read pictures.
	Input *ImageInput
}

// Heeds are settings that not every recipe with a training of its own has a use for.
type Heeds struct {
	Limit     bool // Session.Limit, as of Session.Sets
	HoldOut   bool // Session.HoldOut, as of Session.Sets
	Precision bool // Session.Precision, as of Session.Scope and Session.Fit
	Full      bool // Session.Full
}

// Setting is another way to train the network of a recipe: each field stands in
// place of the recipe's.
type Setting struct {
	Epochs    int
	BatchSize int
	Rate      float64
	Configure func(cfg *train.Config, rate float64, steps int)
}

// Fully returns the recipe with the setting of the paper.
func (r Recipe) Fully() (Recipe, error) {
	switch {
	case r.Heeds.Full: // which asks the session
		return r, nil
	case r.Full == nil:
		return r, fmt.Errorf("%s has no setting of a paper beside its own: leave --full out", r.Name)
	}
	r.Epochs, r.BatchSize, r.Rate, r.Configure = r.Full.Epochs, r.Full.BatchSize, r.Full.Rate, r.Full.Configure
	return r, nil
}

// ImageInput is the kind of picture a model was trained on.
type ImageInput struct {
	Height, Width, Channels int
	// Digit pictures are centred by mass and scaled to a box, bright on dark,
	// as the MNIST digits were.
	Digit bool
}
