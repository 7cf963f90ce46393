// Package spamassassin reads the SpamAssassin public mail corpus, 6,046 mails
// of 2002, from the folder that the data store keeps. It downloads nothing:
// `hadal data get spamassassin` does.
//
// The corpus is J. Mason's, of the Apache SpamAssassin project. Mails stand
// there as they came, headers included.
package spamassassin

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/datasets"
)

// Mail is one mail of the corpus.
type Mail struct {
	Group string // easy_ham, easy_ham_2, hard_ham, spam or spam_2
	Name  string // its number there and the MD5 of its content
	Raw   []byte // headers and body, in whatever encodings its sender chose
}

// Spam reports whether nobody asked for the mail.
func (m Mail) Spam() bool { return strings.HasPrefix(m.Group, "spam") }

// Load returns all mails, ordered by group and name. The error of a set that is
// not there yet says how to get it.
func Load() ([]Mail, error) {
	var mails []Mail
	err := datasets.Entries("spamassassin", "spamassassin.tar", func(name string, content []byte) error {
		group, name, ok := strings.Cut(name, "/")
		if !ok {
			return fmt.Errorf("spamassassin.tar holds %q, which is in no group", group)
		}
		mails = append(mails, Mail{group, name, content})
		return nil
	})
	return mails, err
}
