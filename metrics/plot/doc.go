// Package plot draws the pictures of a training run: learning curves, a
// confusion matrix, misread images, filters, and general line, scatter and
// histogram charts. It is not a plotting toolkit: it draws on gonum/plot's
// canvas, and whoever needs another chart uses gonum/plot.
//
// Every function takes plain data and returns a [Figure], which saves itself as
// PNG or SVG. On one processor architecture the same data give the same bytes.
// Values that are NaN or infinite leave a gap; they are what a picture of a
// failed run is there to show.
//
// Colours are Okabe and Ito's for lines ("Color Universal Design", 2008) and the
// red-blue scheme of ColorBrewer for signed weights (Harrower and Brewer, The
// Cartographic Journal 40, 2003); both survive the common kinds of colour
// blindness.
package plot
