// Package digits has the recipes that read handwritten digits, from a
// perceptron with one hidden layer to an ensemble of convolutional networks.
package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

func load() (train, test data.Dataset, err error) { return mnist.Train(), mnist.Test(), nil }

var input = &recipe.ImageInput{Height: 28, Width: 28, Channels: 1, Digit: true}
