package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/rng"
)

// apply runs t on src with the i-th random sequence.
func apply(t testing.TB, tr Transform, src Image, i uint64) Image {
	t.Helper()
	shape, err := tr.OutputShape(src.C, src.H, src.W)
	if err != nil {
		t.Fatal(err)
	}
	dst := NewImage(shape[0], shape[1], shape[2])
	for j := range dst.Pix {
		dst.Pix[j] = float32(math.NaN()) // Apply must write every pixel
	}
	before := slices.Clone(src.Pix)
	tr.Apply(dst, src, rng.New(1).Split(i).Stream())
	if !slices.Equal(before, src.Pix) {
		t.Fatalf("%T changed its source", tr)
	}
	for j, v := range dst.Pix {
		if math.IsNaN(float64(v)) {
			t.Fatalf("%T left pixel %d alone", tr, j)
		}
	}
	return dst
}

// ramp is an image whose pixels are all different, in 0..1.
func ramp(c, h, w int) Image {
	m := NewImage(c, h, w)
	for i := range m.Pix {
		m.Pix[i] = float32(i+1) / float32(len(m.Pix)+1)
	}
	return m
}

// blob is a smooth bright spot with that centre and width.
func blob(h, w int, cy, cx, sigma float64) Image {
	m := NewImage(1, h, w)
	for y := range h {
		for x := range w {
			dy, dx := float64(y)-cy, float64(x)-cx
			m.Pix[y*w+x] = float32(math.Exp(-(dx*dx + dy*dy) / (2 * sigma * sigma)))
		}
	}
	return m
}

// centroid returns the centre of brightness and the mean squared distance from it.
func centroid(m Image) (cy, cx, spread float64) {
	var sum float64
	for i, v := range m.Pix {
		y, x := float64(i/m.W), float64(i%m.W)
		sum += float64(v)
		cy += y * float64(v)
		cx += x * float64(v)
	}
	cy, cx = cy/sum, cx/sum
	for i, v := range m.Pix {
		y, x := float64(i/m.W)-cy, float64(i%m.W)-cx
		spread += (y*y + x*x) * float64(v)
	}
	return cy, cx, spread / sum
}

func allTransforms(t testing.TB) map[string]Transform {
	pca := &PCAColor{Std: 0.1, Values: [3]float64{0.2, 0.02, 0.005}, Vectors: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	return map[string]Transform{
		"Mirror": Mirror(), "RandomCrop": RandomCrop(5, 7), "CenterCrop": CenterCrop(5, 7), "PadCrop": PadCrop(2),
		"Rotate": Rotate(20), "Shear": Shear(20), "Zoom": Zoom(0.3), "Translate": Translate(2.5), "Elastic": Elastic(1, 3),
		"Warp":       Warp{Rotate: 10, Shear: 5, Zoom: 0.1, Translate: 1, Elastic: 0.5, Smoothness: 4},
		"ColorShift": ColorShift{0.2, 0.3, 0.4}, "PCAColor": pca, "Cutout": Cutout(4),
		"Normalize": Normalize([]float32{0.1, 0.2, 0.3}, []float32{1, 2, 3}),
		"Compose":   Compose(PadCrop(1), RandomCrop(8, 8), Mirror(), Rotate(5)),
		"nothing":   Compose(), "RandomApply": RandomApply(0.5, Rotate(10)),
	}
}

func TestATransformIsAFunctionOfImageAndRandomNumbers(t *testing.T) {
	src := ramp(3, 9, 11)
	for name, tr := range allTransforms(t) {
		changed := false
		for i := range uint64(10) {
			a, b := apply(t, tr, src, i), apply(t, tr, src, i)
			if !slices.Equal(a.Pix, b.Pix) {
				t.Errorf("%s: the same random numbers gave two results", name)
			}
			changed = changed || !slices.Equal(a.Pix, src.Pix)
		}
		if changed == (name == "nothing") {
			t.Errorf("%s: changed the image: %v", name, changed)
		}
		// Scratch memory that had another size before must not matter.
		small := ramp(3, 8, 9)
		want := apply(t, tr, small, 3)
		apply(t, tr, ramp(3, 13, 14), 1)
		if got := apply(t, tr, small, 3); !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: depends on the image before", name)
		}
	}
}

func TestTransformsOfTheSmallestImage(t *testing.T) {
	one := Image{3, 1, 1, []float32{0.5, 0.25, 1}}
	for name, tr := range allTransforms(t) {
		if strings.Contains(name, "Crop") && name != "PadCrop" || name == "Compose" {
			continue
		}
		apply(t, tr, one, 0)
	}
}

