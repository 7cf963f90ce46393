package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

var nan, inf = math.NaN(), math.Inf(1)

// must is the figure, or the end of the test.
func must(t *testing.T) func(*Figure, error) *Figure {
	return func(f *Figure, err error) *Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// raster is the figure as it comes back from its PNG.
func raster(t *testing.T, f *Figure) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := f.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	width, height := f.Size()
	if m.Bounds() != image.Rect(0, 0, width, height) {
		t.Fatalf("the PNG is %v, the figure %d x %d", m.Bounds(), width, height)
	}
	return m
}

// svg is the figure as SVG, checked to be well-formed and free of NaN lengths.
func svg(t interface {
	Helper()
	Fatal(...any)
}, f *Figure) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal("not well-formed: ", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local == "href" {
				continue
			}
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Fatal("a length is not finite: ", start.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
}

func rgb(c color.Color) color.NRGBA { return color.NRGBAModel.Convert(c).(color.NRGBA) }

// pixels counts the pixels of a colour within a part of an image.
func pixels(m image.Image, within image.Rectangle, c color.NRGBA) int {
	n := 0
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			if rgb(m.At(x, y)) == c {
				n++
			}
		}
	}
	return n
}

// slope is n values falling from high to low.
func slope(high, low float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = high + (low-high)*float64(i)/math.Max(1, float64(n-1))
	}
	return values
}

func wholeRun(epochs, steps int) Run {
	return Run{
		Name: "lenet", Note: "12 s",
		StepLoss: slope(2.3, 0.01, steps), LearningRate: slope(0.01, 0, steps),
		TrainLoss: slope(0.5, 0.02, epochs), ValLoss: slope(0.4, 0.03, epochs),
		TrainAccuracy: slope(0.9, 0.995, epochs), ValAccuracy: slope(0.92, 0.991, epochs),
	}
}

// grey is an image of one shade.
func grey(height, width int, shade float32) Image {
	m := Image{Channels: 1, Height: height, Width: width, Pixels: make([]float32, height*width)}
	for i := range m.Pixels {
		m.Pixels[i] = shade
	}
	return m
}

// gallery is one figure of every kind.
func gallery(t *testing.T) map[string]*Figure {
	ok := must(t)
	return map[string]*Figure{
		"curves":    ok(Curves(wholeRun(6, 3000))),
		"lines":     ok(Lines(Chart{Title: "t", XLabel: "x", YLabel: "y", Series: []Series{{Name: "a", Y: slope(1, 2, 50)}}})),
		"scatter":   ok(Scatter(Chart{Series: []Series{{Y: slope(1, 2, 50)}, {Y: slope(3, 2, 50)}}})),
		"histogram": ok(Histogram(slope(-1, 1, 500), 0, "weights", "w")),
		"board":     ok(wholeBoard().Figure()),
		"confusion": ok(Confusion([][]int{{50, 1}, {3, 40}}, []string{"cat", "dog"}, "pets")),
		"mistakes":  ok(Mistakes([]Mistake{{grey(28, 28, 0.5), "4", "9", 0.7}}, 100, 10)),
		"filters":   ok(Filters(Weights{2, 1, 2, 2, []float32{1, -1, 0, 0.5, 0, 0, 0, 0}}, nil, "conv")),
		"images":    ok(Images([]Image{grey(8, 8, 1), grey(300, 200, 0)}, []string{"a", "b"}, "two", 0)),
	}
}

func TestTheSameDataGiveTheSameBytes(t *testing.T) {
	first, second := gallery(t), gallery(t)
	var wait sync.WaitGroup
	for name := range first {
		for kind, write := range map[string]func(*Figure, io.Writer) error{"PNG": (*Figure).WritePNG, "SVG": (*Figure).WriteSVG} {
			wait.Go(func() { // at once: figures share fonts
				var a, b, again bytes.Buffer
				err := errors.Join(write(first[name], &a), write(second[name], &b), write(first[name], &again))
				if err != nil {
					t.Error(err)
				}
				if !bytes.Equal(a.Bytes(), b.Bytes()) || !bytes.Equal(a.Bytes(), again.Bytes()) {
					t.Errorf("%s: two %s differ", name, kind)
				}
			})
		}
	}
	wait.Wait()
}

