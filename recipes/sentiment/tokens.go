package sentiment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What stands for things that have no fixed spelling.
const (
	number  = "<number>"
	link    = "<link>"
	address = "<address>"
	long    = "<long>"
)

// maxWord is how long a word may be in letters; what is longer is no word.
const maxWord = 24

// Tokens cuts a text into lower-case words. Numbers, links, mail addresses and
// endless rows of letters become one token each whatever they say; of
// punctuation only the marks that mails shout with are kept: ! $ %.
func Tokens(text string) []string {
	var out []string
	for field := range strings.FieldsSeq(text) {
		if isLink(field) {
			out = append(out, link)
			continue
		}
		if at := strings.IndexByte(field, '@'); at > 0 && strings.IndexByte(field[at:], '.') > 1 {
			out = append(out, address)
			continue
		}
		out = appendWords(out, strings.ToLower(field))
	}
	return out
}

func isLink(field string) bool {
	field = strings.ToLower(strings.TrimLeft(field, "<(['\""))
	return strings.HasPrefix(field, "http://") || strings.HasPrefix(field, "https://") || strings.HasPrefix(field, "www.")
}

// appendWords cuts what stands between two spaces.
func appendWords(out []string, field string) []string {
	for field != "" {
		r, size := utf8.DecodeRuneInString(field)
		n := size
		switch {
		case unicode.IsLetter(r):
			n = spanOf(field, func(r rune) bool { return unicode.IsLetter(r) || r == '\'' || r == '’' })
			word := strings.TrimRight(strings.ReplaceAll(field[:n], "’", "'"), "'")
			if utf8.RuneCountInString(word) > maxWord {
				word = long
			}
			out = append(out, word)
		case unicode.IsDigit(r):
			n = spanOf(field, func(r rune) bool { return unicode.IsDigit(r) || r == ',' || r == '.' })
			out = append(out, number)
		case r == '!' || r == '$' || r == '%':
			out = append(out, string(r))
		}
		field = field[n:]
	}
	return out
}

// spanOf is the length of the beginning of s in which every rune is in.
func spanOf(s string, in func(rune) bool) int {
	if end := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); end >= 0 {
		return end
	}
	return len(s)
}
