package npy_test

import (
	"bytes"
	"fmt"

	"github.com/hadal-ml/hadal/format/npy"
)

func ExampleReadFile() {
	a, err := npy.ReadFile("../testdata/npy/u1.npy")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.DType, a.Shape, a.Data)
	// Output: u1 [2 3] [0 1 2 3 4 5]
}

func ExampleWriteNPZ() {
	var file bytes.Buffer
	err := npy.WriteNPZ(&file, []npy.Entry{
		{Name: "labels", Array: npy.Array{DType: npy.Uint8, Shape: []int{3}, Data: []byte{7, 2, 1}}},
	}, npy.Deflated)
	if err != nil {
		fmt.Println(err)
		return
	}
	entries, err := npy.ReadNPZ(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(entries, err)
	// Output: [{labels {u1 [3] [7 2 1]}}] <nil>
}
