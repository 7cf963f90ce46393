package pool

import "fmt"

// Shape describes a pooling with a sliding window. The input is (N, H, W, C),
// the output (N, OutH, OutW, C).
type Shape struct {
	N, H, W, C           int
	KH, KW               int // window
	StrideH, StrideW     int
	PadH, PadW           int  // on both sides; never wins a maximum, counts for an average if asked to
	DilationH, DilationW int  // distance between neighbouring window positions; 1 is dense
	Ceil                 bool // round the output size up: a window may hang over the end, but must begin inside of the image or its padding at the front
}

// OutH is the height of the output.
func (s Shape) OutH() int { return outSize(s.H, s.KH, s.StrideH, s.PadH, s.DilationH, s.Ceil) }

// OutW is the width of the output.
func (s Shape) OutW() int { return outSize(s.W, s.KW, s.StrideW, s.PadW, s.DilationW, s.Ceil) }

func outSize(in, kernel, stride, pad, dilation int, ceil bool) int {
	room := in + 2*pad - dilation*(kernel-1) - 1
	if room < 0 {
		return 0
	}
	if !ceil {
		return room/stride + 1
	}
	out := (room+stride-1)/stride + 1
	if (out-1)*stride >= in+pad {
		out--
	}
	return out
}

// IndexFitsUint8 reports whether a position within the window fits a uint8.
func (s Shape) IndexFitsUint8() bool { return s.KH*s.KW <= 256 }

// Validate says in one sentence what does not fit, or returns nil.
func (s Shape) Validate() error {
	switch {
	case s.N < 0:
		return fmt.Errorf("pool: batch of %d images", s.N)
	case s.H < 1 || s.W < 1 || s.C < 1:
		return fmt.Errorf("pool: input of %dx%d pixels with %d channels has no elements", s.H, s.W, s.C)
	case s.KH < 1 || s.KW < 1:
		return fmt.Errorf("pool: window of %dx%d; both sides must be at least 1", s.KH, s.KW)
	case s.StrideH < 1 || s.StrideW < 1:
		return fmt.Errorf("pool: stride of %dx%d; both must be at least 1", s.StrideH, s.StrideW)
	case s.DilationH < 1 || s.DilationW < 1:
		return fmt.Errorf("pool: dilation of %dx%d; both must be at least 1", s.DilationH, s.DilationW)
	case s.PadH < 0 || s.PadW < 0:
		return fmt.Errorf("pool: padding of %dx%d; it must not be negative", s.PadH, s.PadW)
	case 2*s.PadH > s.DilationH*(s.KH-1)+1 || 2*s.PadW > s.DilationW*(s.KW-1)+1:
		return fmt.Errorf("pool: padding of %dx%d is more than half of the window %dx%d with dilation %dx%d",
			s.PadH, s.PadW, s.KH, s.KW, s.DilationH, s.DilationW)
	case s.OutH() < 1 || s.OutW() < 1:
		return fmt.Errorf("pool: window %dx%d with dilation %dx%d does not fit into input %dx%d padded by %dx%d",
			s.KH, s.KW, s.DilationH, s.DilationW, s.H, s.W, s.PadH, s.PadW)
	}
	return nil
}

// mustFit panics when s is not valid or a buffer has the wrong length.
func (s Shape) mustFit(op string, in, out int) {
	if err := s.Validate(); err != nil {
		panic(fmt.Sprintf("%s: %v", op, err))
	}
	mustHold(op, "input", in, s.N*s.H*s.W*s.C, s)
	mustHold(op, "output", out, s.N*s.OutH()*s.OutW()*s.C, s)
}

func mustHold(op, name string, have, want int, shape any) {
	if have != want {
		panic(fmt.Sprintf("pool: %s: %s has %d elements, shape %+v needs %d", op, name, have, shape, want))
	}
}

// Resize describes a change of image size: adaptive pooling and up-sampling.
// The input is (N, H, W, C), the output (N, OutH, OutW, C).
type Resize struct{ N, H, W, C, OutH, OutW int }

// Validate says in one sentence what does not fit, or returns nil.
func (s Resize) Validate() error {
	switch {
	case s.N < 0:
		return fmt.Errorf("pool: batch of %d images", s.N)
	case s.H < 1 || s.W < 1 || s.C < 1:
		return fmt.Errorf("pool: input of %dx%d pixels with %d channels has no elements", s.H, s.W, s.C)
	case s.OutH < 1 || s.OutW < 1:
		return fmt.Errorf("pool: output of %dx%d pixels has no elements", s.OutH, s.OutW)
	}
	return nil
}

func (s Resize) mustFit(op string, in, out int) {
	if err := s.Validate(); err != nil {
		panic(fmt.Sprintf("%s: %v", op, err))
	}
	mustHold(op, "input", in, s.N*s.H*s.W*s.C, s)
	mustHold(op, "output", out, s.N*s.OutH*s.OutW*s.C, s)
}

// taps reports which window positions [lo, hi) of one axis meet an image of
// size pixels when the window starts at coordinate start (which may be
// negative). lo = hi when none does.
func taps(start, kernel, dilation, size int) (lo, hi int) {
	if start < 0 {
		lo = (-start + dilation - 1) / dilation
	}
	if room := size - 1 - start; room >= 0 {
		hi = room/dilation + 1
	}
	hi = min(hi, kernel)
	return min(lo, hi), hi
}
