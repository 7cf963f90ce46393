package language

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// reader is a model that reads a text bit by bit: read takes the next
// characters and returns the logits of the one that follows. It remembers what
// it read.
type reader interface {
	read(ids []int64) []float32
}

// generator is a trained model that goes on with a text. It implements
// recipe.Generator.
type generator struct {
	*Vocabulary
	newReader func() reader
}

// Generate emits n characters that follow on prompt.
func (g *generator) Generate(ctx context.Context, prompt string, n int, temperature float64, seed uint64, emit func(piece string) error) error {
	ids, err := g.Encode(prompt)
	if err != nil {
		return fmt.Errorf("the prompt cannot be read: %w", err)
	}
	if len(ids) == 0 {
		return fmt.Errorf("the prompt is empty: give at least one character to begin with")
	}
	r, random := g.newReader(), rand.New(rand.NewPCG(seed, 0))
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := sample(r.read(ids), temperature, random)
		if err := emit(g.Decode(id)); err != nil {
			return err
		}
		ids = []int64{id}
	}
	return nil
}

// sample draws from softmax(logits/temperature). With temperature 0 it takes
// the likeliest.
func sample(logits []float32, temperature float64, random *rand.Rand) int64 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	if temperature == 0 {
		return int64(best)
	}
	odds, total := make([]float64, len(logits)), 0.0 // against the likeliest
	for i, v := range logits {
		odds[i] = math.Exp((float64(v) - float64(logits[best])) / temperature)
		total += odds[i]
	}
	at := random.Float64() * total
	for i, o := range odds {
		if at -= o; at < 0 {
			return int64(i)
		}
	}
	return int64(best) // rounding left at above zero
}
