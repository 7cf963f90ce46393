//go:build noasm || !(amd64 || arm64)

package cpu

func detect() (isas []ISA, fastest ISA) { return nil, Generic }
