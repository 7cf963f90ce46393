package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/recipes"
)

// recipeRow is what hadal recipes says of one recipe.
type recipeRow struct {
	Name         string  `json:"name"`
	Summary      string  `json:"summary"`
	Source       string  `json:"source"`
	Data         string  `json:"data"`
	Expect       string  `json:"expect"`
	Minutes      float64 `json:"minutes"`
	Epochs       int     `json:"epochs"`
	BatchSize    int     `json:"batch_size"`
	LearningRate float64 `json:"learning_rate"`
	Members      int     `json:"members"`
}

func newRecipes() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "recipes",
		Short:   "List what can be trained",
		Long:    "List the recipes with their data, the result to expect, and the time they take on two cores.",
		Example: "  hadal recipes\n  hadal recipes --json",
		Args:    between(0, 0),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var rows []recipeRow
		for _, r := range recipes.All() {
			rows = append(rows, recipeRow{r.Name, r.Summary, r.Source, r.Data, r.Expect, r.Minutes, r.Epochs, r.BatchSize, r.Rate, max(r.Members, 1)})
		}
		if *asJSON {
			return printJSON(cmd, rows)
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "NAME\tDATA\tTIME\tRESULT TO EXPECT\tWHAT IT IS")
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Data, minutes(r.Minutes), r.Expect, r.Summary)
		}
		return t.Flush()
	}
	return cmd
}

// minutes writes an estimate of time.
func minutes(m float64) string {
	if m < 1 {
		return fmt.Sprintf("%.0f s", 60*m)
	}
	return fmt.Sprintf("%.2g min", m)
}
