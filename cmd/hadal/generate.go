package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// maxTokens bounds --tokens: more than anybody reads.
const maxTokens = 1_000_000

func newGenerate() *cobra.Command {
	var prompt string
	var tokens int
	var temperature float64
	var seed uint64
	cmd := &cobra.Command{
		Use:   "generate RUN",
		Short: "Let a language model go on with a text",
		Long: "Let a trained language model go on with a text. A low temperature keeps to what is\n" +
			"likely, 0 takes the likeliest token each time; a high one tries more.",
		Example:           "  hadal generate runs/char-lstm --prompt \"ROMEO:\" --tokens 400\n  hadal generate runs/char-lstm --temperature 0.5 --json",
		Args:              between(1, 1),
		ValidArgsFunction: completeOneRun,
	}
	fl := cmd.Flags()
	fl.StringVar(&prompt, "prompt", "\n", "the text to go on with")
	fl.IntVar(&tokens, "tokens", 500, "how much to write, in the model's tokens (characters or words)")
	fl.Float64Var(&temperature, "temperature", 0.8, "how daring it is; 0: not at all")
	fl.Uint64Var(&seed, "seed", 0, "decides the choices; the same seed gives the same text")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case tokens < 1 || tokens > maxTokens:
			return usageErrorf("--tokens %d: 1 to %d are possible", tokens, maxTokens)
		case !(temperature >= 0) || math.IsInf(temperature, 0):
			return usageErrorf("--temperature %v: 0 or a positive number is needed, such as 0.8", temperature)
		case prompt == "":
			return usageErrorf("--prompt is empty: give at least one character to begin with")
		}
		model, err := recipes.OpenAs[recipe.Generator](args[0], "generate text")
		if err != nil {
			return err
		}
		ctx, stop := interruptible(cmd.Context())
		defer stop()
		out := cmd.OutOrStdout()
		if *asJSON {
			var text strings.Builder
			err := model.Generate(ctx, prompt, tokens, temperature, seed, func(piece string) error {
				text.WriteString(piece)
				return nil
			})
			if err != nil {
				return err
			}
			return printJSON(cmd, struct {
				Prompt string `json:"prompt"`
				Text   string `json:"text"`
			}{prompt, text.String()})
		}
		shown := prompt // before the first piece: a prompt that cannot be read is not written
		err = model.Generate(ctx, prompt, tokens, temperature, seed, func(piece string) error {
			_, err := io.WriteString(out, shown+piece)
			shown = ""
			return err
		})
		if shown == "" {
			fmt.Fprintln(out) // also after an interruption
		}
		return err
	}
	return cmd
}
