package language

import (
	"math"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// validateEvery is how many steps there are from one validation to the next; a
// multiple of recipe.LogEvery.
const validateEvery = 200

// watched returns the figures of a step: the loss of its batch and, from time
// to time, that of validation.
func watched(loss float64, done, steps int, validate func() float64) []recipe.Value {
	values := []recipe.Value{{Name: "loss", Value: loss}}
	if done%validateEvery == 0 || done == steps {
		values = append(values, recipe.Value{Name: "validation_loss", Value: validate()})
	}
	return values
}

// finish saves the model, notes what it reached and draws its learning curves.
func finish(s *recipe.Session, model any, v *Vocabulary, sizes sized, loss float64) error {
	if err := save(s, model, v, sizes); err != nil {
		return err
	}
	s.Metric("validation_nats_per_character", loss)
	s.Metric("validation_perplexity", math.Exp(loss))
	s.Conclude("validation loss %.4f nats a character (perplexity %.2f); let it write with hadal generate %s", loss, math.Exp(loss), s.Dir)
	var curves []plot.Series
	for _, c := range []struct{ name, caption string }{{"loss", "batches of training"}, {"validation_loss", "validation text"}} {
		steps, values, err := s.Curve(c.name)
		if err != nil {
			return err
		}
		curves = append(curves, plot.Series{Name: c.caption, X: steps, Y: values})
	}
	f, err := plot.Lines(plot.Chart{Title: "Loss of the language model", Subtitle: "cross-entropy in nats a character", XLabel: "step", YLabel: "loss", Series: curves})
	return s.Picture("curves.png", f, err)
}
