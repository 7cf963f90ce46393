package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/cmd/hadal/internal/bench"
	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time kernels and training steps on this machine",
		Long: `Time kernels and training steps on this machine.

First the machine's own peaks are measured: fused multiply-adds of one core, and
memory. Each figure is then also given as a share of the peak of the threads it
used. With --json there is one object a line, in the form that other libraries
are measured in.`,
		Example: "  hadal bench --only 'gemm|deepconvnet' --threads 1\n  hadal bench --json > hadal.jsonl",
		Args:    between(0, 0),
	}
	asJSON := jsonFlag(cmd)
	only := cmd.Flags().String("only", "", "regular expression over the names of workloads")
	seconds := cmd.Flags().Float64("seconds", 3, "time spent on each workload")
	threads := cmd.Flags().Int("threads", 0, "number of threads (default: all processors)")
	mode := cmd.Flags().String("mode", "eager", "how steps run: eager (in float32), or bf16 (products in bfloat16)")
	list := cmd.Flags().Bool("list", false, "print the names of the workloads and end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := cmd.OutOrStdout()
		if err := bench.SetMode(*mode); err != nil {
			return usageError{err}
		}
		if !(*seconds > 0 && *seconds < 1e6) {
			return usageErrorf("--seconds %g is not a time; give a positive number", *seconds)
		}
		if cmd.Flags().Changed("threads") {
			if err := checkThreads(*threads); err != nil {
				return err
			}
			par.SetThreads(*threads)
		}
		selected, err := bench.Select(*only)
		if err != nil {
			return usageError{err}
		}
		if *list {
			for _, w := range selected {
				fmt.Fprintln(out, w.Name)
			}
			return nil
		}
		if !*asJSON {
			p := bench.MeasurePeaks()
			fmt.Fprintf(out, "%s, instruction set %s, %d threads\n", processorName(), cpu.Active(), par.Threads())
			fmt.Fprintf(out, "peaks: %.1f GFLOP/s of fused multiply-adds a core, %.1f GB/s of memory\n", p.FMA, p.Memory)
			if p.BF16 > 0 {
				fmt.Fprintf(out, "%.1f GFLOP/s in bfloat16 a core (%s)\n", p.BF16, cpu.ActiveMatrix())
			}
			fmt.Fprintln(out)
			fmt.Fprintf(out, "%-38s %10s %10s %6s %9s %6s %8s\n", "workload", "median ms", "min ms", "runs", "GFLOP/s", "peak", "RSS MiB")
		}
		for _, w := range selected {
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			f := w.Measure(time.Duration(*seconds*float64(time.Second)), moduleVersion())
			if *asJSON {
				if err := json.NewEncoder(out).Encode(f); err != nil {
					return err
				}
				continue
			}
			speed, share := "", ""
			if f.GFLOPS > 0 {
				speed, share = fmt.Sprintf("%.1f", f.GFLOPS), fmt.Sprintf("%.0f%%", 100*f.ShareOfPeak)
			}
			fmt.Fprintf(out, "%-38s %10.4f %10.4f %6d %9s %6s %8d\n", f.Workload, f.MedianMS, f.MinMS, f.Runs, speed, share, f.PeakRSSMB)
		}
		return nil
	}
	return cmd
}
