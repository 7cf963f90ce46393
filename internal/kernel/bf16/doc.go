// Package bf16 multiplies matrices of float32 and convolves images in bfloat16:
// factors are rounded to eight significant bits on the way to the multipliers,
// products and sums are float32. It is not a number format: nothing is stored in
// bfloat16 from one call to the next.
//
// # Rounding
//
// A factor is rounded to the nearest bfloat16, ties to even; one whose magnitude
// is below the smallest normal number becomes zero. The product of two factors
// has sixteen significant bits and is exact. What differs between the paths is
// the order of the sums, and with it the last bits of a result:
//
//   - AMX takes 32 products at a time. The sixteen at even places are added one
//     after the other, so are those at odd places, the two sums are added, and the
//     total is added to C (TDPBF16PS). Every addition is rounded to the nearest
//     float32, and results below the smallest normal number become zero.
//   - AVX512-BF16 adds to C, pair after pair of neighbours, the product at the odd
//     place and then the one at the even place (VDPBF16PS), rounded in the same way.
//   - Other processors round the factors to bfloat16, keep them as float32, and
//     leave the rest to packages gemm and conv.
//
// So two paths differ by no more than sums of k float32 do in another order: for
// products whose magnitudes add up to s, by at most about k·2⁻²⁴·s (Higham,
// Accuracy and Stability of Numerical Algorithms, chapter 4), and usually by √k of
// it. Against the product of the factors before rounding the error of one term is
// at most 2⁻⁷ of it, and usually a third of that.
package bf16
