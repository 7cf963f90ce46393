package datasets_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/datasets"
)

func ExampleFind() {
	set, err := datasets.Find("fashion-mnist")
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: %d files, %.1f MB, %s\n", set.Name, len(set.Files), float64(set.DownloadBytes())/1e6, set.License)
	// Output: fashion-mnist: 4 files, 30.9 MB, MIT, Copyright 2017 Zalando SE
}
