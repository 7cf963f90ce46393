package language

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCharacters bounds a vocabulary: more than any text of one language has.
const maxCharacters = 4096

// Vocabulary numbers the characters of a text, in the order of Unicode.
type Vocabulary struct {
	characters []rune
	ids        map[rune]int64
}

// NewVocabulary returns the vocabulary of a text.
func NewVocabulary(text string) (*Vocabulary, error) {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	characters := make([]rune, 0, len(seen))
	for r := range seen {
		characters = append(characters, r)
	}
	slices.Sort(characters)
	return ParseVocabulary(string(characters))
}

// ParseVocabulary reads what String wrote: each character once, in order. It
// believes nothing, for the string may come from a damaged file.
func ParseVocabulary(characters string) (*Vocabulary, error) {
	switch n := utf8.RuneCountInString(characters); {
	case !utf8.ValidString(characters):
		return nil, errors.New("the characters are not valid UTF-8")
	case n == 0 || n > maxCharacters:
		return nil, fmt.Errorf("there are %d different characters; 1 to %d are possible", n, maxCharacters)
	}
	v := &Vocabulary{ids: map[rune]int64{}}
	last := rune(-1)
	for _, r := range characters {
		if r <= last {
			return nil, fmt.Errorf("the characters are not in order: %q follows %q", r, last)
		}
		last = r
		v.ids[r] = int64(len(v.characters))
		v.characters = append(v.characters, r)
	}
	return v, nil
}

// Len returns the number of characters.
func (v *Vocabulary) Len() int { return len(v.characters) }

// String returns all characters, from which [ParseVocabulary] makes the
// vocabulary again.
func (v *Vocabulary) String() string { return string(v.characters) }

// Encode returns the numbers of a text's characters. The error names the first
// character that has none.
func (v *Vocabulary) Encode(text string) ([]int64, error) {
	ids := make([]int64, 0, len(text))
	for _, r := range text {
		id, ok := v.ids[r]
		if !ok {
			return nil, fmt.Errorf("%q is not among the %d characters that the model has read: %s", r, v.Len(), strings.Trim(fmt.Sprintf("%q", v.String()), `"`))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Decode returns the characters of numbers.
func (v *Vocabulary) Decode(ids ...int64) string {
	text := make([]rune, len(ids))
	for i, id := range ids {
		text[i] = v.characters[id]
	}
	return string(text)
}
