// Package livebar shows one progress bar at the bottom of a terminal, with
// lines of text above it.
package livebar

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Bar is one bar. Its methods may be called by several goroutines.
type Bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	mu        sync.Mutex
	text      string
}

// IsTerminal reports whether w is a terminal, where a bar can live.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// New draws a bar on a terminal.
func New(out io.Writer) *Bar {
	b := &Bar{container: mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))}
	beside := decor.Any(func(decor.Statistics) string {
		b.mu.Lock()
		defer b.mu.Unlock()
		return "  " + b.text
	})
	b.bar = b.container.New(0, mpb.BarStyle(), mpb.AppendDecorators(beside))
	return b
}

// Set moves the bar and changes the text beside it.
func (b *Bar) Set(done, total int64, text string) {
	b.mu.Lock()
	b.text = text
	b.mu.Unlock()
	b.bar.SetTotal(total, false)
	b.bar.SetCurrent(done)
}

// Print writes a line above the bar.
func (b *Bar) Print(line string) { fmt.Fprintln(b.container, line) }

// Close takes the bar away; the lines above it stay.
func (b *Bar) Close() {
	b.bar.Abort(true)
	b.container.Wait()
}
