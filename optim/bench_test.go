package optim

import (
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// BenchmarkStep reports bytes a second of what an update must read and write:
// parameters and state twice, gradients once.
func BenchmarkStep(b *testing.B) {
	for _, size := range []struct {
		name          string
		count, length int
	}{{"1x4M", 1, 4 << 20}, {"64x1k", 64, 1 << 10}} {
		for _, c := range []struct {
			name string
			a    Algorithm
		}{{"SGD", SGD(1e-3)}, {"Momentum", Momentum(1e-3, 0.9)}, {"Adam", Adam(1e-3)}, {"LAMB", LAMB(1e-3)}} {
			b.Run(c.name+"/"+size.name, func(b *testing.B) {
				var params, grads []*tensor.Tensor
				for range size.count {
					params = append(params, tensor.Ones(size.length).RequireGrad())
					grads = append(grads, tensor.Full(0.01, tensor.Float32, size.length))
				}
				o := New(c.a, params)
				kept := len(c.a.rule.state(&c.a.settings))
				b.SetBytes(int64(size.count * size.length * 4 * (3 + 2*kept)))
				step := func() {
					for i, p := range params {
						p.SetGrad(grads[i])
					}
					o.Step()
				}
				step() // makes the state
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}
