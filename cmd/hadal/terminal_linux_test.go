package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a pair of pseudo-terminals of that size: what is written to
// the second comes out of the first.
func terminal(t *testing.T, columns, rows uint16) (outside, inside *os.File) {
	t.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outside.Close() })
	fd := int(outside.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
	return outside, inside
}

func TestATerminalShowsALiveBarAndKeepsTheEpochs(t *testing.T) {
	outside, inside := terminal(t, 120, 30)
	dir := filepath.Join(t.TempDir(), "run")
	// Long enough for the bar, which is drawn ten times a second, to be seen often.
	cmd := process(t, "train", "mlp", "--limit", "10000", "--batch", "5", "--epochs", "3", "--pictures=false", "--out", dir)
	cmd.Stdout, cmd.Stderr = inside, inside
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inside.Close() // the command has it
	var screen bytes.Buffer
	io.Copy(&screen, outside) // ends with an error when the last writer has gone
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, screen.String())
	}
	shown := screen.String()
	if !strings.Contains(shown, "[=") || !strings.Contains(shown, " left") {
		t.Errorf("no live bar with the time left was seen:\n%q", shown)
	}
	// What stays when the terminal has obeyed "up n lines, clear from here".
	var lines []string
	for _, part := range strings.Split(shown, "\x1b[") {
		var up int
		if _, err := fmt.Sscanf(part, "%dA", &up); err == nil {
			lines = lines[:max(0, len(lines)-up)]
			continue
		}
		part = strings.TrimPrefix(part, "J")
		for line := range strings.Lines(part) {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	if len(lines) != 5 || !strings.HasPrefix(lines[1], "epoch 1/3  loss ") || !strings.HasPrefix(lines[3], "epoch 3/3  loss ") || !strings.HasPrefix(lines[4], "Test accuracy ") {
		t.Errorf("what stays on the screen is\n%s", strings.Join(lines, "\n"))
	}
}
