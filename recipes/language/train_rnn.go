package language

import (
	"context"
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// The three recipes differ in the cell alone.
var (
	CharRNNRecipe  = rnnRecipe("rnn", "plain recurrent units", "behind the other two", 6)
	CharGRURecipe  = rnnRecipe("gru", "gated recurrent units", "about that of char-lstm", 10)
	CharLSTMRecipe = rnnRecipe("lstm", "cells of long short-term memory", "at most 1.50", 13)
)

func rnnRecipe(cell, units, expect string, minutes float64) recipe.Recipe {
	return recipe.Recipe{
		Name: "char-" + cell, Summary: "A language model of characters: " + units + " learn to write like Shakespeare",
		Source: "Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015", Data: "tiny-shakespeare",
		Expect: "validation loss in nats a character: " + expect, Minutes: minutes,
		Epochs: rnnPasses, BatchSize: 64, Rate: 2e-3,
		Heeds: recipe.Heeds{Limit: true, Precision: true, Full: true},
		Train: func(ctx context.Context, s *recipe.Session) error { return trainRNN(ctx, s, cell) },
		Open:  openRNN,
	}
}

const (
	rnnPasses = 12 // over the text; the length of the schedule
	rnnWindow = 64 // characters that gradients go back
	rnnClip   = 1  // longest gradient: those of recurrent networks explode (Pascanu et al., arXiv 1211.5063)

	rnnDropout = 0.3 // of outputs, and of the weights between units
)

func trainRNN(ctx context.Context, s *recipe.Session, cell string) error {
	text, err := load(s)
	if err != nil {
		return err
	}
	sizes, passes := RNNSizes{Cell: cell, Embedding: 64, Hidden: 512, Layers: 1}, rnnPasses
	if s.Full { // an epoch is three passes
		sizes.Layers, passes = 2, 3*passes
		s.Epochs *= 3
	}
	return fitRNN(ctx, s, text, sizes, passes)
}

// fitRNN reads the text in lanes, pass after pass. The state goes on from window
// to window, the gradient does not: truncated backpropagation through time
// (Williams and Peng, 1990). The schedule is as long as so many passes.
func fitRNN(ctx context.Context, s *recipe.Session, text *corpus, sizes RNNSizes, passes int) error {
	m := NewCharRNN(nn.NewInit(s.Seed), sizes, text.Len(), rnnDropout, rnnDropout)
	params := nn.Parameters(m)
	opt := optim.New(optim.Adam(s.Rate), params)
	lanes := newLanes(text.train, s.BatchSize, rnnWindow, s.Seed)
	schedule := optim.NewOneCycle(passes * lanes.steps)
	schedule.Rise = 0.15
	memory := m.blank(lanes.batch)
	scope := s.Scope()
	steps := s.Epochs * lanes.steps
	err := s.Run(ctx, recipe.Loop{Steps: steps, State: map[string]any{"model": m, "adam": opt, "memory": &memory}, Step: func(i int) ([]recipe.Value, error) {
		defer scope.Release()
		if i%lanes.steps == 0 { // each pass begins with an empty memory
			memory = m.blank(lanes.batch)
		}
		ids, next := lanes.at(i)
		logits, state := m.Run(trainingContext(s.Seed, i), scope.View(ids), memory)
		memory = kept(state)
		loss := nn.CrossEntropy(logits, next)
		loss.BackwardOnce()
		optim.ClipNorm(params, rnnClip)
		opt.SetLR(s.Rate * schedule.At(i))
		opt.Step()
		return watched(loss.Item(), i+1, steps, func() float64 { return m.loss(text.validation) }), nil
	}})
	if err != nil {
		return err
	}
	if err := finish(s, m, text.Vocabulary, sizes, m.loss(text.validation)); err != nil {
		return err
	}
	return m.picture(s, text)
}

// openRNN reads a finished run, to generate text with.
func openRNN(dir string) (any, error) {
	var sizes RNNSizes
	weights, v, err := stored(dir, &sizes)
	if err != nil {
		return nil, err
	}
	m := NewCharRNN(nn.NewInit(0), sizes, v.Len(), 0, 0)
	if err := nn.LoadState(m, weights); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	return &generator{v, func() reader { return &rnnReader{model: m} }}, nil
}
