package vec

import (
	"fmt"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// benchmark runs f on every instruction set, in the first-level cache and in
// memory. streams is the number of float32 read and written per element.
func benchmark(b *testing.B, streams float64, f func(x [][]float32)) {
	for _, n := range []int{2048, 1 << 20} {
		x := make([][]float32, 5)
		for i := range x {
			x[i] = make([]float32, n)
			for j := range x[i] {
				x[i][j] = float32(j%97)/97 + 0.01
			}
		}
		for _, isa := range cpu.Supported() {
			b.Run(fmt.Sprintf("n=%d/%s", n, isa), func(b *testing.B) {
				defer cpu.Force(isa)()
				b.SetBytes(int64(4 * streams * float64(n)))
				for b.Loop() {
					f(x)
				}
			})
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	benchmark(b, 3, func(x [][]float32) { Add(x[0], x[1], x[2]) })
}
func BenchmarkMax(b *testing.B) {
	benchmark(b, 3, func(x [][]float32) { Max(x[0], x[1], x[2]) })
}
func BenchmarkReLU(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { ReLU(x[0], x[1]) })
}
func BenchmarkReLUGrad(b *testing.B) {
	benchmark(b, 3, func(x [][]float32) { ReLUGrad(x[0], x[1], x[2]) })
}
func BenchmarkExp(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Exp(x[0], x[1]) })
}
func BenchmarkLog(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Log(x[0], x[1]) })
}
func BenchmarkTanh(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Tanh(x[0], x[1]) })
}
func BenchmarkSigmoid(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Sigmoid(x[0], x[1]) })
}
func BenchmarkGELU(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { GELU(x[0], x[1]) })
}
func BenchmarkGELUGrad(b *testing.B) {
	benchmark(b, 3, func(x [][]float32) { GELUGrad(x[0], x[1], x[2]) })
}
func BenchmarkSum(b *testing.B) {
	benchmark(b, 1, func(x [][]float32) { Sum(x[0]) })
}
func BenchmarkDot(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Dot(x[0], x[1]) })
}
func BenchmarkMaxValue(b *testing.B) {
	benchmark(b, 1, func(x [][]float32) { MaxValue(x[0]) })
}
func BenchmarkSumRows16(b *testing.B) {
	benchmark(b, 1, func(x [][]float32) { SumRows(x[1][:16], x[0], len(x[0])/16, 16, 16) })
}
func BenchmarkSumRows128(b *testing.B) {
	benchmark(b, 1, func(x [][]float32) { SumRows(x[1][:128], x[0], len(x[0])/128, 128, 128) })
}
func BenchmarkAddRowReLU16(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { AddRow(x[0], x[1], x[2][:16], len(x[0])/16, 16, 16, true) })
}
func BenchmarkMulAddRowReLU64(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) {
		MulAddRow(x[0], x[1], x[2][:64], x[3][:64], nil, len(x[0])/64, 64, 64, true)
	})
}
func BenchmarkColumnMoments32(b *testing.B) {
	var sum, squares [32]float64
	benchmark(b, 1, func(x [][]float32) { ColumnMoments(sum[:], squares[:], x[0], x[1][:32], len(x[0])/32, 32, 32) })
}
func BenchmarkBatchNormGradSums32(b *testing.B) {
	var sum, hat [32]float64
	benchmark(b, 2, func(x [][]float32) {
		BatchNormGradSums(sum[:], hat[:], x[0], x[1], x[2][:32], len(x[0])/32, 32, 32)
	})
}
func BenchmarkBatchNormGrad32(b *testing.B) {
	benchmark(b, 3, func(x [][]float32) {
		v := x[3]
		BatchNormGrad(x[0], x[1], x[2], v[:32], v[32:64], v[64:96], v[96:128], len(x[0])/32, 32, 32)
	})
}
func BenchmarkSoftmaxRows10(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { SoftmaxRows(x[0], x[1], len(x[0])/10, 10, 10) })
}
func BenchmarkSoftmaxRows512(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { SoftmaxRows(x[0], x[1], len(x[0])/512, 512, 512) })
}
func BenchmarkLayerNormRows256(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) {
		rows := len(x[0]) / 256
		LayerNormRows(x[0], x[1], x[2][:256], x[3][:256], x[4][:rows], x[4][rows:2*rows], rows, 256, 256, 1e-5)
	})
}
func BenchmarkSGDMomentum(b *testing.B) {
	benchmark(b, 5, func(x [][]float32) { SGD(x[0], x[1], x[2], SGDSettings{LR: 1e-9, Momentum: 0.9}) })
}
func BenchmarkAdam(b *testing.B) {
	s := AdamSettings{LR: 1e-9, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Correction1: 1, Correction2: 1}
	benchmark(b, 7, func(x [][]float32) { Adam(x[0], x[1], x[2], x[3], nil, s) })
}
func BenchmarkDropout(b *testing.B) {
	benchmark(b, 2, func(x [][]float32) { Dropout(x[0], x[1], 1, 2, 3, 0.5, 2) })
}
func BenchmarkFloat32ToBFloat16(b *testing.B) {
	h := make([]uint16, 1<<20)
	benchmark(b, 1.5, func(x [][]float32) { Float32ToBFloat16(h[:len(x[0])], x[0]) })
}
func BenchmarkFloat16ToFloat32(b *testing.B) {
	h := make([]uint16, 1<<20)
	benchmark(b, 1.5, func(x [][]float32) { Float16ToFloat32(x[0], h[:len(x[0])]) })
}
func BenchmarkUint8ToFloat(b *testing.B) {
	h := make([]uint8, 1<<20)
	benchmark(b, 1.25, func(x [][]float32) { Uint8ToFloat(x[0], h[:len(x[0])], 1.0/255, 0) })
}
