// Package conv computes 2-D convolutions of channels-last images and their
// gradients. It is not a layer: it knows no tensors, no tape and no strides
// beyond those of a dense buffer.
//
// "Convolution" is cross-correlation, as everywhere in deep learning:
//
//	y[n,oh,ow,k] = sum over kh,kw,c of x[n, oh*StrideH - PadH + kh*DilationH, ow*StrideW - PadW + kw*DilationW, c] * w[k,c,kh,kw]
//
// with zeros outside of the image (Goodfellow, Bengio, Courville: Deep
// Learning, chapter 9). A transposed convolution is [InputGrad] with the roles
// of input and output exchanged.
package conv
