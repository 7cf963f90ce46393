package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

func newNearest() *cobra.Command {
	var k int
	var plus, minus []string
	cmd := &cobra.Command{
		Use:   "nearest RUN WORD",
		Short: "Find the words nearest to a word, or to a sum of words",
		Long: "Find the words whose vectors have the largest cosine with that of a word. Words of\n" +
			"--plus are added to it and words of --minus taken away: king less man plus woman is\n" +
			"what is to woman as king is to man.",
		Example:           "  hadal nearest runs/word2vec father\n  hadal nearest runs/word2vec king --minus man --plus woman",
		Args:              between(2, 2),
		ValidArgsFunction: completeOneRun,
	}
	cmd.Flags().IntVar(&k, "count", 10, "how many words to print")
	cmd.Flags().StringSliceVar(&plus, "plus", nil, "words to add")
	cmd.Flags().StringSliceVar(&minus, "minus", nil, "words to take away")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if k < 1 || k > 1000 {
			return usageErrorf("--count %d: 1 to 1000 are possible", k)
		}
		words, err := recipes.OpenAs[recipe.Vocabulary](args[0], "compare words")
		if err != nil {
			return err
		}
		found, err := words.Nearest(append([]string{args[1]}, plus...), minus, k)
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
