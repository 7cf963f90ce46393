// Package recipes lists every system that hadal trains and runs them: one
// folder a system beside this file, one run folder a training.
package recipes

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/recipes/basics"
	"github.com/hadal-ml/hadal/recipes/capsnet"
	"github.com/hadal-ml/hadal/recipes/digits"
	"github.com/hadal-ml/hadal/recipes/dqn"
	"github.com/hadal-ml/hadal/recipes/generative"
	"github.com/hadal-ml/hadal/recipes/language"
	"github.com/hadal-ml/hadal/recipes/lnet"
	"github.com/hadal-ml/hadal/recipes/logistic"
	"github.com/hadal-ml/hadal/recipes/multitask"
	"github.com/hadal-ml/hadal/recipes/photos"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/sentiment"
	"github.com/hadal-ml/hadal/recipes/word2vec"
)

// all stands in the order in which a newcomer should meet them.
var all = []recipe.Recipe{
	digits.QuickRecipe,
	digits.DeepConvNetRecipe,
	digits.BestRecipe,
	digits.MLPRecipe,
	digits.LeNetRecipe,
	logistic.Recipe,
	lnet.Recipe,
	basics.LineRecipe,
	basics.UniversalRecipe,
	language.CharLSTMRecipe,
	language.CharGRURecipe,
	language.CharRNNRecipe,
	language.TransformerRecipe,
	generative.AutoencoderRecipe,
	generative.VAERecipe,
	generative.GANRecipe,
	generative.DCGANRecipe,
	generative.DCGANFashionRecipe,
	capsnet.Recipe,
	multitask.Recipe,
	photos.FashionRecipe,
	photos.FewRecipe,
	photos.FewPhotosRecipe,
	photos.ResNet20Recipe,
	photos.VGGRecipe,
	photos.InceptionRecipe,
	photos.DenseNetRecipe,
	sentiment.Recipe,
	word2vec.SkipGramRecipe,
	word2vec.CBOWRecipe,
	dqn.Recipe,
}

// All returns every recipe, in the order in which a newcomer should meet them.
func All() []recipe.Recipe { return append([]recipe.Recipe(nil), all...) }

// Find returns the recipe of a name. The error names the nearest one.
func Find(name string) (recipe.Recipe, error) {
	nearest, distance := "", len(name)+1
	for _, r := range all {
		if r.Name == name {
			return r, nil
		}
		if d := editDistance(name, r.Name); d < distance {
			nearest, distance = r.Name, d
		}
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.Name
	}
	if distance <= max(2, len(name)/2) {
		return recipe.Recipe{}, fmt.Errorf("there is no recipe %q; did you mean %q? There are: %s", name, nearest, strings.Join(names, ", "))
	}
	return recipe.Recipe{}, fmt.Errorf("there is no recipe %q; there are: %s", name, strings.Join(names, ", "))
}

// editDistance is the number of letters to insert, delete or replace to get
// from a to b (Levenshtein 1966).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := row[0]
		row[0] = i + 1
		for j := range b {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
