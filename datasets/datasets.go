// Package datasets knows the public data sets that hadal uses: where each one
// lives, what it may be used for, and the exact bytes it must have. It is not
// the data: the loaders are in the packages below it, and only the small sets
// are embedded in the program. A [Store] downloads the others into a cache
// folder, or takes them over from a folder where the user has put them. What
// counts is the content: it is kept unpacked, and however it came, each file of
// it has the SHA-256 that stands here.
package datasets

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Set is one public data set.
type Set struct {
	Name        string    `json:"name"`        // as the command line says it, e.g. "cifar-10"
	Description string    `json:"description"` // one sentence
	Authors     string    `json:"authors"`     // who made it, with the year
	License     string    `json:"license"`     // the terms of use
	Home        string    `json:"home"`        // the page of its authors
	Embedded    bool      `json:"embedded"`    // it is part of the program; Files is empty
	Files       []File    `json:"files,omitempty"`
	Archives    []Archive `json:"archives,omitempty"` // which together hold all files

	// Convert makes the files in the folder to from another form that the set is
	// given away in, when the folder from holds that form; it reports whether it
	// does. What it makes is checked like everything else. Nil: there is none.
	Convert func(ctx context.Context, from, to string) (bool, error) `json:"-"`
}

// File is one file of a set, unpacked, as the loaders read it.
type File struct {
	Name   string `json:"name"`   // in the cache folder
	Bytes  int64  `json:"bytes"`  // exact length
	SHA256 string `json:"sha256"` // of the content, in lower-case hexadecimal
}

// Archive is one file as the home of a set serves it. Its length is 0 when it
// stands nowhere: then its home is asked for it, and the SHA-256 decides as ever.
type Archive struct {
	File
	URLs    []string `json:"urls"`    // homes, the preferred one first
	Packing Packing  `json:"packing"` // how the files of the set stand in it
}

// Packing is the form of an archive.
type Packing string

// The forms of an archive. A gzip archive is named after the file it holds,
// with .gz at the end; of a tar archive the base names of its entries count.
const (
	Plain   Packing = "plain" // the archive is the file
	Gzip    Packing = "gzip"
	TarGzip Packing = "tar+gzip"
	// Source is any form that Set.Convert makes the files from.
	Source Packing = "source"
)

// Bytes is the total length of the files of s.
func (s Set) Bytes() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Bytes
	}
	return n
}

// DownloadBytes is the total length of what is downloaded for s, without
// archives whose length only their home knows.
func (s Set) DownloadBytes() int64 {
	var n int64
	for _, a := range s.Archives {
		n += a.Bytes
	}
	return n
}

// The folders from which more than one file comes. Those at GitHub name a
// commit, so that nobody can change what stands there.
const (
	fashionGitHub    = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/"
	fashionS3        = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
	shakespeareInput = "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt"
	brownZip         = "https://raw.githubusercontent.com/nltk/nltk_data/550b6625bcef1f2abff2ff770a5a0d272c9c6b2a/packages/corpora/brown.zip"
	mailCorpus       = "https://spamassassin.apache.org/old/publiccorpus/"
)

func mailArchive(name, sha256 string) Archive {
	return Archive{File{name, 0, sha256}, []string{mailCorpus + name}, Source}
}

func fashionArchive(name string, bytes int64, sha256 string) Archive {
	name += ".gz"
	return Archive{File{name, bytes, sha256}, []string{fashionGitHub + name, fashionS3 + name}, Gzip}
}

