package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/hadal-ml/hadal/datasets/mnist/internal/contextsplit"
)

// writeIDX writes a gzip-compressed IDX file with that header and content.
func writeIDX(t *testing.T, path string, content []byte, dims ...uint32) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	header := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		header = binary.BigEndian.AppendUint32(header, d)
	}
	w.Write(header)
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestThePackedFilesHoldTheImagesInChunks(t *testing.T) {
	dir := t.TempDir()
	pixels := make([]byte, 5*side*side)
	for i := range pixels {
		pixels[i] = byte(i * i / 977)
	}
	images := writeIDX(t, filepath.Join(dir, "images.gz"), pixels, 5, side, side)
	labels := writeIDX(t, filepath.Join(dir, "labels.gz"), []byte{1, 2, 3, 4, 5}, 5)
	if err := run(dir, 3, []string{images, labels, images, labels}); err != nil {
		t.Fatal(err)
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	for _, name := range []string{"train", "test"} {
		packed, err := os.ReadFile(filepath.Join(dir, name+"-images.bin"))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(pixels))
		for _, part := range [][]byte{got[:3*side*side], got[3*side*side:]} {
			n := 4 + binary.LittleEndian.Uint32(packed)
			if err := contextsplit.Unpack(part, packed[4:n], side, side, decoder); err != nil {
				t.Fatal(err)
			}
			packed = packed[n:]
		}
		if len(packed) != 0 || !bytes.Equal(got, pixels) {
			t.Errorf("%s: other images came back", name)
		}
	}

	short := writeIDX(t, filepath.Join(dir, "short.gz"), pixels[1:], 5, side, side)
	fewer := writeIDX(t, filepath.Join(dir, "fewer.gz"), pixels, 4, side, side)
	plain := filepath.Join(dir, "train-images.bin")
	for name, files := range map[string][]string{
		"three files": {images, labels, images},
		"no file":     {filepath.Join(dir, "none"), labels, images, labels},
		"no gzip":     {plain, labels, images, labels},
		"cut short":   {short, labels, images, labels},
		"wrong count": {images, labels, fewer, labels},
		"swapped":     {labels, images, images, labels},
	} {
		if run(dir, 3, files) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
