// Package metrics scores predictions against targets: accuracy and top-k,
// confusion matrices and the report made from them, ROC and precision-recall
// curves, regression errors, and the Fréchet distance of generated samples. It is
// not a loss library: nothing here is differentiable, and everything works on
// plain slices.
//
// Classes are indices 0..classes-1. Scores of several classes lie row-major,
// one row of classes values per example, and may be float32 or float64; sums
// are kept in float64. Where a ratio has the denominator zero (the precision of
// a class nobody predicted) its value is 0, scikit-learn's default.
//
// Empty input, lengths that differ, labels outside the classes and scores that
// are NaN come back as errors that name the metric and the position.
package metrics

// Float is a type that scores and regression values may have.
type Float interface{ ~float32 | ~float64 }
