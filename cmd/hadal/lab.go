package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/livebar"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/lab"
)

func newLab() *cobra.Command {
	var out string
	var seed uint64
	var threads int
	var quick bool
	cmd := &cobra.Command{
		Use:   "lab [NAME]",
		Short: "Run an experiment and draw what it shows",
		Long: "Run one of the experiments that books and courses tell of, draw it as one picture,\n" +
			"and print its figures. Without a name: list them.",
		Example: "  hadal lab\n  hadal lab init\n  hadal lab search --seed 3 --out search.png --json",
		Args:    between(0, 1),

		ValidArgsFunction: completeExperiments,
	}
	fl := cmd.Flags()
	fl.StringVar(&out, "out", "", "file of the picture, .png or .svg (default: lab-NAME.png)")
	fl.Uint64Var(&seed, "seed", 0, "decides everything random; the same seed gives the same picture")
	fl.IntVar(&threads, "threads", par.Threads(), "threads that compute; the result does not depend on it")
	fl.BoolVar(&quick, "quick", false, "take a small part of the steps, to see what comes")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkThreads(threads); err != nil {
			return err
		}
		if len(args) == 0 {
			return listExperiments(cmd, *asJSON)
		}
		e, err := lab.Find(args[0])
		if err != nil {
			return err
		}
		if out == "" {
			out = "lab-" + e.Name + ".png"
		}
		// Found out now rather than after minutes.
		if ending := strings.ToLower(filepath.Ext(out)); ending != ".png" && ending != ".svg" {
			return usageErrorf("--out %s: the name of a picture ends in .png or .svg", out)
		}
		if folder, err := os.Stat(filepath.Dir(out)); err != nil || !folder.IsDir() {
			return usageErrorf("--out %s: there is no folder %s; make it first", out, filepath.Dir(out))
		}
		restore := par.Threads()
		par.SetThreads(threads)
		defer par.SetThreads(restore)
		ctx, stop := interruptible(cmd.Context())
		defer stop()

		settings, closeBar := lab.Settings{Seed: seed, Quick: quick}, func() {}
		if terminal := underlying(cmd.OutOrStdout()); !*asJSON && livebar.IsTerminal(terminal) {
			bar := livebar.New(terminal)
			settings.Progress = func(done, total int, next string) { bar.Set(int64(done), int64(total), next) }
			closeBar = bar.Close
		}
		report, err := e.Run(ctx, settings)
		closeBar()
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("the experiment was stopped, and nothing of it is kept (%w)", err)
		}
		if err != nil {
			return err
		}
		if err := report.Figure.Save(out); err != nil {
			return err
		}
		if *asJSON {
			figures := map[string]lab.Number{}
			for _, v := range report.Values {
				figures[v.Name] = v.Value
			}
			return printJSON(cmd, struct {
				Experiment string                `json:"experiment"`
				Seed       uint64                `json:"seed"`
				Quick      bool                  `json:"quick,omitempty"`
				Picture    string                `json:"picture"`
				Caption    string                `json:"caption"`
				Figures    map[string]lab.Number `json:"figures"`
			}{e.Name, seed, quick, out, report.Caption, figures})
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, v := range report.Values {
			fmt.Fprintf(t, "%s\t%.4g\n", v.Name, float64(v.Value))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n\nThe picture is in %s.\n", report.Caption, out)
		return err
	}
	return cmd
}

// experimentRow is one experiment in the list.
type experimentRow struct {
	Name    string  `json:"name"`
	Summary string  `json:"summary"`
	Source  string  `json:"source"`
	Seconds float64 `json:"seconds"`
}

func listExperiments(cmd *cobra.Command, asJSON bool) error {
	var rows []experimentRow
	for _, e := range lab.All() {
		rows = append(rows, experimentRow{e.Name, e.Summary, e.Source, e.Seconds})
	}
	if asJSON {
		return printJSON(cmd, rows)
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tTIME\tWHAT IT SHOWS")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, minutes(r.Seconds/60), r.Summary)
	}
	return t.Flush()
}

// completeExperiments offers the names of the experiments.
func completeExperiments(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if len(args) == 0 {
		for _, e := range lab.All() {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Summary))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