func TestEveryFigureIsSoundAsPNGAndSVG(t *testing.T) {
	for name, f := range gallery(t) {
		m := raster(t, f)
		if got := rgb(m.At(0, 0)); got != paper {
			t.Errorf("%s: the corner is %v, want white", name, got)
		}
		if pixels(m, m.Bounds(), paper) == m.Bounds().Dx()*m.Bounds().Dy() {
			t.Errorf("%s: the picture is blank", name)
		}
		if s := svg(t, f); !strings.Contains(s, "Liberation Sans,Arial,Helvetica,sans-serif") {
			t.Errorf("%s: the SVG has no fallback font", name)
		}
	}
}

func TestSaveGoesByTheEndingAndLeavesNothingBehind(t *testing.T) {
	f := gallery(t)["confusion"]
	folder := t.TempDir()
	for _, name := range []string{"a.png", "b.SVG"} {
		if err := f.Save(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(folder, "a.png")); err != nil || !bytes.HasPrefix(b, []byte("\x89PNG")) {
		t.Errorf("a.png is no PNG (%v)", err)
	}
	if b, err := os.ReadFile(filepath.Join(folder, "b.SVG")); err != nil || !bytes.Contains(b, []byte("<svg")) {
		t.Errorf("b.SVG is no SVG (%v)", err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "c.jpg"):          "neither .png nor .svg",
		filepath.Join(folder, "none", "a.png"):  "none",
		filepath.Join(folder, "a.png", "b.png"): "a.png",
	} {
		if err := f.Save(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Save(%s): error is %v, want one with %q", path, err, want)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, want the two files (%v)", entries, err)
	}
}

func TestCurvesShowsBothLossesAndAccuracies(t *testing.T) {
	f := must(t)(Curves(wholeRun(6, 3000)))
	if w, h := f.Size(); w != 1440 || h != 960 {
		t.Errorf("size is %d x %d, want 1440 x 960", w, h)
	}
	m := raster(t, f)
	for name, part := range map[string]image.Rectangle{
		"loss by epoch": image.Rect(100, 640, 700, 870), "accuracy": image.Rect(820, 170, 1400, 510),
	} {
		for what, c := range map[string]color.NRGBA{"training": blue, "validation": vermillion} {
			if pixels(m, part, c) < 300 {
				t.Errorf("%s: the %s line is missing", name, what)
			}
		}
	}
	if part := image.Rect(820, 640, 1400, 870); pixels(m, part, green) < 300 {
		t.Error("the learning rate is missing")
	}
	if part := image.Rect(100, 170, 700, 510); pixels(m, part, blue) < 300 {
		t.Error("the mean of the loss by step is missing")
	}
	s := svg(t, f)
	for _, want := range []string{">lenet<", "6 epochs", "validation accuracy 99.10%", "validation loss 0.0300", "12 s", "mean of 75 steps", "stroke:#B8D8E9" /* the single steps */} {
		if !strings.Contains(s, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestCurvesNamesTheBestEpochWhenItIsNotTheLast(t *testing.T) {
	s := svg(t, must(t)(Curves(Run{ValAccuracy: []float64{0.97, 0.99, nan, 0.98}})))
	if !strings.Contains(s, "best 99.00% after epoch 2") {
		t.Error("the best epoch is not named")
	}
}

func TestCurvesWithoutOneOfItsSeries(t *testing.T) {
	empty := Run{Name: "nothing"}
	if _, err := Curves(empty); err == nil || !strings.Contains(err.Error(), "no values") {
		t.Errorf("an empty run: error is %v", err)
	}
	broken := wholeRun(5, 400)
	for _, values := range [][]float64{broken.StepLoss, broken.TrainLoss, broken.ValLoss, broken.TrainAccuracy, broken.ValAccuracy, broken.LearningRate} {
		for i := range values {
			values[i] = nan
		}
	}
	for name, run := range map[string]Run{
		"one epoch":         wholeRun(1, 1),
		"steps only":        {StepLoss: slope(1, 0, 5)},
		"accuracy only":     {ValAccuracy: []float64{1}},
		"negative loss":     {StepLoss: slope(1, -1, 500), TrainLoss: slope(1, -1, 3)},
		"all NaN":           broken,
		"infinite":          {StepLoss: []float64{inf, 1, -inf, 2}, TrainLoss: []float64{inf}},
		"extreme":           {StepLoss: []float64{math.MaxFloat64, -math.MaxFloat64}, TrainLoss: []float64{5e-324, 1e300}},
		"constant":          {StepLoss: slope(0.7, 0.7, 1000), TrainLoss: []float64{0, 0}, LearningRate: slope(0.1, 0.1, 1000)},
		"many epochs":       wholeRun(300, 10),
		"uneven":            {TrainLoss: slope(1, 0, 4), ValLoss: slope(1, 0, 9)},
		"hostile text":      {Name: strings.Repeat("<&\n\x00é漢", 3000), Note: "\x1b[31m", TrainLoss: []float64{1, 2}},
		"a thousand epochs": {ValAccuracy: slope(0, 1, 1000)},
	} {
		f, err := Curves(run)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		svg(t, f)
		raster(t, f)
	}
	if s := svg(t, must(t)(Curves(broken))); strings.Count(s, "no finite values") != 4 {
		t.Error("a run of nothing but NaN does not say so in its four panels")
	}
}

func TestNaNLeavesAGap(t *testing.T) {
	whole := slope(1, 1, 101)
	broken := append([]float64(nil), whole...)
	for i := 40; i <= 60; i++ {
		broken[i] = nan
	}
	broken[50] = 1 // one measured value amid the gap
	chart := func(y []float64) image.Image {
		return raster(t, must(t)(Lines(Chart{Series: []Series{{Y: y}}})))
	}
	middle := image.Rect(550, 0, 720, 800) // x of about 43 to 59
	lines, gap := chart(whole), chart(broken)
	if n := pixels(lines, middle, blue); n < 300 {
		t.Fatalf("the whole line has %d pixels here", n)
	}
	if n := pixels(gap, middle, blue); n < 5 || n > 80 {
		t.Errorf("the gap has %d blue pixels, want those of one dot", n)
	}
	if before, after := pixels(gap, image.Rect(150, 0, 500, 800), blue), pixels(gap, image.Rect(800, 0, 1100, 800), blue); before < 300 || after < 300 {
		t.Errorf("%d and %d pixels beside the gap, want lines", before, after)
	}
}

func TestAnySeriesCanBeDrawn(t *testing.T) {
	value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{nan, inf, -inf, 0, 1, -1, math.MaxFloat64, -math.MaxFloat64, 5e-324}))
	rapid.Check(t, func(t *rapid.T) {
		y := rapid.SliceOfN(value, 0, 12).Draw(t, "y")
		x := rapid.SliceOfN(value, len(y), len(y)).Draw(t, "x")
		chart := Chart{
			LogX: rapid.Bool().Draw(t, "logX"), LogY: rapid.Bool().Draw(t, "logY"),
			Series: []Series{{Name: rapid.String().Draw(t, "name"), X: x, Y: y}, {Y: y}},
			Marks:  []Mark{{X: value.Draw(t, "mark"), Label: "here"}},
		}
		for _, make := range []func(Chart) (*Figure, error){Lines, Scatter} {
			f, err := make(chart)
			if err != nil {
				t.Fatal(err)
			}
			svg(t, f)
		}
		f, err := Histogram(y, rapid.IntRange(0, 20).Draw(t, "bins"), "", "")
		if err != nil {
			t.Fatal(err)
		}
		svg(t, f)
	})
}

func TestLogarithmicAxisLeavesOutWhatIsNotPositive(t *testing.T) {
	s := svg(t, must(t)(Lines(Chart{LogX: true, Series: []Series{{X: []float64{-1, 0, 1e-3, 1}, Y: []float64{1, 2, 3, 4}}}})))
	for _, want := range []string{">0.001<", ">0.01<", ">1<"} {
		if !strings.Contains(s, want) {
			t.Errorf("the axis lacks the tick %s", want)
		}
	}
}

func TestAMarkIsDrawnWithItsLabel(t *testing.T) {
	chart := Chart{Series: []Series{{X: []float64{1, 10}, Y: []float64{1, 2}}}, Marks: []Mark{{3, "suggested"}, {100, "outside"}, {9.9, "at the edge"}}}
	s := svg(t, must(t)(Lines(chart)))
	if !strings.Contains(s, ">suggested<") || !strings.Contains(s, ">at the edge<") || strings.Contains(s, "outside") {
		t.Error("marks within the axis are drawn, others are not")
	}
}

func TestALongLegendIsCutShort(t *testing.T) {
	var series []Series
	for i := range 500 {
		series = append(series, Series{Name: "a rather long name of series " + count(i), Y: []float64{1, 2}})
	}
	s := svg(t, must(t)(Lines(Chart{Series: series})))
	if !strings.Contains(s, "more<") || strings.Contains(s, "series 499") {
		t.Error("500 names were not cut short")
	}
}

func TestThinningKeepsTheEnvelope(t *testing.T) {
	y := make([]float64, 200_000)
	for i := range y {
		y[i] = math.Sin(float64(i))
	}
	y[123_456] = 5
	f := must(t)(Lines(Chart{Series: []Series{{Y: y}}}))
	if s := svg(t, f); len(s) > 400_000 {
		t.Errorf("200,000 points make an SVG of %d bytes", len(s))
	}
	if m := raster(t, f); pixels(m, image.Rect(120, 40, 1180, 300), blue) == 0 {
		t.Error("the one peak is lost")
	}
}

func TestMovingMean(t *testing.T) {
	got := movingMean([]float64{1, nan, 3, 5, inf, 7}, 1)
	want := []float64{1, nan, 4, 4, nan, 7}
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("means are %v, want %v", got, want)
			break
		}
	}
}

func TestHistogramCountsEveryFiniteValueOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 200).Draw(t, "values")
		a, _ := axis{}.spanning(0, values)
		total := 0.0
		for _, b := range fill(values, rapid.IntRange(1, 30).Draw(t, "bins"), a) {
			total += b.height
		}
		if total != float64(len(values)) {
			t.Fatalf("%v counted of %d", total, len(values))
		}
	})
	s := svg(t, must(t)(Histogram([]float64{1, 1, nan, inf, 2}, 3, "h", "x")))
	if !strings.Contains(s, "5 values  ·  2 of them not finite") {
		t.Error("values that are not finite are not mentioned")
	}
}

func TestConfusionTellsCountsAndTotals(t *testing.T) {
	f := must(t)(Confusion([][]int{{1980, 20}, {1, 999}}, []string{"ham", "spam & eggs"}, "mail"))
	s := svg(t, f)
	for _, want := range []string{">1,980<", ">20<", ">1<", ">999<", ">2,000<", ">1,981<", ">3,000<", "accuracy 99.30%  ·  21 of 3,000 wrong", "spam &amp; eggs", ">99.0%<", ">99.9%<"} {
		if !strings.Contains(s, want) {
			t.Errorf("the picture does not say %s", want)
		}
	}
	m := raster(t, f)
	if n := pixels(m, m.Bounds(), vermillion); n < 2000 {
		t.Errorf("the worst cell has %d pixels of full colour", n)
	}
	if n := pixels(m, m.Bounds(), lighten(vermillion, 0.78)); n < 2000 {
		t.Errorf("the single mistake has %d tinted pixels", n)
	}
}

