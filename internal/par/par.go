// Package par is the one pool of workers that the whole process shares.
// It is not a scheduler: a caller hands it a range of independent chunks and
// waits until all of them are done.
//
// Work is cut by shape, never by the number of threads. The chunks that [For]
// hands out depend on n and chunk alone, so a result that is computed chunk by
// chunk has the same bits on one thread and on sixty-four.
package par

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// An idle worker looks for work this often before it parks, pausing between
// looks (43 ns), about 100 us in all. A training step hands out work every few
// microseconds; waking a parked goroutine costs about five, a spinning one
// answers in a fifth of one. From time to time it lets other goroutines have
// the processor: the loader that prepares the next batch lives on those gaps.
const (
	spinRounds = 2400
	spinPauses = 4
	spinYields = 40 // rounds between two yields
)

// job is one call of For: a range cut into chunks, of which every worker has a
// share. It works off its own from the front and then helps others with theirs,
// from the back. So in calls of the same length, as the operations of a training
// step are, a worker meets much the same part of the data, which its cache may
// still hold.
type job struct {
	body   func(worker, lo, hi int)
	n      int
	chunk  int
	chunks int64
	shares []share // one for each worker that may join, the caller's first

	_      [64]byte     // what is above is only read: it stays in everybody's cache
	few    [4]share     // room for the shares on most machines
	done   atomic.Int64 // chunks finished
	failed atomic.Pointer[failure]
}

// share is the chunks [from, to) that are left of a share, from in the upper half
// of the word. It fills a line of the cache.
type share struct {
	left atomic.Uint64
	_    [56]byte
}

func (s *share) set(from, to int) { s.left.Store(uint64(from)<<32 | uint64(to)) }

// take takes the first chunk that is left, or the last.
func (s *share) take(last bool) (chunk int, ok bool) {
	for {
		left := s.left.Load()
		from, to := left>>32, left&(1<<32-1)
		if from >= to {
			return 0, false
		}
		chunk, rest := from, left+1<<32
		if last {
			chunk, rest = to-1, left-1
		}
		if s.left.CompareAndSwap(left, rest) {
			return int(chunk), true
		}
	}
}

type failure struct{ value any }

// pool is the state that all callers share. Only one job runs at a time; a
// call that finds the pool busy (nested, or from another goroutine) does its
// work alone, which keeps the pool free of deadlocks by construction.
var pool struct {
	busy    atomic.Bool
	current atomic.Pointer[job]
	threads atomic.Int64
	mu      sync.Mutex
	wake    *sync.Cond
	parked  int
	workers int
}

func init() {
	pool.wake = sync.NewCond(&pool.mu)
	pool.threads.Store(int64(runtime.GOMAXPROCS(0)))
}

// Threads reports how many goroutines a call of For may use, the caller included.
func Threads() int { return int(pool.threads.Load()) }

// SetThreads sets that number. It panics when n is below one.
func SetThreads(n int) {
	if n < 1 {
		panic(fmt.Sprintf("par: %d threads; at least one is needed", n))
	}
	pool.threads.Store(int64(n))
}

// For calls body(lo, hi) for consecutive chunks that cover [0, n), several at
// once. Every chunk but the last has exactly chunk elements. It returns when
// all are done; a panic in body is raised again in the caller.
func For(n, chunk int, body func(lo, hi int)) {
	if n <= chunk || Threads() == 1 {
		for lo := 0; lo < n; lo += chunk {
			body(lo, min(lo+chunk, n))
		}
		return
	}
	ForWorker(n, chunk, func(_, lo, hi int) { body(lo, hi) })
}

// ForWorker is For for bodies that keep scratch memory: worker is below
// Threads() and no two chunks with the same worker run at once.
func ForWorker(n, chunk int, body func(worker, lo, hi int)) {
	if chunk < 1 {
		panic(fmt.Sprintf("par: chunk of %d elements; at least one is needed", chunk))
	}
	if n <= 0 {
		return
	}
	threads := Threads()
	if n <= chunk || threads == 1 || !pool.busy.CompareAndSwap(false, true) {
		for lo := 0; lo < n; lo += chunk {
			body(0, lo, min(lo+chunk, n))
		}
		return
	}
	j := &job{body: body, n: n, chunk: chunk, chunks: int64((n + chunk - 1) / chunk)}
	workers := min(threads, int(j.chunks))
	if workers <= len(j.few) {
		j.shares = j.few[:workers]
	} else {
		j.shares = make([]share, workers)
	}
	from := 0
	for w := range j.shares {
		to := int((j.chunks*int64(w+1) + int64(workers) - 1) / int64(workers))
		j.shares[w].set(from, to)
		from = to
	}
	publish(j, workers-1)
	j.run(0)
	// The others hold at most one chunk each: they are nearly done.
	for spins := 1; j.done.Load() < j.chunks; spins++ {
		pause(spinPauses)
		if spins%spinYields == 0 {
			runtime.Gosched()
		}
	}
	pool.current.Store(nil)
	pool.busy.Store(false)
	if f := j.failed.Load(); f != nil {
		panic(f.value)
	}
}

// publish makes j visible and sees that enough workers exist and are awake.
func publish(j *job, helpers int) {
	pool.current.Store(j)
	pool.mu.Lock()
	for pool.workers < helpers {
		pool.workers++
		go work(pool.workers)
	}
	if pool.parked > 0 {
		pool.wake.Broadcast()
	}
	pool.mu.Unlock()
}

// run works off chunks until none is left.
func (j *job) run(worker int) {
	for i := range j.shares {
		s := &j.shares[(worker+i)%len(j.shares)]
		for c, ok := s.take(i > 0); ok; c, ok = s.take(i > 0) {
			j.one(worker, c)
		}
	}
}

func (j *job) one(worker, c int) {
	defer j.done.Add(1)
	defer func() {
		if r := recover(); r != nil {
			j.failed.CompareAndSwap(nil, &failure{r})
		}
	}()
	lo := c * j.chunk
	j.body(worker, lo, min(lo+j.chunk, j.n))
}

// work is the life of a worker: spin for a job, join it, park when none comes.
func work(worker int) {
	var last *job
	for {
		j := pool.current.Load()
		for spins := 1; (j == nil || j == last) && spins <= spinRounds; spins++ {
			pause(spinPauses)
			if spins%spinYields == 0 {
				runtime.Gosched()
			}
			j = pool.current.Load()
		}
		if j == nil || j == last {
			pool.mu.Lock()
			for j = pool.current.Load(); j == nil || j == last; j = pool.current.Load() {
				pool.parked++
				pool.wake.Wait()
				pool.parked--
			}
			pool.mu.Unlock()
		}
		last = j
		if worker < len(j.shares) {
			j.run(worker)
		}
	}
}