// all is sorted by name.
var all = []Set{
	{
		Name:        "breast-cancer",
		Description: "569 tumours with 30 measurements each, malignant or benign",
		Authors:     "W. H. Wolberg, W. N. Street, O. L. Mangasarian, 1995",
		License:     "CC BY 4.0 (UCI), BSD-3-Clause (the file, from scikit-learn)",
		Home:        "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
		Embedded:    true,
	},
	{
		Name:        "brown",
		Description: "1.16 million words of American English of 1961, 500 texts with parts of speech",
		Authors:     "W. N. Francis, H. Kucera, 1964",
		License:     "redistribution permitted, non-commercial use",
		Home:        "https://www.nltk.org/nltk_data/",
		Files:       []File{{"brown.tar", 10351616, "5b9c0e58e465f721d76dbc4cff1420be90f29856af0fbcc0ada80ffb73d5690a"}},
		Archives: []Archive{{
			File{"brown.zip", 3314357, "9b275f9b3b95d7bd66ccfb7cd259f445a13bbe5d1f4107aba09fd3e8364bafa6"}, []string{brownZip}, Source,
		}},
		Convert: packBrown,
	},
	{
		Name:        "cifar-10",
		Description: "60,000 colour photographs of 32 x 32 pixels in 10 classes",
		Authors:     "A. Krizhevsky, V. Nair, G. Hinton, 2009",
		License:     "none stated; the authors ask to cite \"Learning Multiple Layers of Features from Tiny Images\", 2009",
		Home:        "https://www.cs.toronto.edu/~kriz/cifar.html",
		Files: []File{
			{"data_batch_1.bin", 30730000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
			{"data_batch_2.bin", 30730000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
			{"data_batch_3.bin", 30730000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
			{"data_batch_4.bin", 30730000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
			{"data_batch_5.bin", 30730000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
			{"test_batch.bin", 30730000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
		},
		Archives: []Archive{{
			File{"cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
			[]string{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"}, TarGzip,
		}},
		Convert: fromSheets,
	},
	{
		Name:        "fashion-mnist",
		Description: "70,000 grey pictures of clothes, 28 x 28 pixels in 10 classes",
		Authors:     "H. Xiao, K. Rasul, R. Vollgraf, 2017",
		License:     "MIT, Copyright 2017 Zalando SE",
		Home:        "https://github.com/zalandoresearch/fashion-mnist",
		Files: []File{
			{"train-images-idx3-ubyte", 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
			{"train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
			{"t10k-images-idx3-ubyte", 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
			{"t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
		},
		Archives: []Archive{
			fashionArchive("train-images-idx3-ubyte", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
			fashionArchive("train-labels-idx1-ubyte", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
			fashionArchive("t10k-images-idx3-ubyte", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
			fashionArchive("t10k-labels-idx1-ubyte", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
		},
	},
	{
		Name:        "mnist",
		Description: "70,000 handwritten digits, 28 x 28 grey pixels in 10 classes",
		Authors:     "Y. LeCun, C. Cortes, C. J. C. Burges, 1998",
		License:     "CC BY-SA 3.0",
		Home:        "http://yann.lecun.com/exdb/mnist/",
		Embedded:    true,
	},
	{
		Name:        "spamassassin",
		Description: "6,046 mails of 2002, spam and ham (what is not spam)",
		Authors:     "J. Mason, The Apache SpamAssassin project, 2002 to 2005",
		License:     "none stated for the whole; the senders keep their copyright",
		Home:        mailCorpus,
		Files:       []File{{"spamassassin.tar", 37194240, "e2844d02e400ab6ddd50a76af6b9dbf49b738dd1919246e046b2df6ce21bc6f7"}},
		Archives: []Archive{
			mailArchive("20030228_easy_ham.tar.bz2", "2b7b65904bcfcc31d2b5f51946f2d261370b257402cbbd62930b46ab83367438"),
			mailArchive("20030228_easy_ham_2.tar.bz2", "b4bd3dc5ae5b40f38e99a0e41ad7d16b428b56e818e3a6ffa07330d62004dd38"),
			mailArchive("20030228_hard_ham.tar.bz2", "ce2ce67880643dbde65ea7f85bffbfe4417349c4bd80b6b0de56262ae6b0a9c9"),
			mailArchive("20030228_spam.tar.bz2", "c08debc32413804949a866be45ef78195cec2cbafd1da744ed76cdb860589743"),
			mailArchive("20050311_spam_2.tar.bz2", "44280a0e28bf7645b2279e8e42659271ad82c6f40bf8d364dbda7f1df344a765"),
		},
		Convert: packMails,
	},
	{
		Name:        "tiny-shakespeare",
		Description: "1.1 million characters of Shakespeare's plays in one text file",
		Authors:     "selected by A. Karpathy, 2015",
		License:     "public domain (the text), MIT (the repository)",
		Home:        "https://github.com/karpathy/char-rnn",
		Files:       []File{shakespeare},
		Archives:    []Archive{{shakespeare, []string{shakespeareInput}, Plain}},
	},
	{
		Name:        "wordsim-353",
		Description: "353 pairs of words and how alike people find them, 0 to 10",
		Authors:     "L. Finkelstein, E. Gabrilovich, Y. Matias, E. Rivlin, Z. Solan, G. Wolfman, E. Ruppin, 2002",
		License:     "CC BY 4.0",
		Home:        "https://gabrilovich.com/resources/data/wordsim353/wordsim353.html",
		Embedded:    true,
	},
}

// shakespeare is the one file of its set, served as it is.
var shakespeare = File{"input.txt", 1115394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}

// All returns the known data sets, sorted by name.
func All() []Set { return slices.Clone(all) }

// Find returns the data set of that name.
func Find(name string) (Set, error) {
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Set{}, fmt.Errorf("there is no data set %q; there are %s", name, strings.Join(names, ", "))
}
