package nn

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/tensor"
)

// dtypeNames are the element types as safetensors writes them.
var dtypeNames = map[tensor.DType]safetensors.DType{
	tensor.Float32: safetensors.F32, tensor.Float64: safetensors.F64, tensor.BFloat16: safetensors.BF16, tensor.Float16: safetensors.F16,
	tensor.Int64: safetensors.I64, tensor.Int32: safetensors.I32, tensor.UInt8: safetensors.U8, tensor.Bool: safetensors.Bool,
}

// Save writes the state of a model, parameters and buffers, to a safetensors
// file, with metadata. The file appears whole or not at all.
func Save(path string, model any, metadata map[string]string) error {
	named := map[string]*tensor.Tensor{}
	for _, e := range walk(model) {
		named[e.name] = e.tensor
	}
	return SaveTensors(path, named, metadata)
}

// Load reads the state of a model from a safetensors file. The model is not
// changed when the file does not fit; see [LoadState].
func Load(path string, model any) error {
	state, _, err := LoadTensors(path)
	if err != nil {
		return err
	}
	if err := LoadState(model, state); err != nil {
		return fmt.Errorf("%s does not fit the model: %w", path, err)
	}
	return nil
}

// SaveTensors writes named tensors to a safetensors file, with metadata. The
// file appears whole or not at all.
func SaveTensors(path string, named map[string]*tensor.Tensor, metadata map[string]string) error {
	f := safetensors.File{Metadata: metadata}
	for name, t := range named {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: name, DType: dtypeNames[t.DType()], Shape: t.Shape(), Data: t.Bytes()})
	}
	return safetensors.WriteFile(path, f)
}

// LoadTensors reads all tensors of a safetensors file, and its metadata.
func LoadTensors(path string) (map[string]*tensor.Tensor, map[string]string, error) {
	f, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	out := make(map[string]*tensor.Tensor, len(f.Tensors))
	for _, t := range f.Tensors {
		d, ok := tensor.DType(0), false
		for dtype, name := range dtypeNames {
			if name == t.DType {
				d, ok = dtype, true
			}
		}
		if !ok {
			return nil, nil, fmt.Errorf("%s: tensor %q has the element type %s, which is not supported; convert it to F32", path, t.Name, t.DType)
		}
		out[t.Name] = tensor.FromBytes(t.Data, d, t.Shape...).SetName(t.Name)
	}
	return out, f.Metadata, nil
}

// WithPrefix returns the tensors whose names begin with a prefix, without it.
func WithPrefix(named map[string]*tensor.Tensor, prefix string) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for name, t := range named {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = t
		}
	}
	return out
}
