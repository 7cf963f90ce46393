package digit

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/tiff"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
)

// mnistDigit returns a test digit as a picture, bright on dark, and its pixels.
func mnistDigit(t *testing.T, i int) (*image.Gray, []float32) {
	t.Helper()
	pixels := make([]float32, Side*Side)
	var target data.Target
	if err := mnist.Test().Read(i, pixels, &target); err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, Side, Side))
	for k, v := range pixels {
		img.Pix[k] = uint8(math.Round(float64(v) * 255))
	}
	return img, pixels
}

func inverted(img *image.Gray) *image.Gray {
	out := image.NewGray(img.Rect)
	for i, v := range img.Pix {
		out.Pix[i] = 255 - v
	}
	return out
}

func enlarged(img image.Image, factor int, how draw.Scaler) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, factor*img.Bounds().Dx(), factor*img.Bounds().Dy()))
	how.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

// meanDifference of two images' pixels.
func meanDifference(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i] - b[i]))
	}
	return sum / float64(len(a))
}

// shiftedDifference is the least mean difference when one image may be moved
// by a pixel: a hair's breadth decides to which one a centre of mass is rounded.
func shiftedDifference(a, b []float32) float64 {
	least := math.Inf(1)
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			moved := make([]float32, len(a))
			for y := 1; y < Side-1; y++ {
				for x := 1; x < Side-1; x++ {
					moved[y*Side+x] = a[(y+dy)*Side+x+dx]
				}
			}
			least = min(least, meanDifference(moved, b))
		}
	}
	return least
}

func prepare(t *testing.T, img image.Image) []float32 {
	t.Helper()
	out, err := Prepare(img)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != Side*Side {
		t.Fatalf("%d pixels", len(out))
	}
	return out
}

func TestMNISTDigitsComeBackAsTheyWere(t *testing.T) {
	forms := map[string]struct {
		change func(*image.Gray) image.Image
		most   float64 // mean difference over all digits
	}{
		"as it is":        {func(g *image.Gray) image.Image { return g }, 0.001},
		"inverted":        {func(g *image.Gray) image.Image { return inverted(g) }, 0.001},
		"seven times":     {func(g *image.Gray) image.Image { return enlarged(g, 7, draw.NearestNeighbor) }, 0.001},
		"seven inverted":  {func(g *image.Gray) image.Image { return inverted(enlarged(g, 7, draw.NearestNeighbor)) }, 0.001},
		"smoothly larger": {func(g *image.Gray) image.Image { return inverted(enlarged(g, 5, draw.BiLinear)) }, 0.04},
		"off centre": {func(g *image.Gray) image.Image {
			wide := image.NewGray(image.Rect(0, 0, 300, 120))
			draw.Draw(wide, image.Rect(180, 20, 264, 104), enlarged(g, 3, draw.NearestNeighbor), image.Point{}, draw.Src)
			return inverted(wide)
		}, 0.001},
		"JPEG of 140 pixels": {func(g *image.Gray) image.Image {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, inverted(enlarged(g, 5, draw.NearestNeighbor)), &jpeg.Options{Quality: 80}); err != nil {
				t.Fatal(err)
			}
			img, err := Decode(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			return img
		}, 0.03},
	}
	const digits = 50
	for name, form := range forms {
		sum := 0.0
		for i := range digits {
			img, want := mnistDigit(t, i)
			sum += meanDifference(prepare(t, form.change(img)), want)
		}
		if mean := sum / digits; mean > form.most {
			t.Errorf("%s: the mean difference is %.4f, more than %.4f", name, mean, form.most)
		}
	}
}

// sheet is how a digit is drawn for a test.
type sheet struct {
	size       int // of the font, in pixels
	dx, dy     int // from the middle
	paper, ink color.Color
}

// drawn returns a printed digit.
func drawn(t *testing.T, digit rune, s sheet) image.Image {
	t.Helper()
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(s.size), DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	side := 2 * s.size
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	draw.Draw(img, img.Rect, image.NewUniform(s.paper), image.Point{}, draw.Src)
	d := font.Drawer{Dst: img, Src: image.NewUniform(s.ink), Face: face, Dot: fixed.P(side/2-s.size/4+s.dx, side/2+s.size/3+s.dy)}
	d.DrawString(string(digit))
	return img
}

