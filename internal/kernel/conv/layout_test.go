package conv

import (
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
)

func TestTransposeImages(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {2, 3, 5}, {3, 16, 49}, {5, 49, 16}, {1, 33, 17}, {2, 64, 2500}, {0, 3, 4}, {3, 0, 4}, {1, 100000, 2}} {
		images, rows, columns := s[0], s[1], s[2]
		src, want := make([]float32, images*rows*columns), make([]float32, images*rows*columns)
		for i := range src {
			src[i] = float32(i)
			n, r, c := i/(rows*columns), i/columns%rows, i%columns
			want[(n*columns+c)*rows+r] = float32(i)
		}
		for _, isa := range cpu.Supported() {
			restore := cpu.Force(isa)
			got := guarded(len(src))
			TransposeImages(images, rows, columns, src, got)
			restore()
			if !slices.Equal(got, want) || got[:len(got)+1][len(got)] != canary {
				t.Errorf("%v: %d matrices of %d x %d are not turned over", isa, images, rows, columns)
			}
		}
	}
}
