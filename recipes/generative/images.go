package generative

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/internal/atomicfile"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// digits calls f with the parts of MNIST that the session learns from and
// measures on.
func digits(ctx context.Context, s *recipe.Session, f func(ctx context.Context, s *recipe.Session, train, judged data.Dataset) error) error {
	train, judged, err := s.Sets(mnist.Train(), mnist.Test())
	if err != nil {
		return err
	}
	return f(ctx, s, train, judged)
}

// pixels is the number of values in an image of a data set.
func pixels(ds data.Dataset) int { return data.Size(ds.InputShape()) }

// readAll returns the images of a data set as rows (n, pixels).
func readAll(ds data.Dataset) (*tensor.Tensor, error) {
	n, size := ds.Len(), pixels(ds)
	values := make([]float32, n*size)
	var target data.Target
	for i := range n {
		if err := ds.Read(i, values[i*size:(i+1)*size], &target); err != nil {
			return nil, err
		}
	}
	return tensor.FromSlice(values, n, size), nil
}

// evaluationBatch is how many images are measured at a time.
const evaluationBatch = 500

// inBatches calls f with the rows [lo, hi) of x, part by part.
func inBatches(x *tensor.Tensor, f func(part *tensor.Tensor, lo, hi int)) {
	scope := tensor.NewInferenceScope()
	for lo := 0; lo < x.Dim(0); lo += evaluationBatch {
		hi := min(lo+evaluationBatch, x.Dim(0))
		f(scope.View(x.Narrow(0, lo, hi-lo)), lo, hi)
		scope.Release()
	}
}

// mosaic lays grey images of one shape side by side, row by row, with a thin
// line between them.
type mosaic struct {
	height, width int // of one image
	columns       int
	scale         int         // pixels of the picture to a pixel of an image
	images        [][]float32 // each height x width values in 0..1, 1 is ink; nil leaves a gap
}

// add appends the rows (n, height*width) of a tensor.
func (m *mosaic) add(rows *tensor.Tensor) {
	values, size := rows.Float32s(), m.height*m.width
	for lo := 0; lo < len(values); lo += size {
		m.images = append(m.images, values[lo:lo+size])
	}
}

// save writes the mosaic as PNG: dark ink on light paper.
func (m *mosaic) save(path string) error {
	const line = 2 // between two images, in pixels
	high, wide := m.height*m.scale+line, m.width*m.scale+line
	rows := (len(m.images) + m.columns - 1) / m.columns
	out := image.NewGray(image.Rect(0, 0, m.columns*wide-line, rows*high-line))
	for i := range out.Pix {
		out.Pix[i] = 0xFF
	}
	for i, pixels := range m.images {
		if pixels == nil {
			continue
		}
		left, top := i%m.columns*wide, i/m.columns*high
		for y := range m.height * m.scale {
			for x := range m.width * m.scale {
				v := pixels[y/m.scale*m.width+x/m.scale]
				out.SetGray(left+x, top+y, color.Gray{Y: uint8(math.Round(255 * (1 - min(max(float64(v), 0), 1))))})
			}
		}
	}
	if err := atomicfile.WriteFile(path, func(w io.Writer) error { return png.Encode(w, out) }); err != nil {
		return fmt.Errorf("the picture cannot be written: %w", err)
	}
	return nil
}
