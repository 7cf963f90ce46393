// Package brown reads the Brown corpus, 1.16 million words of American English
// of 1961, from the folder that the data store keeps. It downloads nothing:
// `hadal data get brown` does.
//
// The corpus is that of W. N. Francis and H. Kucera, 1964: 500 texts of about
// 2,000 words each, from newspapers to novels, each word with its part of speech.
package brown

import (
	"strings"

	"github.com/hadal-ml/hadal/datasets"
)

// Sentences returns the sentences of all texts in their order, as words and
// punctuation marks without their parts of speech. The error of a set that is
// not there yet says how to get it.
func Sentences() ([][]string, error) {
	var out [][]string
	err := datasets.Entries("brown", "brown.tar", func(_ string, content []byte) error {
		out = append(out, sentences(string(content))...)
		return nil
	})
	return out, err
}

// sentences reads one text: a line is a sentence, a word is followed by a slash
// and its part of speech, and may have slashes of its own.
func sentences(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		var sentence []string
		for token := range strings.FieldsSeq(line) {
			if slash := strings.LastIndexByte(token, '/'); slash > 0 {
				token = token[:slash]
			}
			sentence = append(sentence, token)
		}
		if sentence != nil {
			out = append(out, sentence)
		}
	}
	return out
}