func TestNeitherSizeNorPlaceNorColoursMatter(t *testing.T) {
	reference := sheet{size: 200, paper: color.White, ink: color.Black}
	others := map[string]sheet{
		"smaller":                  {size: 60, paper: color.White, ink: color.Black},
		"large":                    {size: 500, paper: color.White, ink: color.Black},
		"in a corner":              {size: 200, dx: -90, dy: -80, paper: color.White, ink: color.Black},
		"white on black":           {size: 200, paper: color.Black, ink: color.White},
		"yellow on white":          {size: 200, paper: color.White, ink: color.RGBA{255, 255, 0, 255}},
		"red on green":             {size: 200, paper: color.RGBA{0, 130, 0, 255}, ink: color.RGBA{255, 60, 0, 255}},
		"pale pencil":              {size: 200, paper: color.Gray{230}, ink: color.Gray{190}},
		"black on nothing":         {size: 200, paper: color.Transparent, ink: color.Black},
		"white on nothing":         {size: 200, paper: color.Transparent, ink: color.White},
		"half-transparent, on red": {size: 200, paper: color.RGBA{200, 0, 0, 255}, ink: color.NRGBA{255, 255, 255, 128}},
	}
	for digit := '0'; digit <= '9'; digit++ {
		want := prepare(t, drawn(t, digit, reference))
		for name, s := range others {
			if d := shiftedDifference(prepare(t, drawn(t, digit, s)), want); d > 0.035 {
				t.Errorf("%c %s: mean difference %.4f", digit, name, d)
			}
		}
	}
}

func TestTheDigitFillsItsBoxAndIsCentred(t *testing.T) {
	for digit := '0'; digit <= '9'; digit++ {
		p := plane{Side, Side, prepare(t, drawn(t, digit, sheet{size: 150, dx: 40, paper: color.White, ink: color.Black}))}
		extent := inkExtent(p)
		if long := max(extent.Dx(), extent.Dy()); long < box-1 || long > box {
			t.Errorf("%c: the longer side is %d", digit, long)
		}
		x, y := centreOfMass(p)
		if math.Abs(x-middle) > 0.51 || math.Abs(y-middle) > 0.51 {
			t.Errorf("%c: the centre of mass is at %.2f, %.2f", digit, x, y)
		}
	}
}

func TestThinStrokesStayVisible(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 800, 800))
	for y := 100; y < 700; y++ {
		img.SetGray(400, y, color.Gray{255})
	}
	p := plane{Side, Side, prepare(t, img)}
	top := float32(0)
	for _, v := range p.v {
		top = max(top, v)
	}
	if extent := inkExtent(p); top != 1 || extent.Dy() != box || extent.Dx() > 2 {
		t.Errorf("a line of one pixel became %v with ink up to %v", extent, top)
	}
}

func TestGrainAndShadowAreNotInk(t *testing.T) {
	clean, _ := mnistDigit(t, 0)
	g := inverted(enlarged(clean, 9, draw.BiLinear))
	want := prepare(t, g)
	r := rand.New(rand.NewPCG(1, 2))
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			i := y*g.Stride + x
			v := 0.8*float64(g.Pix[i]) + 20 + 25*float64(x)/float64(g.Rect.Dx()) + 3*r.NormFloat64()
			g.Pix[i] = uint8(max(0, min(255, v)))
		}
	}
	if d := meanDifference(prepare(t, g), want); d > 0.04 {
		t.Errorf("mean difference %.4f", d)
	}
}

