package dqn

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"time"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/hadal-ml/hadal/format/gif"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
)

// plotReturns draws how long the episodes of the training lasted, and those of
// the trials (mean return by update).
func plotReturns(returns []int, updates, trialReturns []float64) (*plot.Figure, error) {
	episodes, each, smooth := make([]float64, len(returns)), make([]float64, len(returns)), make([]float64, len(returns))
	for i, r := range returns {
		episodes[i], each[i] = float64(i+1), float64(r)
		smooth[i] = mean(returns[max(0, i+1-latest) : i+1])
	}
	var steps []float64
	for _, u := range updates {
		steps = append(steps, u*stepsPerUpdate)
	}
	return plot.Board{
		Title: "dqn: how long the pole stood", Subtitle: fmt.Sprintf("an episode is cut off after %d steps", longest),
		Rows: [][]plot.Part{{
			plot.Chart{Title: "Training, with exploration", XLabel: "episode", YLabel: "steps", YRange: [2]float64{0, longest * 1.03},
				Series: []plot.Series{{Name: "each episode", X: episodes, Y: each, Dots: true, Pale: true}, {Name: fmt.Sprintf("mean of the last %d", latest), X: episodes, Y: smooth}}},
			plot.Chart{Title: fmt.Sprintf("Without exploration, mean of %d episodes", trials), XLabel: "steps of training", YLabel: "steps", YRange: [2]float64{0, longest * 1.03},
				Series: []plot.Series{{X: steps, Y: trialReturns}}},
		}},
		Width: 1600, Height: 640,
	}.Figure()
}

// plotValues draws what the network knows: the value of states, in shares of
// what standing for ever would be worth, and which push it prefers.
func plotValues(m *QNetwork) (*plot.Figure, error) {
	const side = 61
	angles, spins := [2]float64{-12, 12}, [2]float64{-150, 150}            // degrees, degrees/s
	places, speeds := [2]float64{-railEnd, railEnd}, [2]float64{-2.5, 2.5} // m, m/s
	radians := func(degrees float64) float64 { return degrees * fallAngle / 12 }
	leaning := func(angle, spin float64) CartPole {
		return CartPole{Angle: radians(angle), AngularVelocity: radians(spin)}
	}
	moving := func(place, speed float64) CartPole { return CartPole{Position: place, Velocity: speed} }

	// grid asks the network about the states of a plane.
	grid := func(state func(x, y float64) CartPole, x, y [2]float64, of func(left, right float64) float64) []float64 {
		var poles []CartPole
		plot.Sample(func(x, y float64) float64 {
			poles = append(poles, state(x, y))
			return 0
		}, x, y, side, side)
		q := m.Forward(nn.Inference(), observe(poles)).Float64s()
		out := make([]float64, len(poles))
		for i := range out {
			out[i] = of(q[actions*i], q[actions*i+1])
		}
		return out
	}
	value := func(left, right float64) float64 { return max(left, right) * (1 - discount) / reward }
	preference := func(left, right float64) float64 { return (right - left) * (1 - discount) / reward }
	field := func(title string, f plot.Field) plot.Field {
		f.Title, f.Fill, f.Columns, f.Rows = title, true, side, side
		return f
	}
	leans := plot.Field{XLabel: "angle of the pole, degrees", YLabel: "its angular velocity, degrees/s", X: angles, Y: spins}
	moves := plot.Field{XLabel: "position of the cart, m", YLabel: "its velocity, m/s", X: places, Y: speeds}
	values, travels, pushes := leans, moves, leans
	values.Values, values.Levels = grid(leaning, angles, spins, value), []float64{0.25, 0.5, 0.75}
	travels.Values, travels.Levels = grid(moving, places, speeds, value), []float64{0.25, 0.5, 0.75}
	pushes.Values, pushes.Signed, pushes.Colours = grid(leaning, angles, spins, preference), true, [2]float64{-0.2, 0.2}
	return plot.Board{
		Title: "dqn: what the network knows", Subtitle: "values are shares of what standing for ever is worth (more than 1 is too much hope); lines at a quarter, a half and three quarters",
		Rows: [][]plot.Part{{field("Value, cart at rest in the middle", values), field("Value, pole at rest and upright", travels), field("Push right minus push left", pushes)}},
		Caption: "Left: a pole that leans to one side and swings to the other can be saved; in the corners it falls, whatever is done. Middle: a cart that runs out towards the end of its rail has less of a future. " +
			"Right: where the pole is about to fall to the right the cart must go right, to get below it (red), and left where it is about to fall to the left (blue); in between the next push can put right what this one does.",
		Width: 1500, Height: 680,
	}.Figure()
}

