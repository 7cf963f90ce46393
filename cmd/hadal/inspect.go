package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/format/npy"
	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/tensor"
)

// inspection is what hadal inspect says of a file.
type inspection struct {
	File     string            `json:"file"`
	Format   string            `json:"format"` // safetensors, npy or npz
	Metadata map[string]string `json:"metadata,omitempty"`
	Tensors  []tensorInfo      `json:"tensors"`
	Elements int64             `json:"elements"` // of all tensors
	Bytes    int64             `json:"bytes"`
}

// tensorInfo describes one array of a file.
type tensorInfo struct {
	Name  string      `json:"name"` // empty in a .npy file
	DType string      `json:"dtype"`
	Shape []int       `json:"shape"`
	Bytes int64       `json:"bytes"`
	Stats *statistics `json:"stats,omitempty"`
}

func newInspect() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "List what a .safetensors, .npy or .npz file holds",
		Long:  "List the arrays of a .safetensors, .npy or .npz file. Only their headers are read, unless --stats\nasks for the least, the greatest and the mean value.",
		Example: "  hadal inspect runs/third/model.safetensors\n" +
			"  hadal inspect weights.npz --stats --json",
		Args: between(1, 1),
	}
	asJSON := jsonFlag(cmd)
	stats := cmd.Flags().Bool("stats", false, "read the values too: least, greatest, mean, and how many are not finite")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := inspect(args[0], *stats)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, in)
		}
		return in.print(cmd.OutOrStdout(), *stats)
	}
	return cmd
}

func (in *inspection) print(out io.Writer, stats bool) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header := "NAME\tDTYPE\tSHAPE\tBYTES"
	if stats {
		header += "\tLEAST\tGREATEST\tMEAN\tNOT FINITE"
	}
	fmt.Fprintln(t, header)
	for _, info := range in.Tensors {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s", printable(info.Name), info.DType, tensor.ShapeString(info.Shape), words.Thousands(info.Bytes))
		if s := info.Stats; s != nil {
			fmt.Fprintf(t, "\t%s\t%s\t%s\t%s", optional(s.Min), optional(s.Max), optional(s.Mean), words.Thousands(s.NotFinite))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	arrays := words.Thousands(len(in.Tensors)) + " arrays"
	if len(in.Tensors) == 1 {
		arrays = "1 array"
	}
	fmt.Fprintf(out, "%s, %s elements, %s\n", arrays, words.Thousands(in.Elements), words.Bytes(in.Bytes))
	for _, key := range slices.Sorted(maps.Keys(in.Metadata)) {
		fmt.Fprintf(out, "%s: %s\n", printable(key), printable(in.Metadata[key]))
	}
	return nil
}

// longestText is how much of a name or a value from a file is shown.
const longestText = 200

// printable makes a string from a file safe for a terminal.
func printable(s string) string {
	if runes := []rune(s); len(runes) > longestText {
		s = string(runes[:longestText]) + "..."
	}
	if quoted := strconv.Quote(s); quoted[1:len(quoted)-1] != s {
		return quoted
	}
	return s
}

func optional(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', 6, 64)
}

// inspect lists the arrays of a file. Its first bytes, not its name, tell the
// format.
func inspect(path string, stats bool) (*inspection, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if file.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name a file in it, such as model.safetensors", path)
	}
	in := &inspection{File: path, Tensors: []tensorInfo{}}
	start := make([]byte, 6)
	n, _ := f.ReadAt(start, 0) // a shorter file is of no format, which its reader will say
	switch start := string(start[:n]); {
	case start == "\x93NUMPY":
		in.Format = "npy"
		err = in.readNPY(f, file.Size(), stats)
	case n >= 4 && (start[:4] == "PK\x03\x04" || start[:4] == "PK\x05\x06"):
		in.Format = "npz"
		err = in.readNPZ(f, file.Size(), stats)
	default:
		in.Format = "safetensors"
		err = in.readSafetensors(f, file.Size(), stats)
	}
	if err != nil {
		if in.Format == "safetensors" && filepath.Ext(path) != ".safetensors" { // a guess, and a bad one
			return nil, fmt.Errorf("%s is no file of arrays: give a .safetensors, .npy or .npz file (read as the first of them: %w)", path, err)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return in, nil
}

func (in *inspection) add(info tensorInfo, elementBits int) {
	in.Tensors = append(in.Tensors, info)
	in.Bytes += info.Bytes
	in.Elements += info.Bytes * 8 / int64(elementBits)
}

func (in *inspection) readSafetensors(f *os.File, size int64, stats bool) error {
	r, err := safetensors.NewReader(f, size)
	if err != nil {
		return err
	}
	in.Metadata = r.Metadata
	for _, t := range r.Tensors {
		info := tensorInfo{Name: t.Name, DType: string(t.DType), Shape: t.Shape, Bytes: int64(t.Size)}
		if decode := safetensorsElements[t.DType]; stats && decode != nil {
			whole, err := r.Tensor(t.Name)
			if err != nil {
				return err
			}
			info.Stats = measure(whole.Data, t.DType.Bits()/8, decode)
		}
		in.add(info, t.DType.Bits())
	}
	return nil
}

func (in *inspection) readNPY(f *os.File, size int64, stats bool) error {
	h, err := npy.ReadHeader(f)
	if err != nil {
		return err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if size-at != int64(h.Size) {
		return fmt.Errorf("not a usable .npy file: its header promises %d bytes of data, %d follow: copy or save it again", h.Size, size-at)
	}
	info := tensorInfo{DType: string(h.DType), Shape: h.Shape, Bytes: int64(h.Size)}
	if stats {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		whole, err := npy.Read(f)
		if err != nil {
			return err
		}
		info.Stats = measure(whole.Data, whole.DType.Size(), npyElements[whole.DType])
	}
	in.add(info, 8*h.DType.Size())
	return nil
}

func (in *inspection) readNPZ(f *os.File, size int64, stats bool) error {
	archive, err := npy.NewArchive(f, size)
	if err != nil {
		return err
	}
	for _, name := range archive.Names() {
		h, err := archive.Header(name)
		if err != nil {
			return err
		}
		info := tensorInfo{Name: name, DType: string(h.DType), Shape: h.Shape, Bytes: int64(h.Size)}
		if stats {
			whole, err := archive.Array(name)
			if err != nil {
				return err
			}
			info.Stats = measure(whole.Data, whole.DType.Size(), npyElements[whole.DType])
		}
		in.add(info, 8*h.DType.Size())
	}
	return nil
}
