package jsonl_test

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/format/jsonl"
)

func ExampleRead() {
	type epoch struct {
		Epoch int     `json:"epoch"`
		Loss  float64 `json:"loss"`
	}
	// The process that wrote this was killed in the middle of its third line.
	file := "{\"epoch\":1,\"loss\":0.5}\n{\"epoch\":2,\"loss\":0.25}\n{\"epoch\":3,\"lo"
	epochs, torn, err := jsonl.Read[epoch](strings.NewReader(file))
	fmt.Println(epochs, torn, err)
	// Output: [{1 0.5} {2 0.25}] true <nil>
}
