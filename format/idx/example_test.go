package idx_test

import (
	"bytes"
	"fmt"

	"github.com/hadal-ml/hadal/format/idx"
)

func ExampleRead() {
	var file bytes.Buffer
	labels := idx.Array{DType: idx.Uint8, Shape: []int{3}, Data: []byte{5, 0, 4}}
	if err := idx.Write(&file, labels); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("% x\n", file.Bytes())
	fmt.Println(idx.Read(&file))
	// Output:
	// 00 00 08 01 00 00 00 03 05 00 04
	// {uint8 [3] [5 0 4]} <nil>
}