func TestMirror(t *testing.T) {
	src := Image{2, 1, 3, []float32{1, 2, 3, 4, 5, 6}}
	mirrored := 0
	for i := range uint64(1000) {
		switch got := apply(t, Mirror(), src, i).Pix; {
		case slices.Equal(got, []float32{3, 2, 1, 6, 5, 4}):
			mirrored++
		case !slices.Equal(got, src.Pix):
			t.Fatalf("got %v", got)
		}
	}
	if mirrored < 430 || mirrored > 570 {
		t.Errorf("%d of 1000 mirrored", mirrored)
	}
}

func TestCrops(t *testing.T) {
	src := ramp(2, 4, 5)
	center := apply(t, CenterCrop(2, 3), src, 0)
	for c := range 2 {
		for y := range 2 {
			for x := range 3 {
				if center.channel(c)[y*3+x] != src.channel(c)[(y+1)*5+x+1] {
					t.Fatalf("CenterCrop of %v is %v", src, center)
				}
			}
		}
	}
	// Every place comes up, and each result is a part of the (padded) source.
	for name, c := range map[string]struct {
		tr     Transform
		pad    int
		places int
	}{
		"RandomCrop": {RandomCrop(2, 3), 0, 3 * 3},
		"whole":      {RandomCrop(4, 5), 0, 1},
		"PadCrop":    {PadCrop(1), 1, 9},
		"far":        {PadCrop(6), 6, 13 * 13},
	} {
		seen := map[[2]int]bool{}
		for i := range uint64(3000) {
			got := apply(t, c.tr, src, i)
			place, ok := find(src, got, c.pad)
			if !ok {
				t.Fatalf("%s: %v is no part of the source", name, got)
			}
			seen[place] = true
		}
		if name == "far" { // where nothing is left, all places look the same
			c.places = 7*9 + 1
		}
		if len(seen) != c.places {
			t.Errorf("%s: %d of %d places came up", name, len(seen), c.places)
		}
	}
}

// find returns where part stands in src with a black frame.
func find(src, part Image, pad int) ([2]int, bool) {
	blank := !slices.ContainsFunc(part.Pix, func(v float32) bool { return v != 0 })
	if blank {
		return [2]int{-99, -99}, true
	}
	for top := -pad; top+part.H <= src.H+pad; top++ {
	next:
		for left := -pad; left+part.W <= src.W+pad; left++ {
			for i, v := range part.Pix {
				c, y, x := i/(part.H*part.W), i/part.W%part.H+top, i%part.W+left
				want := float32(0)
				if y >= 0 && y < src.H && x >= 0 && x < src.W {
					want = src.channel(c)[y*src.W+x]
				}
				if v != want {
					continue next
				}
			}
			return [2]int{top, left}, true
		}
	}
	return [2]int{}, false
}

func TestCutoutBlackensASquare(t *testing.T) {
	src := ramp(2, 9, 9)
	most := 0
	for i := range uint64(200) {
		got := apply(t, Cutout(4), src, i)
		black := 0
		for p := range 81 {
			a, b := got.Pix[p], got.Pix[81+p]
			if (a == 0) != (b == 0) || a != 0 && (a != src.Pix[p] || b != src.Pix[81+p]) {
				t.Fatalf("pixel %d is %g, %g", p, a, b)
			}
			if a == 0 {
				black++
			}
		}
		if black < 4 || black > 16 {
			t.Fatalf("%d pixels are black", black)
		}
		most = max(most, black)
	}
	if most != 16 {
		t.Errorf("at most %d pixels were black", most)
	}
}

func TestWarpWithoutAmountsIsTheIdentity(t *testing.T) {
	src := ramp(2, 7, 6)
	got := apply(t, Warp{}, src, 0)
	for i := range src.Pix {
		if math.Abs(float64(got.Pix[i]-src.Pix[i])) > 1e-6 {
			t.Fatalf("pixel %d is %g, want %g", i, got.Pix[i], src.Pix[i])
		}
	}
}

