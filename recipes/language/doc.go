// Package language has the language models of characters: networks that read a
// text and say which character comes next, recurrent ones and a transformer.
// They know no words and no grammar but what they find in a million characters
// of Shakespeare's plays.
package language
