package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

// moduleVersion is the version that the program was built from, "(devel)" for
// one that was built outside of a release.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and what it runs on",
		Example: "  hadal version\n  HADAL_ISA=avx2 hadal version --json",
		Args:    between(0, 0),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := struct {
			Version   string `json:"version"`
			Go        string `json:"go"`
			OS        string `json:"os"`
			Arch      string `json:"arch"`
			ISA       string `json:"isa"`
			Processor string `json:"processor"`
			Threads   int    `json:"threads"`
		}{moduleVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu.Active().String(), processorName(), par.Threads()}
		if *asJSON {
			return printJSON(cmd, v)
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "hadal %s (%s, %s/%s)\n%s, instruction set %s, %d threads\n",
			v.Version, v.Go, v.OS, v.Arch, v.Processor, v.ISA, v.Threads)
		return err
	}
	return cmd
}