// Each part of the affine map is checked on a spot of light: where it goes and
// how large it gets.
func TestAffineMovesASpotAsPromised(t *testing.T) {
	const h, w, cy, cx = 41, 41, 20, 20
	spot := blob(h, w, cy, cx+8, 2) // eight pixels to the right of the centre
	_, _, spread := centroid(spot)
	var angles, shifts, scales []float64
	for i := range uint64(200) {
		y, x, s := centroid(apply(t, Rotate(30), spot, i))
		if r := math.Hypot(y-cy, x-cx); math.Abs(r-8) > 0.05 || math.Abs(s-spread) > 0.6 {
			t.Fatalf("Rotate changed the distance to %g, the spread from %g to %g", r, spread, s)
		}
		angles = append(angles, math.Atan2(y-cy, x-cx)*180/math.Pi)

		y, x, _ = centroid(apply(t, Translate(5), spot, i))
		if math.Abs(y-cy) > 5.05 || math.Abs(x-cx-8) > 5.05 {
			t.Fatalf("Translate moved the spot to %g, %g", y, x)
		}
		shifts = append(shifts, y-cy)

		y, x, s = centroid(apply(t, Zoom(0.5), spot, i))
		scale := (x - cx) / 8
		if math.Abs(y-cy) > 0.05 || math.Abs(s/spread-scale*scale) > 0.15 {
			t.Fatalf("Zoom moved the spot to %g, %g and its spread from %g to %g", y, x, spread, s)
		}
		scales = append(scales, scale)

		y, x, _ = centroid(apply(t, Shear(20), spot, i))
		if math.Abs(y-cy) > 0.05 || math.Abs(x-cx-8) > 0.05 {
			t.Fatalf("Shear moved a spot on the middle row to %g, %g", y, x)
		}
		y, x, _ = centroid(apply(t, Shear(20), blob(h, w, cy+8, cx, 2), i))
		if math.Abs(y-cy-8) > 0.05 || math.Abs(x-cx) > 8*math.Tan(20*math.Pi/180)+0.05 {
			t.Fatalf("Shear moved a spot below the middle to %g, %g", y, x)
		}
	}
	for name, c := range map[string]struct {
		got       []float64
		low, high float64
	}{
		"angle": {angles, -30, 30}, "shift": {shifts, -5, 5}, "scale": {scales, 1 / 1.5, 1.5},
	} {
		low, high := slices.Min(c.got), slices.Max(c.got)
		slack := (c.high - c.low) / 20
		if low < c.low-0.1 || low > c.low+slack || high > c.high+0.1 || high < c.high-slack {
			t.Errorf("%s ranges from %g to %g, want %g to %g", name, low, high, c.low, c.high)
		}
	}
}

func TestElasticHasThePromisedStrengthAndSmoothness(t *testing.T) {
	const h, w, std, sigma = 60, 60, 1.5, 4.0
	var field splineField
	x, y := make([]float32, h*w), make([]float32, h*w)
	const lag = 4
	var square, product, cross, n float64
	for i := range uint64(60) {
		clear(x)
		clear(y)
		field.displace(x, y, std, sigma, h, w, rng.New(i).Stream())
		for p := range x {
			square += float64(x[p])*float64(x[p]) + float64(y[p])*float64(y[p])
			cross += float64(x[p]) * float64(y[p])
			if p%w+lag < w {
				product += (float64(x[p])*float64(x[p+lag]) + float64(y[p])*float64(y[p+lag])) * w / (w - lag)
			}
			n += 2
		}
	}
	if got := math.Sqrt(square / n); math.Abs(got-std) > 0.06*std {
		t.Errorf("standard deviation %g, want %g", got, std)
	}
	if got := cross / n; math.Abs(got) > 0.05*std*std {
		t.Errorf("the two directions have covariance %g", got)
	}
	// White noise smoothed by a Gaussian has correlation exp(-lag^2 / 4 sigma^2).
	want := math.Exp(-lag * lag / (4 * sigma * sigma))
	if got := product / square; math.Abs(got-want) > 0.05 {
		t.Errorf("correlation %g at a distance of %d pixels, want %g", got, lag, want)
	}
}

func TestSplineWeightsArePartitionsOfUnity(t *testing.T) {
	var a axisWeights
	for _, spacing := range []float64{1.74, 6.9, 100} {
		a.set(28, spacing)
		for i, k := range a.weights {
			centre := 0.0
			for j, v := range k {
				centre += float64(v) * float64(a.first[i]+j-1) // control point 1 stands at pixel 0
			}
			if sum := k[0] + k[1] + k[2] + k[3]; math.Abs(float64(sum)-1) > 1e-6 || math.Abs(centre*spacing-float64(i)) > 1e-4 {
				t.Errorf("spacing %g, pixel %d: weights %v add up to %g and balance at %g", spacing, i, k, sum, centre*spacing)
			}
		}
	}
}

