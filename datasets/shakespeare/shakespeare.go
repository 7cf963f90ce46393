// Package shakespeare reads the tiny Shakespeare text, 1.1 million characters
// of plays, from the folder that the data store keeps. It downloads nothing:
// `hadal data get tiny-shakespeare` does.
//
// The selection is A. Karpathy's, of "The Unreasonable Effectiveness of
// Recurrent Neural Networks", 2015.
package shakespeare

import (
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/datasets"
)

// trainShare is how much of the text, from its beginning, is trained on.
const trainShare = 0.9

// Load returns the first nine tenths of the text, to train with, and the rest,
// to measure on, as is usual for it. The error of a set that is not there yet
// says how to get it.
func Load() (train, validation string, err error) {
	dir, err := datasets.Folder("tiny-shakespeare")
	if err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "input.txt"))
	if err != nil {
		return "", "", err
	}
	cut := int(trainShare * float64(len(text)))
	return string(text[:cut]), string(text[cut:]), nil
}
