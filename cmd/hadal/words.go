package main

import (
	"strconv"
	"strings"
)

// shapeText writes a shape: 16 x 1 x 3 x 3, or scalar.
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, " x ")
}
