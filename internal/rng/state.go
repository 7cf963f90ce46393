package rng

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

const (
	keyBytes    = 16
	streamBytes = keyBytes + 8
)

// MarshalText writes the key as 32 hexadecimal digits; it never fails.
func (k Key) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, k.appendBinary(nil)), nil
}

// UnmarshalText reads what MarshalText wrote.
func (k *Key) UnmarshalText(text []byte) error {
	raw, err := decodeHex("key", text, keyBytes)
	if err != nil {
		return err
	}
	*k = keyFromBinary(raw)
	return nil
}

// MarshalText writes the key and the position as 48 hexadecimal digits; it
// never fails. A stream read back from them goes on with the same words.
func (s *Stream) MarshalText() ([]byte, error) {
	raw := binary.LittleEndian.AppendUint64(s.key.appendBinary(nil), s.next)
	return hex.AppendEncode(nil, raw), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Stream) UnmarshalText(text []byte) error {
	raw, err := decodeHex("stream", text, streamBytes)
	if err != nil {
		return err
	}
	s.key = keyFromBinary(raw)
	s.next = binary.LittleEndian.Uint64(raw[keyBytes:])
	s.buf = s.key.Block(s.next / 4)
	return nil
}

func (k Key) appendBinary(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, k.key)
	return binary.LittleEndian.AppendUint64(b, k.nonce)
}

func keyFromBinary(raw []byte) Key {
	return Key{key: binary.LittleEndian.Uint64(raw), nonce: binary.LittleEndian.Uint64(raw[8:])}
}

func decodeHex(what string, text []byte, n int) ([]byte, error) {
	if len(text) != 2*n {
		return nil, fmt.Errorf("rng: a saved %s has %d hexadecimal digits, this has %d characters", what, 2*n, len(text))
	}
	raw := make([]byte, n)
	if _, err := hex.Decode(raw, text); err != nil {
		return nil, fmt.Errorf("rng: a saved %s must be hexadecimal: %w", what, err)
	}
	return raw, nil
}
