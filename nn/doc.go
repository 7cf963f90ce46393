// Package nn has layers, initialisers and losses, and finds the parameters of
// any struct that is made of them. It does not train: package optim updates
// parameters and package train runs the loop.
//
// A model is a plain struct whose exported fields are layers, tensors, or
// structs, slices and maps of them, with a Forward method of any signature.
// Names of parameters follow the fields, in snake case and joined by dots:
// conv1.weight. A slice adds its index: blocks.0.fc.bias.
package nn
