// Package nn has layers, initialisers and losses, and finds the parameters of
// any struct that is made of them. It does not train: package optim updates
// parameters and package train runs the loop.
//
// A model is a plain struct whose exported fields are layers, tensors, or
// structs, slices and maps of them, with a Forward method of any signature.
// Names of parameters follow the fields, in snake case and joined by dots:
// conv1.weight. A slice adds its index: blocks.0.fc.bias.
//
// Layers, their parameters and the distributions these start with are those of
// PyTorch, whose safetensors files load as they are. Settings are options
// after the sizes, NewConv2d(init, 3, 16, 3, Padding(1)); layers without
// parameters are literals, MaxPool2d{Kernel: 2}. A loss is a function with
// PyTorch's defaults, CrossEntropy, and XxxWith makes one with settings,
// CrossEntropyWith(LabelSmoothing(0.1)). Shapes that do not fit panic with a
// [tensor.ShapeError] that names the layer; files that do not, are errors.
package nn
