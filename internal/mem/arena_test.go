package mem

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// TestArenaBuffersAreApart takes and gives back at random: what two buffers
// hold never meets, and all of it is one piece again at the end.
func TestArenaBuffersAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Arena
		var out [][]byte
		fill := func(b []byte, v byte) {
			for i := range b {
				b[i] = v
			}
		}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(out) > 0 && rapid.Bool().Draw(t, "put") {
				k := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				a.Put(out[k])
				out[k] = out[len(out)-1]
				out = out[:len(out)-1]
				continue
			}
			b := a.Get(rapid.SampledFrom([]int{1, 64, 65, 1000, 100_000, 300_000}).Draw(t, "size"))
			if uintptr(unsafe.Pointer(&b[0]))%Alignment != 0 {
				t.Fatalf("a buffer of %d bytes is not aligned", len(b))
			}
			fill(b, byte(step))
			out = append(out, b)
			for _, o := range out {
				for _, v := range o {
					if v != o[0] {
						t.Fatal("two buffers share memory")
					}
				}
			}
		}
		for _, b := range out {
			a.Put(b)
		}
		for _, c := range a.chunks {
			if len(c.free) != 1 || c.free[0] != (extent{0, len(c.data)}) {
				t.Fatalf("a chunk of %d bytes ends as %v", len(c.data), c.free)
			}
		}
	})
}

func TestArenasAreUsedAgain(t *testing.T) {
	a := TakeArena()
	a.Get(5 << 20)
	held := a.Held()
	a.Release()
	if b := TakeArena(); b != a || b.Held() != held {
		t.Errorf("the next arena holds %d bytes, want those %d that were left", b.Held(), held)
	}
	first := a.Get(5 << 20)
	if a.Held() != held {
		t.Errorf("the same size again took %d bytes more", a.Held()-held)
	}
	if uintptr(unsafe.Pointer(&first[0]))%hugePage != 0 {
		t.Error("a large chunk does not begin with a huge page")
	}
	a.Release()
}

func TestForeignBuffersAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an arena took a buffer that is not its own")
		}
	}()
	var a Arena
	a.Get(64)
	a.Put(make([]byte, 64))
}
