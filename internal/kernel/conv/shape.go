package conv

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// Shape describes one 2-D convolution completely. Images are channels-last:
// the input is (N, H, W, C), the output (N, OutH, OutW, K). Weights are
// (K, C/Groups, KH, KW). A 1-D convolution has H = KH = 1.
type Shape struct {
	N, H, W, C           int // batch, input height and width, input channels
	K, KH, KW            int // output channels, kernel height and width
	StrideH, StrideW     int
	PadH, PadW           int // zeros added on both sides
	DilationH, DilationW int // distance between neighbouring kernel taps; 1 is dense
	Groups               int // channels are cut in Groups independent convolutions

	// Planar says that the input of Forward and WeightGrad is (N, C, H, W), as
	// images from outside are. InputGrad writes channels-last all the same.
	Planar bool
}

// OutH is the height of the output: one row for every position at which the
// dilated kernel fits into the padded input.
func (s Shape) OutH() int { return outSize(s.H, s.KH, s.StrideH, s.PadH, s.DilationH) }

// OutW is the width of the output.
func (s Shape) OutW() int { return outSize(s.W, s.KW, s.StrideW, s.PadW, s.DilationW) }

func outSize(in, kernel, stride, pad, dilation int) int {
	room := in + 2*pad - dilation*(kernel-1) - 1
	if room < 0 {
		return 0
	}
	return room/stride + 1
}

// FLOPs counts the multiplications and additions of one pass (forward, input
// gradient and weight gradient all need the same), products with padding
// included as is customary.
func (s Shape) FLOPs() int {
	return 2 * s.N * s.OutH() * s.OutW() * s.K * s.KH * s.KW * (s.C / s.Groups)
}

// Validate says in one sentence what does not fit, or returns nil.
func (s Shape) Validate() error {
	switch {
	case s.N < 0:
		return fmt.Errorf("conv: batch of %d images", s.N)
	case s.H < 1 || s.W < 1 || s.C < 1:
		return fmt.Errorf("conv: input of %dx%d pixels with %d channels has no elements", s.H, s.W, s.C)
	case s.K < 1:
		return fmt.Errorf("conv: %d output channels; at least one is needed", s.K)
	case s.KH < 1 || s.KW < 1:
		return fmt.Errorf("conv: kernel of %dx%d; both sides must be at least 1", s.KH, s.KW)
	case s.StrideH < 1 || s.StrideW < 1:
		return fmt.Errorf("conv: stride of %dx%d; both must be at least 1", s.StrideH, s.StrideW)
	case s.PadH < 0 || s.PadW < 0:
		return fmt.Errorf("conv: padding of %dx%d; it must not be negative", s.PadH, s.PadW)
	case s.DilationH < 1 || s.DilationW < 1:
		return fmt.Errorf("conv: dilation of %dx%d; both must be at least 1", s.DilationH, s.DilationW)
	case s.Groups < 1:
		return fmt.Errorf("conv: %d groups; at least one is needed", s.Groups)
	case s.C%s.Groups != 0 || s.K%s.Groups != 0:
		return fmt.Errorf("conv: %d groups must divide both %d input and %d output channels", s.Groups, s.C, s.K)
	case s.OutH() < 1 || s.OutW() < 1:
		return fmt.Errorf("conv: kernel %dx%d with dilation %dx%d does not fit into input %dx%d padded by %dx%d",
			s.KH, s.KW, s.DilationH, s.DilationW, s.H, s.W, s.PadH, s.PadW)
	}
	return nil
}

// mustFit panics when s is not valid or a buffer has the wrong length: both
// are mistakes of the program that calls.
func (s Shape) mustFit(op string, x, w, y int) {
	if err := s.Validate(); err != nil {
		panic(fmt.Sprintf("%s: %v", op, err))
	}
	check := func(name string, have, want int) {
		if have != want {
			panic(fmt.Sprintf("conv: %s: %s has %d elements, shape %+v needs %d", op, name, have, s, want))
		}
	}
	check("input", x, s.N*s.H*s.W*s.C)
	check("weight", w, s.K*(s.C/s.Groups)*s.KH*s.KW)
	check("output", y, s.N*s.OutH()*s.OutW()*s.K)
}

// epilogue checks e and says what it accumulates as something to add.
func (s Shape) epilogue(op string, y []float32, e gemm.Epilogue) gemm.Epilogue {
	if e.Bias != nil && len(e.Bias) != s.K {
		panic(fmt.Sprintf("conv: %s: bias has %d elements, shape %+v needs %d", op, len(e.Bias), s, s.K))
	}
	if e.Add != nil && (e.Accumulate || len(e.Add) != len(y)) {
		panic(fmt.Sprintf("conv: %s: %d elements to add to an output of %d, accumulate %t", op, len(e.Add), len(y), e.Accumulate))
	}
	if e.Accumulate {
		e.Add, e.Accumulate = y, false
	}
	return e
}
