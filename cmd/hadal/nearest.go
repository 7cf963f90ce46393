package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

func newNearest() *cobra.Command {
	var k int
	cmd := &cobra.Command{
		Use:   "nearest RUN WORD [+WORD] [-- -WORD]...",
		Short: "Find the words nearest to a word, or to a sum of words",
		Long: "Find the words whose vectors have the largest cosine with that of a word. Words\n" +
			"after it with a plus are added, those with a minus taken away: king -man +woman.\n" +
			"A word with a minus needs -- before it, so that it is not taken for a flag.",
		Example:           "  hadal nearest runs/word2vec father\n  hadal nearest runs/word2vec -- king -man +woman",
		Args:              between(2, 20),
		ValidArgsFunction: completeOneRun,

		DisableFlagsInUseLine: true,
	}
	cmd.Flags().IntVar(&k, "count", 10, "how many words to print")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if k < 1 || k > 1000 {
			return usageErrorf("--count %d: 1 to 1000 are possible", k)
		}
		words, err := recipes.OpenAs[recipe.Vocabulary](args[0], "compare words")
		if err != nil {
			return err
		}
		var plus, minus []string
		for _, w := range args[1:] {
			if rest, ok := strings.CutPrefix(w, "-"); ok {
				minus = append(minus, rest)
			} else {
				plus = append(plus, strings.TrimPrefix(w, "+"))
			}
		}
		found, err := words.Nearest(plus, minus, k)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, found)
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "WORD\tSIMILARITY")
		for _, n := range found {
			fmt.Fprintf(t, "%s\t%.3f\n", n.Word, n.Similarity)
		}
		return t.Flush()
	}
	return cmd
}
