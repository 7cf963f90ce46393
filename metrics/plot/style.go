package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The greys of text and lines.
var (
	paper = color.NRGBA{255, 255, 255, 255}
	ink   = color.NRGBA{0x22, 0x26, 0x2B, 255}
	quiet = color.NRGBA{0x6B, 0x72, 0x7B, 255} // captions, tick labels
	rule  = color.NRGBA{0xC9, 0xCE, 0xD4, 255} // the axis
	grid  = color.NRGBA{0xEC, 0xEE, 0xF1, 255}
)

// Okabe and Ito's colours, in the order in which series take them. Their
// yellow is left out: it cannot be seen as a line on white.
var (
	blue       = color.NRGBA{0x00, 0x72, 0xB2, 255}
	vermillion = color.NRGBA{0xD5, 0x5E, 0x00, 255}
	green      = color.NRGBA{0x00, 0x9E, 0x73, 255}
	purple     = color.NRGBA{0xCC, 0x79, 0xA7, 255}
	orange     = color.NRGBA{0xE6, 0x9F, 0x00, 255}
	sky        = color.NRGBA{0x56, 0xB4, 0xE9, 255}

	palette = []color.NRGBA{blue, vermillion, green, purple, orange, sky, ink}
)

// Sizes that all pictures share, in points.
const (
	margin       = 22
	titleSize    = 15
	subtitleSize = 9.5
	headSize     = 10.5 // a panel's title
	labelSize    = 8.5  // ticks, legends, captions
)

// lighten mixes a colour with white; share 0 leaves it, 1 is white.
func lighten(c color.NRGBA, share float64) color.NRGBA { return mix(c, paper, share) }

// mix goes from a (t = 0) to b (t = 1).
func mix(a, b color.NRGBA, t float64) color.NRGBA {
	channel := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + t*(float64(y)-float64(x)))) }
	return color.NRGBA{channel(a.R, b.R), channel(a.G, b.G), channel(a.B, b.B), 255}
}

// textOn is the colour that is read best on a background (Rec. 601 luma).
func textOn(background color.NRGBA) color.NRGBA {
	luma := 0.299*float64(background.R) + 0.587*float64(background.G) + 0.114*float64(background.B)
	if luma < 140 {
		return paper
	}
	return ink
}

// sans is the text style of a size and colour, anchored at its left baseline.
func sans(size float64, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)},
		XAlign:  draw.XLeft,
		YAlign:  draw.YBottom,
		Handler: gonum.DefaultTextHandler,
	}
}

func bold(size float64, c color.Color) text.Style {
	s := sans(size, c)
	s.Font.Weight = xfont.WeightBold
	return s
}

// mono is sans with characters of one width.
func mono(size float64, c color.Color) text.Style {
	s := sans(size, c)
	s.Font.Variant = "Mono"
	return s
}

// write draws text whose anchor is at x, and whose baseline is at y. align is
// one of draw.XLeft, XCenter and XRight. A style's rotation turns about (x, y).
func write(c draw.Canvas, style text.Style, x, y vg.Length, align draw.XAlignment, s string) {
	style.XAlign, style.YAlign = align, draw.YBottom
	// The text handler steps down by the ascent and up by the font's size; undo
	// both, in the direction in which the turned text has its "up".
	lift := style.FontExtents().Ascent - style.Font.Size
	sin, cos := math.Sincos(style.Rotation)
	c.FillText(style, vg.Point{X: x - lift*vg.Length(sin), Y: y + lift*vg.Length(cos)}, oneLine(s))
}

// oneLine makes a user's string safe to set in one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// fit shortens s with an ellipsis until it is no wider than width.
func fit(style text.Style, s string, width vg.Length) string {
	s = oneLine(s)
	if style.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	// The longest prefix that fits, by bisection: a hostile title may be long.
	lo, hi := 0, len(runes)
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if style.Width(string(runes[:mid])+"…") <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return strings.TrimRight(string(runes[:lo]), " ") + "…"
}

func fillRect(c draw.Canvas, r vg.Rectangle, fill color.Color) {
	c.FillPolygon(fill, []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}})
}

func rect(x, y, width, height vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + width, Y: y + height}}
}

// snap moves a length to the nearest whole pixel, so that hairlines and images
// stay sharp.
func snap(l vg.Length) vg.Length {
	return vg.Length(math.Round(float64(l)*pixelsPerPoint) / pixelsPerPoint)
}

// headline writes a figure's title and subtitle along its upper edge and is the
// canvas that remains below them.
func headline(c draw.Canvas, title, subtitle string) draw.Canvas {
	area := draw.Crop(c, margin, -margin, margin, -margin)
	width := area.Max.X - area.Min.X
	if title != "" {
		style := bold(titleSize, ink)
		write(c, style, area.Min.X, area.Max.Y-titleSize+2, draw.XLeft, fit(style, title, width))
		area.Max.Y -= titleSize + 4
	}
	if subtitle != "" {
		style := sans(subtitleSize, quiet)
		write(c, style, area.Min.X, area.Max.Y-subtitleSize, draw.XLeft, fit(style, subtitle, width))
		area.Max.Y -= subtitleSize + 4
	}
	if title != "" || subtitle != "" {
		area.Max.Y -= 12
	}
	return area
}

// headlineHeight is what headline takes of the height, margins included.
func headlineHeight(title, subtitle string) vg.Length {
	h := vg.Length(2 * margin)
	if title != "" {
		h += titleSize + 4
	}
	if subtitle != "" {
		h += subtitleSize + 4
	}
	if title != "" || subtitle != "" {
		h += 12
	}
	return h
}

// count writes a whole number with commas between the thousands.
func count(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// percent writes a share in 0..1 with so many decimals, never rounding an
// imperfect one up to 100%.
func percent(share float64, decimals int) string {
	s := strconv.FormatFloat(100*share, 'f', decimals, 64)
	if share < 1 && strings.HasPrefix(s, "100") {
		s = strconv.FormatFloat(100-math.Pow10(-decimals), 'f', decimals, 64)
	}
	return s + "%"
}

// figures writes a value with three significant digits.
func figures(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Sprint(v)
	case v != 0 && (math.Abs(v) < 1e-4 || math.Abs(v) >= 1e6):
		return shortExponent(strconv.FormatFloat(v, 'e', 2, 64))
	}
	decimals := 2
	if v != 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// shortExponent turns 1.50e-05 into 1.5e-5.
func shortExponent(s string) string {
	mantissa, exponent, found := strings.Cut(s, "e")
	if !found {
		return s
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return s
	}
	return mantissa + "e" + strconv.Itoa(n)
}
