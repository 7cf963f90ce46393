// Package train runs the loop: batches in, a trained model and its history
// out. It knows no particular network and no command line; recipes name both.
//
// What must always hold: the same configuration gives the same bits on any
// number of threads, and a run that is interrupted and resumed ends with the
// bits of one that was not.
package train
