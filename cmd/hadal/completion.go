package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/recipes"
)

// completeRecipes offers the names of the recipes for the first argument.
func completeRecipes(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, r := range recipes.All() {
		out = append(out, cobra.CompletionWithDesc(r.Name, r.Summary))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeRuns offers the run folders below runs, or else folders.
func completeRuns(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	found, err := filepath.Glob(filepath.Join("runs", "*", recipes.ConfigFile))
	var out []cobra.Completion
	for _, f := range found {
		if dir := filepath.Dir(f); strings.HasPrefix(dir, typed) {
			out = append(out, dir)
		}
	}
	if err != nil || len(out) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeRunThenFiles offers a run folder and then files.
func completeRunThenFiles(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return completeRuns(cmd, args, typed)
}

// completeRunOrFile offers run folders, or files when there is none that begins
// as typed.
func completeRunOrFile(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if out, _ := completeRuns(cmd, args, typed); len(out) > 0 {
		return out, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// completeOneRun offers a run folder for the only argument.
func completeOneRun(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeRuns(cmd, args, typed)
}

// completeRecipeOrRun offers recipes of classifiers, and run folders, for the
// only argument.
func completeRecipeOrRun(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, r := range recipes.All() {
		if r.Train == nil { // the others have no summary
			names = append(names, cobra.CompletionWithDesc(r.Name, r.Summary))
		}
	}
	runs, _ := completeRuns(cmd, args, typed)
	return append(names, runs...), cobra.ShellCompDirectiveDefault
}

// completeDatasets offers the names of the data sets for the first argument.
func completeDatasets(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, s := range datasets.All() {
		out = append(out, cobra.CompletionWithDesc(s.Name, s.Description))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// addCompletionExamples gives the commands that cobra makes what all others
// have: an example, and exit code 2 for wrong arguments.
func addCompletionExamples(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  hadal help train"
			// Of a command that there is not, cobra would print the help of hadal.
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				found, rest, err := cmd.Root().Find(args)
				if err != nil {
					return usageError{err}
				}
				return noSuchCommand(found, rest)
			}
		case "completion":
			cmd.Short = "Print a script that completes commands, recipes and runs in a shell"
			cmd.Example = "  source <(hadal completion bash)"
			cmd.Args = noSuchCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = between(0, 0)
				shell.Example = "  " + map[string]string{
					"bash":       "source <(hadal completion bash)",
					"zsh":        `hadal completion zsh > "${fpath[1]}/_hadal"`,
					"fish":       "hadal completion fish | source",
					"powershell": "hadal completion powershell | Out-String | Invoke-Expression",
				}[shell.Name()]
			}
		}
	}
}
