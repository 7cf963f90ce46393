//go:build noasm || !(amd64 || arm64)

package cpu

func detect() []ISA { return nil }
