package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedFilesAreUpToDate(t *testing.T) {
	if err := run("../vec", true); err != nil {
		t.Error(err)
	}
}

func TestCheckNoticesAStaleFile(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, true); err != nil {
		t.Fatalf("fresh files: %v", err)
	}
	path := filepath.Join(dir, "kernels_neon_arm64.s")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, true); err == nil || !strings.Contains(err.Error(), "is stale") {
		t.Errorf("changed file: error %v, want one that says it is stale", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if run(dir, true) == nil {
		t.Error("missing file: no error")
	}
}

func TestArgumentsLieWhereGoPutsThem(t *testing.T) {
	k := define("f(dst, x *float32, h *uint16, s, t float32, n int) (a, b float32)", overSlice, 1, func(k *kernel) {})
	want := map[string]int{"dst": 0, "x": 8, "h": 16, "s": 24, "t": 28, "n": 32, "a": 40, "b": 44}
	for _, a := range append(k.args, k.results...) {
		if a.offset != want[a.name] {
			t.Errorf("%s is at %d, want %d", a.name, a.offset, want[a.name])
		}
	}
	if k.argBytes != 48 {
		t.Errorf("frame of %d bytes, want 48", k.argBytes)
	}
}

// crowded needs more uniform values than any machine has registers.
func crowded() *kernel {
	return define("crowded(dst, x *float32, s float32, n int)", overSlice, 1, func(k *kernel) {
		x := k.load("x")
		for i := range 40 {
			x = k.fma(x, k.num(float32(i+2)), k.param("s"))
		}
		k.store("dst", x)
	})
}

func TestUniformValuesWithoutRegisterStayInMemory(t *testing.T) {
	for name, machine := range map[string]func(k *kernel, t *table, kept int) machine{
		"avx512": func(k *kernel, t *table, kept int) machine { return newAMD64(k, true, t, kept) },
		"avx2":   func(k *kernel, t *table, kept int) machine { return newAMD64(k, false, t, kept) },
		"neon":   func(k *kernel, t *table, kept int) machine { return newARM64(k, t, kept) },
	} {
		k, constants := crowded(), newTable("c")
		kept := -1
		fit(k, func(n int) string {
			kept = n
			return generate(k, machine(k, constants, n))
		})
		if kept <= 0 || kept >= len(k.uniforms) {
			t.Errorf("%s keeps %d of %d uniform values in registers, want some but not all", name, kept, len(k.uniforms))
		}
		if len(constants.list) != 40 {
			t.Errorf("%s has %d constants in its table, want 40", name, len(constants.list))
		}
	}
}

func TestKernelThatCannotFitIsRefused(t *testing.T) {
	k := define("wide(dst, x *float32, n int)", overSlice, 1, func(k *kernel) {
		var live []*value
		for i := range 40 {
			live = append(live, k.mul(k.load("x"), k.num(float32(i+2))))
		}
		sum := live[0]
		for _, v := range live[1:] {
			sum = k.div(sum, v)
		}
		k.store("dst", sum)
	})
	defer func() {
		if got, want := recover(), "kernel wide does not fit into the registers; unroll it less"; got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	fit(k, func(kept int) string { return generate(k, newARM64(k, newTable("c"), kept)) })
}
