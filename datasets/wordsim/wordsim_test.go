package wordsim

import (
	"math"
	"testing"
)

func TestPairs(t *testing.T) {
	pairs := Pairs()
	sum := 0.0
	for _, p := range pairs {
		sum += p.Score / float64(len(pairs))
	}
	if len(pairs) != 353 || pairs[0] != (Pair{"love", "sex", 6.77}) || math.Abs(sum-5.86) > 0.01 {
		t.Errorf("%d pairs, the first %v, mean score %.3f", len(pairs), pairs[0], sum)
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"love\tsex\n", "love\tsex\tmuch\n", "love\tsex\t11\n", "love\tsex\tNaN\n", "\tsex\t1\n"} {
		if pairs, err := parse(bad); err == nil {
			t.Errorf("%q is %v", bad, pairs)
		}
	}
}
