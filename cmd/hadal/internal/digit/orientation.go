package digit

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientationTag is the number of the EXIF field that says how the camera was
// held (Exif 2.3, section 4.6.4).
const orientationTag = 0x0112

// orientation returns how a JPEG file wants to be turned, 1 to 8 as in EXIF.
// It is 1, as it is, for a file that does not say so or says nonsense.
func orientation(jpeg []byte) int {
	if !bytes.HasPrefix(jpeg, []byte{0xff, 0xd8}) {
		return 1
	}
	for b := jpeg[2:]; len(b) >= 4 && b[0] == 0xff; {
		const app1, startOfScan = 0xe1, 0xda
		marker, length := b[1], int(binary.BigEndian.Uint16(b[2:]))
		if marker == startOfScan || length < 2 || len(b) < 2+length {
			break
		}
		if exif, ok := bytes.CutPrefix(b[4:2+length], []byte("Exif\x00\x00")); ok && marker == app1 {
			return orientationField(exif)
		}
		b = b[2+length:]
	}
	return 1
}

// orientationField finds the field in the TIFF structure of EXIF: a header
// with the byte order, and a directory of entries of 12 bytes.
func orientationField(exif []byte) int {
	if len(exif) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if exif[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 1
	}
	entries := exif[at+2:]
	for range order.Uint16(exif[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == orientationTag {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}

// upright turns and mirrors a picture as its orientation asks.
func upright(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	from := toRGBA(img)
	right, bottom := from.Rect.Dx()-1, from.Rect.Dy()-1
	size := from.Rect
	if orientation >= 5 { // a quarter turn
		size = image.Rect(0, 0, bottom+1, right+1)
	}
	to := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 7, 8, 3:
				sx = right - sx
			}
			switch orientation {
			case 3, 4, 6, 7:
				sy = bottom - sy
			}
			copy(to.Pix[to.PixOffset(x, y):][:4], from.Pix[from.PixOffset(sx, sy):])
		}
	}
	return to
}
