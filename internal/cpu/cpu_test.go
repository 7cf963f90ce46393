package cpu

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestParseIsTheInverseOfString(t *testing.T) {
	for _, isa := range []ISA{Generic, NEON, AVX2, AVX512, AVX512BF16, AMX} {
		for _, name := range []string{isa.String(), strings.ToUpper(isa.String())} {
			if got, err := Parse(name); err != nil || got != isa {
				t.Errorf("Parse(%q) = %v, %v; want %v", name, got, err, isa)
			}
		}
	}
	if got := ISA(99).String(); got != "ISA(99)" {
		t.Errorf("an unknown set prints as %q", got)
	}
	for _, name := range []string{"", "sse", "avx", "avx-512"} {
		if _, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) gave no error", name)
		}
	}
}

func TestGenericIsAlwaysSupported(t *testing.T) {
	s := Supported()
	if s[0] != Generic || !slices.IsSorted(s) {
		t.Errorf("supported sets are %v; want generic first and the best last", s)
	}
	s[0] = AVX512
	if Supported()[0] != Generic {
		t.Error("a caller can change the list")
	}
}

func TestChoose(t *testing.T) {
	best := supported[len(supported)-1]
	for _, test := range []struct {
		wish    string
		want    ISA
		problem string // in the error; empty: none
	}{
		{"", usual, ""},
		{"generic", Generic, ""},
		{best.String(), best, ""},
		{"mmx", usual, `unknown instruction set "mmx"`},
	} {
		isa, err := choose(test.wish)
		if isa != test.want {
			t.Errorf("%q chose %v, want %v", test.wish, isa, test.want)
		}
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%q gave the error %v, want %q", test.wish, err, test.problem)
		}
	}
	for _, isa := range []ISA{NEON, AVX2, AVX512, AVX512BF16, AMX} {
		if slices.Contains(supported, isa) {
			continue
		}
		if got, err := choose(isa.String()); got != usual || err == nil || !strings.Contains(err.Error(), "no "+isa.String()) {
			t.Errorf("%v, which is not supported, gave %v and the error %v", isa, got, err)
		}
	}
}

func TestTheEnvironmentWasFollowed(t *testing.T) {
	want, err := choose(os.Getenv(Variable))
	if ActiveMatrix() != want || (Err() == nil) != (err == nil) {
		t.Errorf("active is %v with error %v; want %v with %v", ActiveMatrix(), Err(), want, err)
	}
}

func TestVectorsOfFloat32NeverRunOnBFloat16(t *testing.T) {
	for _, isa := range []ISA{AVX512BF16, AMX} {
		if slices.Contains(Supported(), isa) {
			t.Errorf("%v is listed as an instruction set of vectors of float32", isa)
		}
	}
	for _, isa := range SupportedMatrix() {
		restore := Force(isa)
		if ActiveMatrix() != isa || Active() != min(isa, AVX512) {
			t.Errorf("forced %v: matrices run on %v, vectors on %v", isa, ActiveMatrix(), Active())
		}
		restore()
	}
}

func TestForce(t *testing.T) {
	before := ActiveMatrix()
	restore := Force(Generic)
	if Active() != Generic {
		t.Errorf("active is %v after forcing generic", Active())
	}
	restore()
	if ActiveMatrix() != before {
		t.Errorf("active is %v after restoring, was %v", ActiveMatrix(), before)
	}
	defer func() {
		if recover() == nil {
			t.Error("forcing a set that does not exist did not panic")
		}
	}()
	Force(ISA(99))
}

func TestNameIsPrintable(t *testing.T) {
	name := Name()
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("processor name is %q", name)
	}
}
