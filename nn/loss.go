package nn

import "github.com/hadal-ml/hadal/tensor"

// Loss maps predictions and targets to a scalar.
type Loss func(prediction, target *tensor.Tensor) *tensor.Tensor

// CrossEntropy is the mean cross-entropy of softmax(logits) (N, classes) with
// int64 classes (N,).
func CrossEntropy(logits, classes *tensor.Tensor) *tensor.Tensor {
	return tensor.SoftmaxCrossEntropy(logits, classes, tensor.CrossEntropyOptions{}).Mean()
}
