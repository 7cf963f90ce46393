package train

// Callback is told what happens. An error ends training and is what Fit
// returns. Embed [Hooks] to implement only some of the methods.
type Callback interface {
	Start(s *State) error // before the first step
	Step(s *State) error  // after every batch
	Epoch(s *State) error // after every epoch and its validation; the epoch is the last of s.History
	End(s *State) error   // at the end, also after an error or an interruption; not after an error of its own Start
}

// Hooks is a Callback made of functions; those that are nil do nothing.
type Hooks struct {
	OnStart, OnStep, OnEpoch, OnEnd func(s *State) error
}

// Start calls OnStart.
func (h Hooks) Start(s *State) error { return call(h.OnStart, s) }

// Step calls OnStep.
func (h Hooks) Step(s *State) error { return call(h.OnStep, s) }

// Epoch calls OnEpoch.
func (h Hooks) Epoch(s *State) error { return call(h.OnEpoch, s) }

// End calls OnEnd.
func (h Hooks) End(s *State) error { return call(h.OnEnd, s) }

func call(f func(s *State) error, s *State) error {
	if f == nil {
		return nil
	}
	return f(s)
}
