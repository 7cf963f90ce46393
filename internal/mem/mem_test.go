package mem

import (
	"testing"
	"unsafe"
)

func TestBuffersAreAlignedAndReused(t *testing.T) {
	var p Pool
	for _, n := range []int{1, 63, 64, 65, 511, 513, 4096, 1_000_001} {
		a := p.Get(n)
		if len(a) != n {
			t.Fatalf("Get(%d) has %d bytes", n, len(a))
		}
		if uintptr(unsafe.Pointer(&a[0]))%Alignment != 0 {
			t.Errorf("Get(%d) is not aligned", n)
		}
		if cap(a) > n+n/8+Alignment {
			t.Errorf("Get(%d) takes %d bytes, more than an eighth too many", n, cap(a))
		}
		p.Put(a)
		if b := p.Get(n); &b[0] != &a[0] {
			t.Errorf("Get(%d) made new memory though a buffer was free", n)
		}
	}
}

func TestLiveCountsWhatIsOut(t *testing.T) {
	var p Pool
	a, b := p.Get(1000), p.Get(5000)
	if p.Live() < 6000 || p.Held() != p.Live() {
		t.Errorf("live %d, held %d after taking 6000 bytes", p.Live(), p.Held())
	}
	p.Put(a)
	p.Put(b)
	if p.Live() != 0 {
		t.Errorf("live %d after all was returned", p.Live())
	}
	p.Trim()
	if p.Held() != 0 {
		t.Errorf("held %d after Trim", p.Held())
	}
}

func TestFloat32sRoundTrip(t *testing.T) {
	before := Default.Live()
	s := Float32s(777)
	if len(s) != 777 {
		t.Fatalf("%d elements, want 777", len(s))
	}
	PutFloat32s(s)
	if Default.Live() != before {
		t.Error("PutFloat32s did not give everything back")
	}
}