func TestColorShift(t *testing.T) {
	src := Image{3, 1, 2, []float32{0.4, 0.6, 0.4, 0.5, 0.4, 0.4}} // a grey and an orange pixel
	mean := func(m Image) (s float32) {
		for _, v := range m.Pix {
			s += v / float32(len(m.Pix))
		}
		return s
	}
	for i := range uint64(100) {
		bright := apply(t, ColorShift{Brightness: 0.2}, src, i)
		add := bright.Pix[0] - src.Pix[0]
		for j := range src.Pix {
			if math.Abs(float64(bright.Pix[j]-src.Pix[j]-add)) > 1e-6 || math.Abs(float64(add)) > 0.2 {
				t.Fatalf("brightness: %v", bright.Pix)
			}
		}
		contrast := apply(t, ColorShift{Contrast: 0.5}, src, i)
		if math.Abs(float64(mean(contrast)-mean(src))) > 1e-6 {
			t.Fatalf("contrast changed the mean: %v", contrast.Pix)
		}
		ratio := (contrast.Pix[1] - contrast.Pix[0]) / (src.Pix[1] - src.Pix[0])
		if ratio < 0.5-1e-5 || ratio > 1.5+1e-5 {
			t.Fatalf("contrast changed by %g", ratio)
		}
		vivid := apply(t, ColorShift{Saturation: 0.5}, src, i)
		if math.Abs(float64(vivid.Pix[0]-0.4)) > 1e-6 || math.Abs(float64(vivid.Pix[2]-0.4)) > 1e-6 {
			t.Fatalf("saturation changed grey: %v", vivid.Pix)
		}
		luma := func(m Image) float32 { return lumaR*m.Pix[1] + lumaG*m.Pix[3] + lumaB*m.Pix[5] }
		if math.Abs(float64(luma(vivid)-luma(src))) > 1e-6 {
			t.Fatalf("saturation changed the luminance: %v", vivid.Pix)
		}
		for _, v := range apply(t, ColorShift{1, 1, 1}, src, i).Pix {
			if v < 0 || v > 1 {
				t.Fatalf("pixel %g", v)
			}
		}
	}
}

func TestNormalizeByTheStatisticsOfTheData(t *testing.T) {
	ds := rampSet(t, 20, 3, 4, 5)
	mean, std, err := MeanStd(ds)
	if err != nil {
		t.Fatal(err)
	}
	sum, square := make([]float64, 3), make([]float64, 3)
	for s := range Samples(ds) {
		m := apply(t, Normalize(mean, std), Image{3, 4, 5, s.X}, 0)
		for c := range 3 {
			for _, v := range m.channel(c) {
				sum[c] += float64(v) / 400
				square[c] += float64(v) * float64(v) / 400
			}
		}
	}
	for c := range 3 {
		if math.Abs(sum[c]) > 1e-5 || math.Abs(square[c]-1) > 1e-5 {
			t.Errorf("channel %d has mean %g and mean square %g", c, sum[c], square[c])
		}
	}
}

