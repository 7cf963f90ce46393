package dqn

import (
	"math"

	"github.com/hadal-ml/hadal/internal/rng"
)

// CartPole is a pole that stands on a cart on a rail and falls unless the cart
// is pushed the right way (Barto, Sutton and Anderson, 1983). Equations, limits
// and rewards are those of gymnasium's CartPole-v1: every step has a reward of 1,
// so the return of an episode is how long it lasted.
type CartPole struct {
	Position        float64 // of the cart, in metres from the middle of the rail
	Velocity        float64 // m/s
	Angle           float64 // of the pole, in radians from upright, to the right
	AngularVelocity float64 // rad/s
	Steps           int     // since the episode began
}

// Actions of the cart: a push to the left or to the right, one in every step.
const (
	Left = iota
	Right
	actions
)

// Sizes of an episode.
const (
	observations = 4   // numbers that describe the state
	longest      = 500 // steps, after which an episode is cut off
)

// The physics: SI units, and the pole's centre of mass is half its length up.
const (
	gravity        = 9.8
	poleMass       = 0.1
	totalMass      = 1.0 + poleMass
	halfLength     = 0.5
	poleMassLength = poleMass * halfLength
	pushForce      = 10.0
	timeStep       = 0.02

	railEnd   = 2.4
	fallAngle = 12 * 2 * math.Pi / 360
)

// NewCartPole begins an episode: nearly upright, nearly at rest.
func NewCartPole(random *rng.Stream) CartPole {
	about0 := func() float64 { return random.Uniform(-0.05, 0.05) }
	return CartPole{Position: about0(), Velocity: about0(), Angle: about0(), AngularVelocity: about0()}
}

// Step pushes the cart and moves the clock by 20 ms with Euler's method. An
// episode is terminated when the pole falls or the cart leaves the rail: there is
// nothing more to win then. It is truncated when its time is up, which says
// nothing about the state: whoever learns from it must not take it for an end.
func (c *CartPole) Step(action int) (terminated, truncated bool) {
	force := pushForce
	if action == Left {
		force = -pushForce
	}
	sin, cos := math.Sincos(c.Angle)
	// Florian, "Correct equations for the dynamics of the cart-pole system",
	// 2007, without friction. The conversions keep the compiler from fusing a
	// product with a sum, which would round once where the original rounds twice.
	common := (force + float64(poleMassLength*float64(c.AngularVelocity*c.AngularVelocity)*sin)) / totalMass
	angular := (float64(gravity*sin) - float64(cos*common)) / (halfLength * (4.0/3.0 - float64(poleMass*float64(cos*cos)/totalMass)))
	linear := common - float64(poleMassLength*angular*cos/totalMass)

	c.Position += float64(timeStep * c.Velocity)
	c.Velocity += float64(timeStep * linear)
	c.Angle += float64(timeStep * c.AngularVelocity)
	c.AngularVelocity += float64(timeStep * angular)
	c.Steps++
	// Written so that a state that is no number counts as an end.
	standing := math.Abs(c.Position) <= railEnd && math.Abs(c.Angle) <= fallAngle
	return !standing, c.Steps >= longest
}

// Observe writes what the network sees of the state (4): each number about as
// large as the others, the places in shares of their limits.
func (c *CartPole) Observe(x []float32) {
	x[0], x[1] = float32(c.Position/railEnd), float32(c.Velocity/2)
	x[2], x[3] = float32(c.Angle/fallAngle), float32(c.AngularVelocity/2)
}
