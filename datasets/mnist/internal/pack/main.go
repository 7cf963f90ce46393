// Command pack makes the files that package mnist embeds from the four IDX
// files of the original distribution:
//
//	go run ./datasets/mnist/internal/pack -out datasets/mnist/data \
//	    train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz \
//	    t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz
//
// The same input gives the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/hadal-ml/hadal/datasets/mnist/internal/contextsplit"
)

const side = 28

func main() {
	out := flag.String("out", ".", "folder to write to")
	chunk := flag.Int("chunk", 5000, "images in one independently unpacked chunk")
	flag.Parse()
	if err := run(*out, *chunk, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(out string, chunk int, files []string) error {
	if len(files) != 4 {
		return fmt.Errorf("name the four IDX files: train images, train labels, test images, test labels")
	}
	for i, name := range []string{"train", "test"} {
		images, err := readIDX(files[2*i], side*side, 16)
		if err != nil {
			return err
		}
		labels, err := readIDX(files[2*i+1], 1, 8)
		if err != nil {
			return err
		}
		packed, err := packImages(images, chunk)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name+"-images.bin"), packed, 0o644); err != nil {
			return err
		}
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name+"-labels.zst"), encoder.EncodeAll(labels, nil), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// packImages writes each chunk as its length, a little-endian uint32, and its bytes.
func packImages(images []byte, chunk int) ([]byte, error) {
	var packed []byte
	for len(images) > 0 {
		n := min(chunk*side*side, len(images))
		p, err := contextsplit.Pack(images[:n], side, side)
		if err != nil {
			return nil, err
		}
		packed = binary.LittleEndian.AppendUint32(packed, uint32(len(p)))
		packed = append(packed, p...)
		images = images[n:]
	}
	return packed, nil
}

// readIDX returns the items of a gzip-compressed IDX file without its header.
func readIDX(path string, itemBytes, headerBytes int) ([]byte, error) {
	compressed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(content) < headerBytes || (len(content)-headerBytes)%itemBytes != 0 ||
		int(binary.BigEndian.Uint32(content[4:])) != (len(content)-headerBytes)/itemBytes {
		return nil, fmt.Errorf("%s is not an IDX file of items of %d bytes", path, itemBytes)
	}
	return content[headerBytes:], nil
}
