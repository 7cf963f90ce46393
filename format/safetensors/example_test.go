package safetensors_test

import (
	"bytes"
	"fmt"

	"github.com/hadal-ml/hadal/format/safetensors"
)

func ExampleWrite() {
	var file bytes.Buffer
	err := safetensors.Write(&file, safetensors.File{
		Metadata: map[string]string{"recipe": "mnist"},
		Tensors: []safetensors.Tensor{
			{Name: "bias", DType: safetensors.F32, Shape: []int{2}, Data: make([]byte, 8)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", file.Bytes()[8:99])
	// Output:
	// {"__metadata__":{"recipe":"mnist"},"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}
}

func ExampleOpen() {
	r, err := safetensors.Open("../testdata/safetensors/torch.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	for _, t := range r.Tensors {
		fmt.Println(t.Name, t.DType, t.Shape, t.Size, "bytes")
	}
	// Output:
	// complex C64 [2 3] 48 bytes
	// bfloat16 BF16 [2 3] 12 bytes
	// e4m3 F8_E4M3 [2 3] 6 bytes
	// e5m2 F8_E5M2 [2 3] 6 bytes
}
