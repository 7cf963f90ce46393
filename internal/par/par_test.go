package par

import (
	"sync/atomic"
	"testing"
)

func withThreads(t testing.TB, n int) {
	old := Threads()
	SetThreads(n)
	t.Cleanup(func() { SetThreads(old) })
}

func TestForVisitsEveryElementOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		withThreads(t, threads)
		for _, n := range []int{0, 1, 5, 64, 1000} {
			for _, chunk := range []int{1, 3, 64, 5000} {
				seen := make([]int32, n)
				For(n, chunk, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						atomic.AddInt32(&seen[i], 1)
					}
				})
				for i, s := range seen {
					if s != 1 {
						t.Fatalf("threads %d, n %d, chunk %d: element %d visited %d times", threads, n, chunk, i, s)
					}
				}
			}
		}
	}
}

func TestChunksDoNotDependOnThreads(t *testing.T) {
	cut := func(threads int) map[int]int {
		withThreads(t, threads)
		var los [16]atomic.Int64
		For(100, 7, func(lo, hi int) { los[lo/7].Store(int64(lo*1000 + hi)) })
		m := map[int]int{}
		for i := range los {
			m[i] = int(los[i].Load())
		}
		return m
	}
	one, many := cut(1), cut(5)
	for i, v := range one {
		if many[i] != v {
			t.Errorf("chunk %d is %d with one thread, %d with five", i, v, many[i])
		}
	}
}

func TestWorkersDoNotShareScratch(t *testing.T) {
	withThreads(t, 4)
	for range 200 {
		var inUse [4]atomic.Int32
		ForWorker(64, 1, func(w, lo, hi int) {
			if inUse[w].Add(1) != 1 {
				t.Error("two chunks ran at once as the same worker")
			}
			inUse[w].Add(-1)
		})
	}
}

func TestNestedCallsFinish(t *testing.T) {
	withThreads(t, 3)
	var sum atomic.Int64
	For(10, 1, func(lo, hi int) {
		For(10, 1, func(lo, hi int) { sum.Add(1) })
	})
	if sum.Load() != 100 {
		t.Errorf("nested loops ran %d bodies, want 100", sum.Load())
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	withThreads(t, 2)
	defer func() {
		if r := recover(); r != "chunk 3" {
			t.Errorf("recovered %v, want the body's own panic", r)
		}
		var n atomic.Int64
		For(100, 1, func(lo, hi int) { n.Add(1) })
		if n.Load() != 100 {
			t.Error("the pool does not work after a panic")
		}
	}()
	For(10, 1, func(lo, hi int) {
		if lo == 3 {
			panic("chunk 3")
		}
	})
}

func BenchmarkForkJoin(b *testing.B) {
	withThreads(b, 2)
	for b.Loop() {
		For(2, 1, func(lo, hi int) {})
	}
}

func TestAShareIsTakenFromBothEnds(t *testing.T) {
	var s share
	s.set(3, 7)
	for i, want := range []int{3, 6, 4, 5} {
		if c, ok := s.take(i%2 == 1); !ok || c != want {
			t.Errorf("take %d gave chunk %d (%v), want %d", i, c, ok, want)
		}
	}
	for _, last := range []bool{false, true} {
		if c, ok := s.take(last); ok {
			t.Errorf("an empty share gave chunk %d", c)
		}
	}
}