func TestConfusionOfAnySize(t *testing.T) {
	for _, k := range []int{1, 2, 30, 101, 300} {
		counts := make([][]int, k)
		names := make([]string, k)
		for i := range counts {
			counts[i] = make([]int, k)
			counts[i][i] = 12345 * (i % 3)
			counts[i][(i*7)%k]++
			names[i] = strings.Repeat("name ", i%20)
		}
		f := must(t)(Confusion(counts, names, "many"))
		if w, h := f.Size(); w > 2500 || h > 2500 || w < 300 || h < 200 {
			t.Errorf("%d classes make %d x %d pixels", k, w, h)
		}
		raster(t, f)
	}
	if s := svg(t, must(t)(Confusion([][]int{{0, 0}, {0, 0}}, nil, ""))); !strings.Contains(s, "0 examples") {
		t.Error("a matrix of nothing does not say so")
	}
}

func TestMistakesComeMostConfidentFirst(t *testing.T) {
	checks := grey(2, 2, 0)
	checks.Pixels[0], checks.Pixels[3] = 1, 1
	f := must(t)(Mistakes([]Mistake{
		{grey(2, 2, 0.2), "3", "8", 0.41},
		{checks, "4", "9", 0.99999},
		{grey(2, 2, 0.6), "0", "6", nan},
	}, 10000, 2))
	s := svg(t, f)
	for _, want := range []string{"3 of 10,000 misread", "The 2 most confident", ">4 → 9<", ">99.9%<", ">3 → 8<", ">41.0%<"} {
		if !strings.Contains(s, want) {
			t.Errorf("the sheet does not say %s", want)
		}
	}
	if strings.Contains(s, "0 → 6") {
		t.Error("the sheet shows more than its limit")
	}
	// The tile begins at the margin, below the headline; 2 pixels become 128.
	m := raster(t, f)
	x, y := 2*margin, int(2*(headlineHeight("t", "s")-margin))
	white, black := color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255}
	for _, corner := range []struct {
		dx, dy int
		want   color.NRGBA
	}{{0, 0, white}, {63, 63, white}, {64, 0, black}, {127, 63, black}, {0, 64, black}, {63, 127, black}, {64, 64, white}, {127, 127, white}} {
		if got := rgb(m.At(x+corner.dx, y+corner.dy)); got != corner.want {
			t.Errorf("pixel (%d, %d) of the first image is %v, want %v: enlarged by nearest neighbour", corner.dx, corner.dy, got, corner.want)
		}
	}
	if n := pixels(m, image.Rect(x+140, y, x+300, y+128), color.NRGBA{51, 51, 51, 255}); n != 128*128 {
		t.Errorf("the second image has %d pixels of its shade, want %d", n, 128*128)
	}
}

