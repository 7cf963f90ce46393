// Package wordsim holds WordSim-353, 353 pairs of words with how alike people
// find them. It is embedded in the program.
//
// The collection is that of Finkelstein et al., "Placing Search in Context: The
// Concept Revisited", ACM Transactions on Information Systems 20(1), 2002; its
// license is CC BY 4.0. The table is complete; the comments at its head are not
// in it.
package wordsim

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data/wordsim353.tsv
var table string

// Pair is two words and the mean of what people said of them.
type Pair struct {
	A, B  string  // capitals as in the collection: "Jerusalem", "CD"
	Score float64 // 0: have nothing in common; 10: are the same
}

// Pairs returns the 353 pairs in the order of the collection.
func Pairs() []Pair {
	pairs, err := parse(table)
	if err != nil {
		panic(err) // the table is part of the program
	}
	return pairs
}

func parse(table string) ([]Pair, error) {
	var out []Pair
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\r\n")
		cells := strings.Split(line, "\t")
		if len(cells) != 3 || cells[0] == "" || cells[1] == "" {
			return nil, fmt.Errorf("%q is not two words and a score", line)
		}
		score, err := strconv.ParseFloat(cells[2], 64)
		if err != nil || !(score >= 0 && score <= 10) {
			return nil, fmt.Errorf("%q has no score from 0 to 10", line)
		}
		out = append(out, Pair{cells[0], cells[1], score})
	}
	return out, nil
}
