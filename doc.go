// Package hadal is deep learning in Go: one static binary and one `go get`, no
// Python, no cgo, no native installs, at the speed of the best C++ libraries on
// the same processor. This package holds nothing but these words and the
// examples; the parts are
//
//   - [github.com/hadal-ml/hadal/tensor]: arrays that remember how they were made, and gradients
//   - [github.com/hadal-ml/hadal/nn]: layers, losses, initialisers
//   - [github.com/hadal-ml/hadal/optim]: optimizers and learning-rate schedules
//   - [github.com/hadal-ml/hadal/data] and [github.com/hadal-ml/hadal/datasets]: loaders, augmentation, real data
//   - [github.com/hadal-ml/hadal/metrics]: scores and pictures
//   - [github.com/hadal-ml/hadal/train]: the training loop
//   - [github.com/hadal-ml/hadal/recipes]: whole systems, which the command hadal runs
package hadal
