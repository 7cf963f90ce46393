package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Exit codes of the command.
const (
	exitSuccess     = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// usageError is a mistake in how the command was called, not in what it found.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// run executes the command line and returns the exit code. Errors go to stderr
// as one line each.
func run(args []string, stdout, stderr io.Writer) (code int) {
	out := &output{Writer: stdout}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *tensor.ShapeError:
			code = fail(stderr, r)
		case *tensor.UseError:
			code = fail(stderr, r)
		default: // a bug, which needs its stack trace
			panic(r)
		}
	}()
	root := newRoot(out, stderr)
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		return fail(stderr, err)
	}
	if out.err != nil {
		return fail(stderr, fmt.Errorf("the output could not be written: %w", out.err))
	}
	return exitSuccess
}

// fail prints an error as one line and returns the exit code it means.
func fail(stderr io.Writer, err error) int {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	fmt.Fprintln(stderr, "hadal:", text)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, train.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailure
}

// output remembers that writing failed, so that a full disk behind a
// redirection does not go unnoticed.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.err = err
	}
	return n, err
}

// newRoot returns the command with all of its subcommands.
func newRoot(out, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "hadal",
		Short: "Deep learning in pure Go",
		Long:  "hadal trains, tests and uses neural networks on the processor, with no other software needed.",
		Example: "  hadal recipes                         what can be trained\n" +
			"  hadal train mnist                     train a network that reads digits\n" +
			"  hadal predict runs/mnist-... 7.png    let it read a picture",
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: suggestionDistance,

		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := cpu.Err(); err != nil {
				return usageErrorf("%w; unset %s or give it one of these", err, cpu.Variable)
			}
			return nil
		},
	}
	root.SetOut(out)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageErrorf("%s; see %s --help", flagMistake(err), cmd.CommandPath())
	})
	root.AddCommand(newTrain(), newPredict(), newGenerate(), newNearest(), newEval(), newSummary(), newInspect(), newRecipes(), newData(), newLab(), newBench(), newVersion())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	addCompletionExamples(root)
	return root
}

// flagMistake says what is wrong with a flag, without the names of the functions
// that found it out.
func flagMistake(err error) string {
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err.Error()
	}
	text, _, _ := strings.Cut(err.Error(), ": "+number.Error())
	if errors.Is(number, strconv.ErrRange) {
		return text + ": the number is too large"
	}
	switch number.Func {
	case "ParseInt":
		return text + ": a whole number is needed"
	case "ParseUint":
		return text + ": a whole number, 0 or more, is needed"
	case "ParseBool":
		return text + ": true or false is needed"
	}
	return text + ": a number is needed"
}

// suggestionDistance is how many letters may be wrong in a command for it to be
// understood as a slip.
const suggestionDistance = 2

// noSuchCommand accepts no arguments: for a command with subcommands, one that
// is left over is the name of none of them.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q? ", near[0])
	}
	name := strings.TrimPrefix(cmd.CommandPath()+" "+args[0], cmd.Root().Name()+" ")
	return usageErrorf("there is no command %q; %ssee %s --help", name, hint, cmd.CommandPath())
}

// between accepts so many arguments; the usage line names them.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usageErrorf("an argument is missing: %s", cmd.UseLine())
		case len(args) > most:
			return usageErrorf("%q is one argument too many: %s", args[most], cmd.UseLine())
		}
		return nil
	}
}

// interruptible returns a context that ends with its parent and with the first
// Ctrl-C or SIGTERM. From then on signals do what they do by default: a second
// one ends the process at once.
func interruptible(parent context.Context) (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// printJSON writes v for a program to read.
func printJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// jsonFlag adds --json to a command.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON, for programs")
}
