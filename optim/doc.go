// Package optim holds the rules that turn gradients into better parameters,
// and the schedules that set their rate. It is not a trainer: it knows neither
// data nor models, only tensors and their gradients.
//
// An [Algorithm] is a rule with its settings, such as Adam(1e-3); an
// [Optimizer] is a rule bound to parameters:
//
//	opt := optim.New(optim.AdamW(1e-3).WeightDecay(0.05), parameters)
//	for batch := range loader.Epoch(epoch) {
//		loss := nn.CrossEntropy(model.Forward(c, batch.X), batch.Y)
//		loss.Backward()
//		opt.Step()
//	}
//
// Formulas and defaults are those of PyTorch's torch.optim, except for LAMB,
// which PyTorch does not have. Every update is one pass over memory, parallel
// over chunks that depend on shapes alone, so that the same gradients give the
// same bits on any number of threads.
//
// In order of increasing complexity, one file a family: sgd.go, adagrad.go,
// rmsprop.go, adadelta.go, adam.go, adamax.go, nadam.go, radam.go, lamb.go.
package optim

import "fmt"

// Error is what this package panics with when settings or parameters make no
// sense, such as a negative learning rate. Functions that read what was stored
// return it.
type Error struct{ Reason string }

func (e *Error) Error() string { return "optim: " + e.Reason }

func errorf(format string, args ...any) *Error { return &Error{fmt.Sprintf(format, args...)} }
