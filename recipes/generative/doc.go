// Package generative has the recipes that learn what digits look like without
// being told which is which: autoencoders, which squeeze them through a narrow
// layer, variational autoencoders, which can be asked for new ones, and
// generative adversarial networks, which are judged by a second network. It
// has no classifiers of its own: samples are judged by that of package models.
package generative
