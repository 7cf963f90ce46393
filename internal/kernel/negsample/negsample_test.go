package negsample

import (
	"math"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/rng"
)

// tables are two tables of rows vectors that are wider than a part.
func tables(rows, stride int) (in, out []float32) {
	in, out = make([]float32, rows*stride), make([]float32, rows*stride)
	rng.FillUniform(rng.New(1), in, -1, 1)
	rng.FillUniform(rng.New(2), out, -1, 1)
	return in, out
}

var cases = []struct{ reads, scored []int32 }{
	{[]int32{3}, []int32{5}},
	{[]int32{3, 0, 9, 3}, []int32{1, 2, 3, 4, 5, 6}}, // a row is read twice
	{[]int32{7, 8}, []int32{2, 2, 9}},                // a row is scored twice
	{[]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []int32{9, 8, 7, 6, 5, 4, 3}},
	{nil, []int32{1}},
	{[]int32{1}, nil},
}

// onEach runs a test on every instruction set of this machine.
func onEach(t *testing.T, test func(t *testing.T)) {
	for _, isa := range cpu.Supported() {
		restore := cpu.Force(isa)
		t.Run(isa.String(), test)
		restore()
	}
}

func TestScores(t *testing.T) {
	const stride, column = 2*Part + 5, 7
	in, out := tables(10, stride)
	onEach(t, func(t *testing.T) {
		for _, c := range cases {
			dst := make([]float32, len(c.reads)*len(c.scored))
			Scores(dst, in[column:], out[column:], stride, c.reads, c.scored)
			for q, r := range c.reads {
				for j, s := range c.scored {
					want := 0.0
					for k := range Part {
						want += float64(in[column+int(r)*stride+k]) * float64(out[column+int(s)*stride+k])
					}
					if got := dst[q*len(c.scored)+j]; math.Abs(float64(got)-want) > 1e-5 {
						t.Errorf("%v x %v: row %d with row %d gives %g, want %g", c.reads, c.scored, r, s, got, want)
					}
				}
			}
		}
	})
}

func TestUpdate(t *testing.T) {
	const stride, column = 2*Part + 5, 7
	onEach(t, func(t *testing.T) {
		for _, c := range cases {
			in, out := tables(10, stride)
			wantIn, wantOut := tables(10, stride)
			oldIn, oldOut := tables(10, stride)
			factors := make([]float32, len(c.reads)*len(c.scored))
			rng.FillUniform(rng.New(3), factors, -1, 1)
			for q, r := range c.reads {
				for j, s := range c.scored {
					f := factors[q*len(c.scored)+j]
					for k := column; k < column+Part; k++ {
						wantIn[int(r)*stride+k] += f * oldOut[int(s)*stride+k]
						wantOut[int(s)*stride+k] += f * oldIn[int(r)*stride+k]
					}
				}
			}
			Update(factors, in[column:], out[column:], stride, c.reads, c.scored)
			for i := range in {
				if math.Abs(float64(in[i]-wantIn[i])) > 1e-5 || math.Abs(float64(out[i]-wantOut[i])) > 1e-5 {
					t.Fatalf("%v x %v: element %d of row %d is %g and %g, want %g and %g", c.reads, c.scored, i%stride, i/stride, in[i], out[i], wantIn[i], wantOut[i])
				}
			}
		}
	})
}

func TestRowsOutsideOfATablePanic(t *testing.T) {
	in, out := tables(10, Part)
	for name, f := range map[string]func(){
		"row 10 of in":     func() { Scores(make([]float32, 1), in, out, Part, []int32{10}, []int32{0}) },
		"row -1 of out":    func() { Update(make([]float32, 1), in, out, Part, []int32{0}, []int32{-1}) },
		"too few numbers":  func() { Scores(make([]float32, 1), in, out, Part, []int32{0, 1}, []int32{0}) },
		"the end of a row": func() { Scores(make([]float32, 1), in[1:], out, Part, []int32{9}, []int32{0}) },
		"too many changes": func() { Update(make([]float32, 99), in, out, Part, []int32{0}, make([]int32, maxScored+1)) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "negsample.") {
					t.Errorf("%s: it panics with %q", name, text)
				}
			}()
			f()
		}()
	}
}