func TestNoMistakesMakeAFriendlySheet(t *testing.T) {
	f := must(t)(Mistakes(nil, 10000, 100))
	if s := svg(t, f); !strings.Contains(s, "0 of 10,000 misread") || !strings.Contains(s, "every image was read right") {
		t.Error("the empty sheet does not say why it is empty")
	}
	raster(t, f)
}

func TestMistakesWithLongNamesTakeALineEach(t *testing.T) {
	m := Image{Channels: 3, Height: 20, Width: 32, Pixels: make([]float32, 3*20*32)}
	s := svg(t, must(t)(Mistakes([]Mistake{{m, "automobile", "a truck with a name of quite unreasonable length", nan}}, 5, 5)))
	if !strings.Contains(s, ">automobile<") || !strings.Contains(s, ">→ a truck") || strings.Contains(s, "unreasonable length<") || !strings.Contains(s, "confidence NaN") {
		t.Error("long names are not set on lines of their own, shortened")
	}
}

func TestFiltersAreSymmetricAboutZero(t *testing.T) {
	f := must(t)(Filters(Weights{1, 1, 1, 4, []float32{-2, 0, 2, float32(nan)}}, []string{"edge"}, "conv1"))
	m := raster(t, f)
	x, y := 2*margin+14, int(2*(headlineHeight("t", "s")-margin))+14 // within the first of four pixels of 28
	for i, want := range []color.NRGBA{signedStops[0], {0xF7, 0xF7, 0xF7, 255}, signedStops[8], notANumber} {
		if got := rgb(m.At(x+28*i, y)); got != want {
			t.Errorf("weight %d has colour %v, want %v", i, got, want)
		}
	}
	if s := svg(t, f); !strings.Contains(s, ">-2.00<") || !strings.Contains(s, ">edge<") {
		t.Error("the scale or the name is missing")
	}
}

