package nn

import (
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// What fusing is worth: the same layers, one operation each or together.
func BenchmarkNormReLUInference(b *testing.B) {
	norm := NewBatchNorm2d(24)
	for name, layers := range map[string]Sequential{"fused": {norm, ReLU{}}, "apart": {norm, Identity{}, ReLU{}}} {
		b.Run(name, func(b *testing.B) {
			images := tensor.NewRand(1).Normal(0, 1, 100, 24, 28, 28).ChannelsLast()
			scope := tensor.NewInferenceScope()
			b.SetBytes(int64(2 * 4 * images.Len()))
			for b.Loop() {
				b.StopTimer()
				x := scope.Adopt(images)
				b.StartTimer()
				layers.Forward(Inference(), x)
				scope.Release()
			}
		})
	}
}