// Sizes of the animation, in points, of which one is a pixel.
const (
	stageWidth, stageHeight = 300, 170
	metre                   = 56 // points
	railHeight              = 40
	frameEvery              = 2   // steps from one frame to the next
	shownSteps              = 300 // at most, so that the file stays small
)

// film writes two episodes side by side as an animation, in the time that they
// take.
func film(path string, before, after []CartPole) error {
	var frames []image.Image
	for i := 0; i < min(max(len(before), len(after)), shownSteps); i += frameEvery {
		canvas := vgimg.NewWith(vgimg.UseWH(2*stageWidth, stageHeight), vgimg.UseDPI(72))
		c := draw.New(canvas)
		left, right := draw.Crop(c, 0, -stageWidth, 0, 0), draw.Crop(c, stageWidth, 0, 0, 0)
		stage(left, "before training", before, i)
		stage(right, "after training", after, i)
		frames = append(frames, canvas.Image())
	}
	return gif.WriteFile(path, frames, filmColours(), frameEvery*20*time.Millisecond)
}

var (
	ink  = color.NRGBA{0x22, 0x26, 0x2B, 255}
	cart = color.NRGBA{0x00, 0x72, 0xB2, 255}
	rod  = color.NRGBA{0xD5, 0x5E, 0x00, 255}
)

// filmColours are the colours of the drawing and steps from each to white, which
// smooth edges have.
func filmColours() color.Palette {
	const steps = 5
	p := color.Palette{color.White}
	for _, c := range []color.NRGBA{ink, cart, rod} {
		for i := range steps {
			fade := func(v uint8) uint8 { return uint8(int(v) + (255-int(v))*i/steps) }
			p = append(p, color.NRGBA{fade(c.R), fade(c.G), fade(c.B), 255})
		}
	}
	return p
}

// stage draws one state of an episode; its last one stays.
func stage(c draw.Canvas, title string, episode []CartPole, i int) {
	i = min(i, len(episode)-1)
	s := episode[i]
	style := text.Style{Color: ink, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: 12}, XAlign: draw.XLeft, YAlign: draw.YTop, Handler: gonum.DefaultTextHandler}
	c.FillText(style, vg.Point{X: c.Min.X + 10, Y: c.Max.Y - 8}, title)
	said := fmt.Sprintf("step %d", i)
	if last := len(episode) - 1; i == last && last < longest {
		said = fmt.Sprintf("over after %d steps", i)
	}
	style.XAlign = draw.XRight
	c.FillText(style, vg.Point{X: c.Max.X - 10, Y: c.Max.Y - 8}, said)

	middle := (c.Min.X + c.Max.X) / 2
	at := func(x, y float64) vg.Point { // metres from the axle's place in the middle of the rail
		return vg.Point{X: middle + vg.Length(x*metre), Y: c.Min.Y + railHeight + vg.Length(y*metre)}
	}
	line := func(colour color.Color, width vg.Length, a, b vg.Point) {
		c.StrokeLine2(draw.LineStyle{Color: colour, Width: width}, a.X, a.Y, b.X, b.Y)
	}
	line(ink, 1, at(-railEnd, -0.2), at(railEnd, -0.2))
	for _, end := range []float64{-railEnd, railEnd} {
		line(ink, 1, at(end, -0.3), at(end, -0.1))
	}
	body := []vg.Point{at(s.Position-0.25, -0.2), at(s.Position+0.25, -0.2), at(s.Position+0.25, 0.08), at(s.Position-0.25, 0.08)}
	c.FillPolygon(cart, body)
	sin, cos := math.Sincos(s.Angle)
	line(rod, 5, at(s.Position, 0), at(s.Position+2*halfLength*sin, 2*halfLength*cos))
}
