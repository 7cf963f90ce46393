// Package contextsplit packs small grey images of pen strokes without loss. It
// is not a general image codec: it exists so that MNIST fits into the
// repository in nine megabytes and still unpacks in the blink of an eye.
//
// What a pixel can be depends on its neighbours: next to blank paper it is
// nearly always blank, inside a stroke nearly always full. So the pixels are
// dealt out to 256 streams by what stands to their west, north-west, north and
// north-east (each one of four levels: blank, light, dark, full), and every
// stream becomes one zstd frame, whose entropy coder then sees one narrow
// distribution instead of the mixture of all. The receiver knows the same
// neighbours, because it fills the image in reading order, and takes each
// pixel from the stream where it was put. In the stream with four blank
// neighbours the zeros, four pixels in five, are replaced by the lengths of
// their runs.
package contextsplit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

const (
	contexts = 256 // four neighbours of two bits each
	streams  = contexts + 1
	runs     = contexts // the last stream: run lengths of zeros in context 0
	runMore  = 255      // in it: 255 zeros, and the run goes on
	maxWidth = 62       // so that a row's ink fits into the bits of a word
)

// class maps a pixel to its level.
var class = func() (t [256]uint8) {
	for v := range t {
		switch {
		case v >= 252:
			t[v] = 3
		case v >= 128:
			t[v] = 2
		case v >= 1:
			t[v] = 1
		}
	}
	return t
}()

// Pack returns the packed form of images of width x height bytes, which stand
// one after the other in pixels.
func Pack(pixels []byte, width, height int) ([]byte, error) {
	if err := check(pixels, width, height); err != nil {
		return nil, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	var packed []byte
	for _, stream := range split(pixels, width, height) {
		frame := encoder.EncodeAll(stream, nil)
		packed = binary.AppendUvarint(packed, uint64(len(frame)))
		packed = append(packed, frame...)
	}
	return packed, nil
}

func check(pixels []byte, width, height int) error {
	if width < 1 || width > maxWidth || height < 1 || len(pixels)%(width*height) != 0 {
		return fmt.Errorf("contextsplit: %d bytes are not a number of images of %d x %d (at most %d wide)", len(pixels), width, height, maxWidth)
	}
	return nil
}

func split(pixels []byte, width, height int) *[streams][]byte {
	var out [streams][]byte
	above, row := make([]uint8, width+2), make([]uint8, width+2)
	run := 0
	for len(pixels) > 0 {
		clear(above)
		for range height {
			window, west := above[1], uint8(0)
			for x := range width {
				window = (window<<2 | above[x+2]) & 63
				context := window<<2 | west
				v := pixels[x]
				west = class[v]
				row[x+1] = west
				if context == 0 {
					if v == 0 {
						run++
						continue
					}
					out[runs] = appendRun(out[runs], run)
					run = 0
				}
				out[context] = append(out[context], v)
			}
			above, row = row, above
			pixels = pixels[width:]
		}
	}
	out[runs] = appendRun(out[runs], run)
	return &out
}

func appendRun(lengths []byte, run int) []byte {
	for ; run >= runMore; run -= runMore {
		lengths = append(lengths, runMore)
	}
	return append(lengths, byte(run))
}

// nextRun reads what appendRun wrote; ok is false at the end of the lengths.
func nextRun(lengths []byte) (run int, rest []byte, ok bool) {
	for i, n := range lengths {
		run += int(n)
		if n != runMore {
			return run, lengths[i+1:], true
		}
	}
	return 0, nil, false
}

var errCorrupt = errors.New("contextsplit: the packed images are damaged")

// Unpack fills pixels, which must be all zero, with the images that Pack put
// into packed. The decoder may be shared by several calls at once.
func Unpack(pixels, packed []byte, width, height int, decoder *zstd.Decoder) error {
	if err := check(pixels, width, height); err != nil {
		return err
	}
	// All streams stand in one slice; stream s is values[next[s]:next[s+1]]
	// until reading moves next[s] on.
	values := make([]byte, 0, len(pixels)/3)
	var next, end [streams]int
	for s := range streams {
		size, n := binary.Uvarint(packed)
		if n <= 0 || size > uint64(len(packed)-n) {
			return errCorrupt
		}
		frame := packed[n : n+int(size)]
		packed = packed[n+int(size):]
		next[s] = len(values)
		var err error
		if values, err = decoder.DecodeAll(frame, values); err != nil {
			return fmt.Errorf("contextsplit: %w", err)
		}
		end[s] = len(values)
		if len(values) > 2*len(pixels)+1 {
			return errCorrupt // a pixel has at most one value and one run before it
		}
	}
	if len(packed) != 0 {
		return errCorrupt
	}
	if !join(pixels, width, height, values, &next) {
		return errCorrupt
	}
	for s := range contexts {
		if next[s] != end[s] {
			return errCorrupt
		}
	}
	return nil
}

// join is the inverse of split. It reports whether the streams were long
// enough and the runs were used up.
func join(pixels []byte, width, height int, values []byte, next *[streams]int) bool {
	above, row := make([]uint8, width+2), make([]uint8, width+2)
	run, lengths, ok := nextRun(values[next[runs]:])
	for len(pixels) > 0 {
		clear(above)
		inkAbove := uint64(0) // bit x: pixel x of the row above is not blank
		for range height {
			line, ink := pixels[:width], uint64(0)
			clear(row)
			window, west := above[1], uint8(0)
			for x := 0; x < width; x++ {
				window = (window<<2 | above[x+2]) & 63
				context := window<<2 | west
				if context == 0 {
					if run != 0 {
						// Jump over all the zeros up to the next ink or
						// the column whose north-east neighbour has some.
						skip := min(run, 1+bits.TrailingZeros64(inkAbove>>(x+2)), width-x)
						run -= skip
						x += skip - 1
						continue
					}
					if run, lengths, ok = nextRun(lengths); !ok {
						return false
					}
				}
				p := next[context]
				if p >= len(values) {
					return false
				}
				next[context] = p + 1
				v := values[p]
				line[x] = v
				west = class[v]
				row[x+1] = west
				ink |= uint64((west+3)/4) << x // any level but 0 is ink
			}
			above, row, inkAbove = row, above, ink
			pixels = pixels[width:]
		}
	}
	return ok && run == 0 && len(lengths) == 0
}
