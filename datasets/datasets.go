// Package datasets knows the public data sets that hadal uses: where each one
// lives, what it may be used for, and the exact bytes it must have. It is not
// the data: the loaders are in the packages below it, and only the small sets
// are embedded in the program. A [Store] downloads the others into a cache
// folder, or takes them over from a folder where the user has put them. What
// counts is the content: it is kept unpacked, and however it came, each file of
// it has the SHA-256 that stands here.
package datasets

import (
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
	Convert func(from, to string) (bool, error) `json:"-"`
}

// File is one file of a set, unpacked, as the loaders read it.
type File struct {
	Name   string `json:"name"`   // in the cache folder
	Bytes  int64  `json:"bytes"`  // exact length
	SHA256 string `json:"sha256"` // of the content, in lower-case hexadecimal
}

// Archive is one file as the home of a set serves it.
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
)

// Bytes is the total length of the files of s.
func (s Set) Bytes() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Bytes
	}
	return n
}

// DownloadBytes is the total length of what is downloaded for s.
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
)

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
		Name:        "tiny-shakespeare",
		Description: "1.1 million characters of Shakespeare's plays in one text file",
		Authors:     "selected by A. Karpathy, 2015",
		License:     "public domain (the text), MIT (the repository)",
		Home:        "https://github.com/karpathy/char-rnn",
		Files:       []File{shakespeare},
		Archives:    []Archive{{shakespeare, []string{shakespeareInput}, Plain}},
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
