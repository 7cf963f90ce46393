package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Plain is a part of a [Loop]'s state that is not made of tensors, such as the
// position of a player and the points so far. Value is a pointer to something
// that encoding/json writes and reads back as it was: numbers (which are then
// the same bits; NaN and infinities are not possible), strings, and structs and
// slices of them. Where it has a method Check() error, that must accept what was
// read from a checkpoint.
type Plain struct{ Value any }

// load overwrites the value with that of a checkpoint.
func (p Plain) load(text json.RawMessage) error {
	if text == nil {
		return errors.New("the value is missing")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p.Value); err != nil {
		return err
	}
	if v, ok := p.Value.(interface{ Check() error }); ok {
		if err := v.Check(); err != nil {
			return fmt.Errorf("the value makes no sense: %w", err)
		}
	}
	return nil
}
