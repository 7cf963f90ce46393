package digit

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // formats that image.Decode knows
	_ "image/jpeg" //
	_ "image/png"  //
	"io"
	"os"

	_ "golang.org/x/image/bmp"  //
	_ "golang.org/x/image/tiff" //
	_ "golang.org/x/image/webp" //
)

// Limits on what is read. A picture may have freePixels whatever the length of
// its file, for line drawings compress a thousandfold; beyond that, as many
// as a photograph of its length could have. So a small file cannot ask for
// gigabytes of memory.
const (
	maxFileBytes  = 64 << 20
	freePixels    = 16 << 20
	pixelsPerByte = 20
	maxPixels     = 128 << 20
)

// Read reads a picture in PNG, JPEG, GIF (its first frame), BMP, TIFF or WebP
// form; a photograph is turned upright as its EXIF data ask. Errors name the
// file and say what to do.
func Read(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name the pictures in it", path)
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("%s is too large for a picture (%d MB; at most %d MB are read): make it smaller", path, info.Size()>>20, maxFileBytes>>20)
	}
	img, err := ReadFrom(f)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return img, nil
}

// ReadFrom is [Read] for a stream. Its errors, and those of [Decode], continue
// a sentence that begins with the file's name.
func ReadFrom(source io.Reader) (image.Image, error) {
	content, err := io.ReadAll(io.LimitReader(source, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return Decode(content)
}

// Decode is [Read] for the content of a file.
func Decode(content []byte) (image.Image, error) {
	switch {
	case len(content) == 0:
		return nil, errors.New("is empty: give a PNG or JPEG picture")
	case len(content) > maxFileBytes:
		return nil, fmt.Errorf("is too large for a picture (at most %d MB are read): make it smaller", maxFileBytes>>20)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(content))
	if errors.Is(err, image.ErrFormat) {
		return nil, errors.New("is not a picture that can be read: give a PNG, JPEG, GIF, BMP, TIFF or WebP file")
	}
	if err != nil {
		return nil, damaged(err)
	}
	if c.Width < 1 || c.Height < 1 {
		return nil, fmt.Errorf("has no pixels (%d x %d): give another picture", c.Width, c.Height)
	}
	limit := min(max(freePixels, pixelsPerByte*len(content)), maxPixels)
	if c.Width > limit/c.Height {
		return nil, fmt.Errorf("is said to have %d x %d pixels, too many for a file of %d bytes: make the picture smaller", c.Width, c.Height, len(content))
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, damaged(err)
	}
	return upright(img, orientation(content)), nil
}

func damaged(err error) error {
	return fmt.Errorf("is damaged and cannot be read (%w): save or copy it again", err)
}
