// Package sentiment has the recipe that classifies texts: an LSTM that reads
// mails and says which of them nobody asked for. What it learns with, two
// classes of texts, is all it knows; with reviews it would tell praise from
// blame, hence its name.
package sentiment

import (
	"context"
	"fmt"

	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// Recipe trains the network on mails.
var Recipe = recipe.Recipe{
	Name: "sentiment", Summary: "A bidirectional LSTM reads mails and finds the spam",
	Source: "Hochreiter and Schmidhuber, Long short-term memory, 1997; Schuster and Paliwal, 1997", Data: "spamassassin",
	Expect: "97% of the test mails", Minutes: 2,
	Epochs: epochs, BatchSize: 32, Rate: 3e-3,
	Heeds: recipe.Heeds{Limit: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error {
		docs, err := load()
		if err != nil {
			return err
		}
		return trainOn(ctx, s, docs)
	},
	Open: open,
}

// epochs is also the length of the learning-rate schedule.
const epochs = 6

const vocabularyFile = "vocabulary.txt"

// trainOn trains on documents and measures on those of them that it kept for that.
func trainOn(ctx context.Context, s *recipe.Session, docs []Document) error {
	found := len(docs)
	docs = distinct(docs)
	c := split(docs, s.Limit)
	if err := c.words.Save(s.Path(vocabularyFile)); err != nil {
		return err
	}
	learn, err := c.dataset(c.train)
	if err != nil {
		return err
	}
	validation, err := c.dataset(c.validation)
	if err != nil {
		return err
	}
	test, err := c.dataset(c.test)
	if err != nil {
		return err
	}
	numbers := firstWord + c.words.Len()
	steps := (learn.Len() + s.BatchSize - 1) / s.BatchSize * epochs

	bag := NewBagOfWords(nn.NewInit(s.Seed), numbers)
	if _, err := s.Fit(ctx, "bag-of-words", 0, 2, bag, train.Config{
		Train: learn, Val: validation, Loss: nn.CrossEntropy,
		Optimizer: optim.Adam(1e-2), Schedule: optim.NewOneCycle(steps),
	}); err != nil {
		return err
	}
	model := NewNetwork(nn.NewInit(s.Seed), numbers)
	if _, err := s.Fit(ctx, "", 1, 2, model, train.Config{
		Train: learn, Val: validation, Loss: nn.CrossEntropy,
		Optimizer: optim.Adam(s.Rate), Schedule: optim.NewOneCycle(steps), ClipNorm: 1,
		Callbacks: []train.Callback{train.PlotCurves(s.Path("curves.png"), "sentiment: an LSTM reads mails")},
	}); err != nil {
		return err
	}
	if err := s.Save("", model); err != nil {
		return err
	}

	// Only now are the test mails read, and once.
	e, err := train.Evaluate(model, test, nn.CrossEntropy)
	if err != nil {
		return err
	}
	byWords, err := train.Evaluate(bag, test, nn.CrossEntropy)
	if err != nil {
		return err
	}
	held, err := train.Evaluate(model, validation, nn.CrossEntropy)
	if err != nil {
		return err
	}
	confusion, err := metrics.Confusion(e.Predicted, e.True, len(Classes))
	if err != nil {
		return err
	}
	majority := float64(confusion.Support(0)) / float64(confusion.Total())
	unquoted, quotedMails := accuracyWithout(quoted(c.test, c.train), e)
	for name, value := range map[string]float64{
		"test_accuracy": e.Accuracy, "test_mails": float64(e.Samples), "test_loss": e.Loss,
		"spam_precision": confusion.ClassPrecision(1), "spam_recall": confusion.ClassRecall(1),
		"validation_accuracy": held.Accuracy, "bag_of_words_accuracy": byWords.Accuracy,
		"majority_accuracy": max(majority, 1-majority), "test_mails_quoted": float64(quotedMails), "unquoted_accuracy": unquoted,
		"mails_left_out": float64(found - len(docs)), "train_mails": float64(learn.Len()),
	} {
		s.Metric(name, value)
	}
	s.Conclude("Test accuracy %s (%d of %d mails wrong); of what it calls spam %s is, of the spam it finds %s. Logistic regression on the words: %s; always ham: %s",
		words.Percent(e.Accuracy), confusion.Errors(), e.Samples, words.Percent(confusion.ClassPrecision(1)), words.Percent(confusion.ClassRecall(1)),
		words.Percent(byWords.Accuracy), words.Percent(majority))
	f, err := plot.Confusion(confusion.Counts(), Classes, fmt.Sprintf("sentiment: %d test mails", e.Samples))
	if err := s.Picture("confusion.png", f, err); err != nil {
		return err
	}
	return writeEvidence(s, model, c.words)
}

// accuracyWithout is the accuracy on the samples that are not left out, 0 where
// all are, and how many are left out.
func accuracyWithout(left []bool, e *train.Evaluation) (accuracy float64, out int) {
	right := 0
	for i := range left {
		switch {
		case left[i]:
			out++
		case e.Predicted[i] == e.True[i]:
			right++
		}
	}
	return float64(right) / float64(max(1, len(left)-out)), out
}