func TestPCAColorFindsTheComponents(t *testing.T) {
	// Colours that vary by 3 along (2, 2, 1)/3, by 1 along (-2, 1, 2)/3, not along (1, -2, 2)/3.
	const n = 400
	u, v := [3]float64{2. / 3, 2. / 3, 1. / 3}, [3]float64{-2. / 3, 1. / 3, 2. / 3}
	x := make([]float32, 0, 3*n)
	for i := range n {
		a, b := 3*math.Sqrt2*math.Cos(2*math.Pi*float64(i)/n), math.Sqrt2*math.Sin(2*math.Pi*float64(i)/n)
		for c := range 3 {
			x = append(x, float32(5+a*u[c]+b*v[c]))
		}
	}
	ds, err := FromValues(x, []int{3, 1, 1}, make([]float32, n), []int{1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := FitPCAColor(ds, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(p.Values[0]-9) > 1e-4 || math.Abs(p.Values[1]-1) > 1e-4 || math.Abs(p.Values[2]) > 1e-4 {
		t.Errorf("eigenvalues %v, want 9, 1, 0", p.Values)
	}
	for c := range 3 {
		if math.Abs(p.Vectors[0][c]-u[c]) > 1e-4 || math.Abs(math.Abs(p.Vectors[1][c])-math.Abs(v[c])) > 1e-4 {
			t.Errorf("eigenvectors %v", p.Vectors)
		}
	}
	var square float64
	const draws = 2000
	for i := range uint64(draws) {
		m := apply(t, p, Image{3, 1, 2, make([]float32, 6)}, i)
		along := 0.0
		for c := range 3 {
			if m.Pix[2*c] != m.Pix[2*c+1] {
				t.Fatal("two pixels were shifted differently")
			}
			along += float64(m.Pix[2*c]) * u[c]
		}
		square += along * along / draws
	}
	if got := math.Sqrt(square); math.Abs(got-0.9) > 0.06 {
		t.Errorf("shift along the first component %g, want 0.1 of its eigenvalue 9", got)
	}
}

func TestEigenDecomposes(t *testing.T) {
	s := rng.New(8).Stream()
	for range 100 {
		var a [3][3]float64
		for i := range 3 {
			for j := range i + 1 {
				a[i][j] = s.Normal()
				a[j][i] = a[i][j]
			}
		}
		values, vectors := eigen(a)
		if values[0] < values[1] || values[1] < values[2] {
			t.Fatalf("eigenvalues %v are not sorted", values)
		}
		for i := range 3 {
			for j := range 3 {
				var rebuilt, dot float64
				for k := range 3 {
					rebuilt += values[k] * vectors[k][i] * vectors[k][j]
					dot += vectors[i][k] * vectors[j][k]
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(rebuilt-a[i][j]) > 1e-12 || math.Abs(dot-want) > 1e-12 {
					t.Fatalf("%v is not the decomposition of %v", vectors, a)
				}
			}
		}
	}
	if values, _ := eigen([3][3]float64{{1, 0, 0}, {0, 5, 0}, {0, 0, 3}}); values != [3]float64{5, 3, 1} {
		t.Errorf("diagonal matrix: %v", values)
	}
}

func TestRandomApply(t *testing.T) {
	src, count := ramp(1, 4, 4), 0
	for i := range uint64(1000) {
		if !slices.Equal(apply(t, RandomApply(0.2, Cutout(3)), src, i).Pix, src.Pix) {
			count++
		}
	}
	if count < 150 || count > 250 {
		t.Errorf("applied %d times of 1000 with probability 0.2", count)
	}
}

func TestTransformsRefuseImagesThatDoNotFit(t *testing.T) {
	for name, tr := range map[string]Transform{
		"crop too large":      RandomCrop(29, 5),
		"crop of no width":    CenterCrop(5, 0),
		"negative frame":      PadCrop(-1),
		"cutout of nothing":   Cutout(0),
		"mean of 3 channels":  Normalize([]float32{0, 0, 0}, []float32{1, 1, 1}),
		"deviation 0":         Normalize([]float32{0}, []float32{0}),
		"saturation of grey":  ColorShift{Saturation: 0.1},
		"negative brightness": ColorShift{Brightness: -1},
		"NaN of contrast":     ColorShift{Contrast: math.NaN()},
		"colours of grey":     &PCAColor{},
		"negative angle":      Rotate(-1),
		"NaN":                 Zoom(math.NaN()),
		"infinity":            Translate(math.Inf(1)),
		"flat shear":          Shear(90),
		"rough elastic":       Elastic(1, 0),
		"maybe another shape": RandomApply(0.5, RandomCrop(2, 2)),
		"no probability":      RandomApply(1.5, Mirror()),
		"NaN probability":     RandomApply(math.NaN(), Mirror()),
		"composed":            Compose(Mirror(), RandomCrop(20, 20), RandomCrop(21, 20)),
	} {
		if shape, err := tr.OutputShape(1, 28, 28); err == nil {
			t.Errorf("%s: accepted, with result %v", name, shape)
		}
	}
}

func ExampleCompose() {
	augment := Compose(
		Warp{Rotate: 10, Zoom: 0.1, Translate: 2, Elastic: 0.6, Smoothness: 4},
		Normalize([]float32{0.1307}, []float32{0.3081}),
	)
	fmt.Println(augment.OutputShape(1, 28, 28))
	// Output: [1 28 28] <nil>
}

func BenchmarkTransforms(b *testing.B) {
	src, dst := blob(28, 28, 14, 14, 5), NewImage(1, 28, 28)
	for _, c := range []struct {
		name string
		t    Transform
	}{
		{"affine", Warp{Rotate: 10, Shear: 5, Zoom: 0.1, Translate: 2}},
		{"affine+elastic", Warp{Rotate: 10, Shear: 5, Zoom: 0.1, Translate: 2, Elastic: 0.6, Smoothness: 4}},
		{"padcrop", PadCrop(2)},
		{"cutout", Cutout(8)},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := rng.New(1).Stream()
			for b.Loop() {
				c.t.Apply(dst, src, r)
			}
		})
	}
}
