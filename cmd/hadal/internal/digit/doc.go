// Package digit turns a picture of a handwritten digit into what a network
// that was trained on MNIST expects to see. It is not an image library: it
// reads one picture, finds the ink, and puts it where MNIST's makers put it.
//
// MNIST was made so: the digit was scaled, with antialiasing and without a
// change of proportions, until its longer side had 20 pixels, and then moved
// until its centre of mass was the middle of 28 x 28 pixels; ink is 1, paper
// 0 (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
// document recognition", Proceedings of the IEEE 86, 1998).
package digit

// The sizes of MNIST, in pixels.
const (
	Side = 28 // width and height of an image
	box  = 20 // longer side of the digit in it

	// middle is where the centre of mass is put: the middle of the pixel with
	// index 14. In the images themselves it lies evenly within half a pixel of it.
	middle = 14.5
)
