package rnn

import "github.com/hadal-ml/hadal/internal/par"

// A task of units is worth its while from so many multiply-adds on, about ten
// microseconds, and from so many units: a row of them is one call of a cell's
// kernel. The number of tasks is a power of two, which leaves no thread of two
// or four behind, and their widths are multiples of a vector's.
const (
	taskWork  = 1 << 20
	taskUnits = 64
	vector    = 16
)

// A weight of up to so many elements, 1 MB in float32, stays in the second-level
// cache of a core. A batch of leastBatch rows is then cut in two, and a larger one
// further as long as taskRows remain for a task.
const (
	smallWeight = 256 << 10
	leastBatch  = 8
	taskRows    = 12
)

// schedule is how a pass is cut into tasks.
//
// A small weight is read by each thread as a whole: a task is some sequences of
// the batch, and runs all steps of them, for they need nothing of the others. Of
// a large one each thread reads a part only: a task is some units of one step,
// and the threads wait for each other at the end of it. How tasks are put together
// cannot be seen in the result, for every unit is computed by itself.
type schedule struct {
	units, batch int
	chunk        int // units of a task
	rows         int // sequences of a task
}

// task is a part of a step: units [lo, hi) of sequences [b0, b1).
type task struct {
	step   int
	lo, hi int
	b0, b1 int
}

// newSchedule cuts a net whose rows of gates have the given width, for a batch
// that has total rows at all steps together.
func newSchedule(units, width, batch, total int) schedule {
	s := schedule{units: units, batch: batch, chunk: units, rows: batch}
	if total < packRows {
		return s // products with a weight that is not packed are cut themselves
	}
	if tasks := 2; batch >= leastBatch && units*width <= smallWeight {
		for batch/(2*tasks) >= taskRows {
			tasks *= 2
		}
		s.rows = ceil(batch, tasks)
		return s
	}
	tasks := 1
	for batch*units*width/tasks >= 2*taskWork && units/tasks >= 2*taskUnits {
		tasks *= 2
	}
	s.chunk = ceil(ceil(units, tasks), vector) * vector
	return s
}

// run runs the steps from first on, each by away from the one before it, up to
// last, which is not run.
func (s schedule) run(first, last, by int, run func(task)) {
	if s.rows < s.batch {
		par.For(s.batch, s.rows, func(b0, b1 int) {
			for step := first; step != last; step += by {
				run(task{step, 0, s.units, b0, b1})
			}
		})
		return
	}
	// Neighbouring tasks are run as one piece, as many pieces as there are threads:
	// memory likes long rows. Package par gives a worker the same piece at every
	// step, so that most of what it reads of the weight is in its cache.
	piece := ceil(ceil(s.units, s.chunk), par.Threads()) * s.chunk
	step := first
	one := func(lo, hi int) { run(task{step, lo, hi, 0, s.batch}) } // made once, so that a step allocates little
	for ; step != last; step += by {
		par.For(s.units, piece, one)
	}
}