func TestFiltersOfThreeChannelsAreColoured(t *testing.T) {
	f := must(t)(Filters(Weights{1, 3, 1, 2, []float32{1, 0, 0, 0, -1, 0}}, nil, "conv1"))
	m := raster(t, f)
	x, y := 2*margin+20, int(2*(headlineHeight("t", "s")-margin))+20
	for i, want := range []color.NRGBA{{255, 128, 0, 255}, {128, 128, 128, 255}} {
		if got := rgb(m.At(x+56*i, y)); got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
}

func TestFiltersShowASharedScaleWithoutOutliers(t *testing.T) {
	values := make([]float32, 1000)
	for i := range values {
		values[i] = 0.1
	}
	values[500] = -70
	if got := symmetricScale(values); math.Abs(got-0.1) > 1e-6 {
		t.Errorf("the scale is %v, want 0.1: one outlier must not pale the rest", got)
	}
	if got := symmetricScale([]float32{0, 0, float32(nan)}); got != 1 {
		t.Errorf("the scale of zeros is %v, want 1", got)
	}
	sparse := make([]float32, 1000)
	sparse[3] = 0.5
	if got := symmetricScale(sparse); got != 0.5 {
		t.Errorf("the scale of sparse weights is %v, want 0.5", got)
	}
}

func TestManyFiltersAreCutShort(t *testing.T) {
	f := must(t)(Filters(Weights{512, 4, 1, 1, make([]float32, 2048)}, nil, "conv9"))
	if s := svg(t, f); !strings.Contains(s, "the first 64 of 512 filters of 4 x 1 x 1") || strings.Count(s, "<image") != 256+1 {
		t.Errorf("512 units are not cut to 64: %d images", strings.Count(s, "<image"))
	}
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	one := []Image{grey(2, 2, 0)}
	for _, c := range []struct {
		name string
		call func() (*Figure, error)
		want string
	}{
		{"series", func() (*Figure, error) {
			return Lines(Chart{Series: []Series{{Name: "a", X: []float64{1}, Y: []float64{1, 2}}}})
		}, "1 x for 2 y"},
		{"size", func() (*Figure, error) { return Lines(Chart{Width: 20}) }, "20 x 800"},
		{"bins", func() (*Figure, error) { return Histogram(nil, -1, "", "") }, "-1 bins"},
		{"no class", func() (*Figure, error) { return Confusion(nil, nil, "") }, "0 classes"},
		{"ragged", func() (*Figure, error) { return Confusion([][]int{{1, 2}, {3}}, nil, "") }, "row 1 has 1 counts for 2 classes"},
		{"names", func() (*Figure, error) { return Confusion([][]int{{1}}, []string{"a", "b"}, "") }, "2 names for 1 classes"},
		{"negative", func() (*Figure, error) { return Confusion([][]int{{-1}}, nil, "") }, "is -1"},
		{"limit", func() (*Figure, error) { return Mistakes(nil, 1, 0) }, "at least one"},
		{"tested", func() (*Figure, error) { return Mistakes([]Mistake{{}}, 0, 1) }, "1 among 0"},
		{"no pixels", func() (*Figure, error) { return Mistakes([]Mistake{{}}, 1, 1) }, "mistake 0: 0 channels"},
		{"no image", func() (*Figure, error) { return Images(nil, nil, "", 0) }, "none to draw"},
		{"captions", func() (*Figure, error) { return Images(one, []string{"a", "b"}, "", 0) }, "2 captions for 1 images"},
		{"channels", func() (*Figure, error) { return Images([]Image{{2, 1, 1, []float32{0, 0}}}, nil, "", 0) }, "image 0: 2 channels"},
		{"pixels", func() (*Figure, error) { return Images([]Image{{1, 2, 2, []float32{0}}}, nil, "", 0) }, "needs 4 values, not 1"},
		{"side", func() (*Figure, error) { return Images([]Image{{1, 0, 2, nil}}, nil, "", 0) }, "every side must be in"},
		{"overflow", func() (*Figure, error) { return Filters(Weights{1 << 15, 1 << 15, 1 << 15, 1 << 15, nil}, nil, "") }, "shape"},
		{"filter names", func() (*Figure, error) {
			return Filters(Weights{1, 1, 1, 1, []float32{0}}, []string{"a", "b"}, "")
		}, "2 names for 1 units"},
	} {
		_, err := c.call()
		if err == nil || !strings.HasPrefix(err.Error(), "plot: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestAnEndlessSheetIsRefusedBeforeItIsDrawn(t *testing.T) {
	images := make([]Image, 3000)
	for i := range images {
		images[i] = grey(1, 1, 0)
	}
	f := must(t)(Images(images, nil, "", 0))
	if err := f.WritePNG(io.Discard); err == nil || !strings.Contains(err.Error(), "show less") {
		t.Errorf("error is %v, want one that says to show less", err)
	}
}

// fullDisk fails after some bytes.
type fullDisk struct{ left int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

func TestAWriteErrorIsReported(t *testing.T) {
	f := gallery(t)["mistakes"]
	for name, write := range map[string]func(io.Writer) error{"PNG": f.WritePNG, "SVG": f.WriteSVG} {
		if err := write(&fullDisk{100}); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