func TestAPictureWithoutInkIsAnError(t *testing.T) {
	for name, img := range map[string]image.Image{
		"white":       image.NewUniform(color.White),
		"transparent": image.NewUniform(color.Transparent),
	} {
		flat := image.NewNRGBA(image.Rect(0, 0, 40, 30))
		draw.Draw(flat, flat.Rect, img, image.Point{}, draw.Src)
		if _, err := Prepare(flat); err == nil || !strings.Contains(err.Error(), "shows no digit") {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := image.NewGray(image.Rect(0, 0, 1, 1))
	if _, err := Prepare(one); err == nil {
		t.Error("a single pixel was taken for a digit")
	}
}

func TestEveryFormatIsRead(t *testing.T) {
	img, _ := mnistDigit(t, 3)
	large := enlarged(img, 4, draw.NearestNeighbor)
	want := prepare(t, large)
	for name, encode := range map[string]func(*bytes.Buffer) error{
		"PNG":  func(b *bytes.Buffer) error { return png.Encode(b, large) },
		"JPEG": func(b *bytes.Buffer) error { return jpeg.Encode(b, large, &jpeg.Options{Quality: 100}) },
		"GIF":  func(b *bytes.Buffer) error { return gif.Encode(b, large, nil) },
		"BMP":  func(b *bytes.Buffer) error { return bmp.Encode(b, large) },
		"TIFF": func(b *bytes.Buffer) error { return tiff.Encode(b, large, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "digit")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		read, err := Read(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := meanDifference(prepare(t, read), want); d > 0.01 {
			t.Errorf("%s: mean difference %.4f", name, d)
		}
	}
}

// withOrientation adds EXIF data to a JPEG file.
func withOrientation(jpeg []byte, orientation byte, order binary.AppendByteOrder) []byte {
	exif := []byte("Exif\x00\x00MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		exif = []byte("Exif\x00\x00II")
	}
	exif = order.AppendUint16(exif, 42)
	exif = order.AppendUint32(exif, 8) // the directory follows the header
	exif = order.AppendUint16(exif, 1) // with one entry
	exif = order.AppendUint16(exif, orientationTag)
	exif = order.AppendUint16(exif, 3) // a short
	exif = order.AppendUint32(exif, 1)
	exif = order.AppendUint16(exif, uint16(orientation))
	exif = append(exif, 0, 0)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, 0, byte(len(exif)+2))
	return append(append(out, exif...), jpeg[2:]...)
}

func TestPhotographsAreTurnedUpright(t *testing.T) {
	small, _ := mnistDigit(t, 0) // a 7, which looks different whichever way it is turned
	img := inverted(enlarged(small, 5, draw.NearestNeighbor))
	last := img.Rect.Dx() - 1
	want := prepare(t, img)
	// Where the camera put the pixel that belongs at x, y; see the table of
	// what row 0 and column 0 are in the Exif specification.
	stored := map[byte]func(x, y int) (int, int){
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return last - x, y },        // row 0 top, column 0 right
		3: func(x, y int) (int, int) { return last - x, last - y }, // bottom, right
		4: func(x, y int) (int, int) { return x, last - y },        // bottom, left
		5: func(x, y int) (int, int) { return y, x },               // left, top
		6: func(x, y int) (int, int) { return y, last - x },        // right, top
		7: func(x, y int) (int, int) { return last - y, last - x }, // right, bottom
		8: func(x, y int) (int, int) { return last - y, x },        // left, bottom
	}
	for o, place := range stored {
		turned := image.NewGray(img.Rect)
		for y := range last + 1 {
			for x := range last + 1 {
				sx, sy := place(x, y)
				turned.SetGray(sx, sy, img.GrayAt(x, y))
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, turned, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			read, err := Decode(withOrientation(b.Bytes(), o, order))
			if err != nil {
				t.Fatal(err)
			}
			if d := shiftedDifference(prepare(t, read), want); d > 0.03 {
				t.Errorf("orientation %d, %v: mean difference %.4f", o, order, d)
			}
		}
	}
}

// pngHeader is the beginning of a PNG file of that size, without pixels.
func pngHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 6, 0, 0, 0) // 8 bits, RGBA
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestBadFilesAreRefusedInASentence(t *testing.T) {
	img, _ := mnistDigit(t, 0)
	var whole bytes.Buffer
	if err := png.Encode(&whole, img); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty.png":     {nil, "is empty"},
		"text.png":      {[]byte("seven"), "is not a picture"},
		"truncated.png": {whole.Bytes()[:len(whole.Bytes())/2], "is damaged"},
		"bomb.png":      {pngHeader(60000, 60000), "too many for a file of"},
		"overflow.png":  {pngHeader(1<<31-1, 1<<31-1), "damaged"},
		"flat.png":      {pngHeader(0, 10), "damaged"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.content, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+" ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none.png")); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
	large := filepath.Join(dir, "large.png")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFileBytes+1); err != nil { // sparse: takes no room
		t.Fatal(err)
	}
	if _, err := Read(large); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a large file: %v", err)
	}
}

// FuzzDecode looks for a file that makes the way from bytes to pixels panic,
// or that comes out as something other than an image of MNIST.
func FuzzDecode(f *testing.F) {
	img := image.NewGray(image.Rect(0, 0, 9, 7))
	img.SetGray(4, 3, color.Gray{200})
	var p, j, g bytes.Buffer
	png.Encode(&p, img)
	jpeg.Encode(&j, img, nil)
	gif.Encode(&g, img, nil)
	f.Add(p.Bytes())
	f.Add(j.Bytes())
	f.Add(g.Bytes())
	f.Add(withOrientation(j.Bytes(), 6, binary.BigEndian))
	f.Add(withOrientation(j.Bytes(), 8, binary.LittleEndian))
	f.Add(pngHeader(60000, 60000))
	f.Fuzz(func(t *testing.T, content []byte) {
		img, err := Decode(content)
		if err != nil || img.Bounds().Dx()*img.Bounds().Dy() > 1<<16 {
			return
		}
		pixels, err := Prepare(img)
		if err != nil {
			return
		}
		if len(pixels) != Side*Side {
			t.Fatalf("%d pixels", len(pixels))
		}
		for i, v := range pixels {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("pixel %d is %v", i, v)
			}
		}
	})
}
