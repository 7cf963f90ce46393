package recipes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Transfer is what became of the weights that a run started from.
type Transfer struct {
	From    string       `json:"from"`   // the file
	Loaded  []string     `json:"loaded"` // tensors that fitted by name and shape
	Skipped []nn.Skipped `json:"skipped"`
}

// String says how many tensors were loaded, and which were not and why.
func (t *Transfer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d tensors loaded from %s", len(t.Loaded), len(t.Loaded)+len(t.Skipped), t.From)
	for _, s := range t.Skipped {
		fmt.Fprintf(&b, "\n  not %s: %s", s.Name, s.Reason)
	}
	return b.String()
}

// prepare gives the networks of a run the weights they start from, unless there
// are later ones in its folder, and freezes what is not to be learned.
func prepare(r recipe.Recipe, c Config, members []nn.Module, dir string, o Options) error {
	last := filepath.Join(dir, CheckpointFile) // of the member that is trained last
	if len(members) > 1 {
		last = filepath.Join(memberDir(dir, len(members)-1), CheckpointFile)
	}
	if c.Init != "" && !exists(last) {
		t, err := initialise(r.Name, members, c.Init, c.Fresh)
		if err != nil {
			return err
		}
		if o.Initialised != nil {
			o.Initialised(t)
		}
	}
	if c.Freeze != "" {
		for _, m := range members {
			if err := freeze(r.Name, m, c.Freeze); err != nil {
				return err
			}
		}
	}
	return nil
}

// readInitial reads the weights that a run is to start from: a safetensors file,
// or the model of the run in a folder.
func readInitial(from string) (path string, state map[string]*tensor.Tensor, err error) {
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil, fmt.Errorf("there is no %s to start from: --init needs the folder of a run or a safetensors file", from)
	}
	if err != nil {
		return "", nil, err
	}
	path = from
	if info.IsDir() {
		c, r, err := readConfig(from)
		if err != nil {
			return "", nil, err
		}
		path = filepath.Join(from, ModelFile)
		if c.Members > 1 {
			return "", nil, fmt.Errorf("%s is a run of %s, an ensemble of %d networks: start from one of them, such as --init %s", from, r.Name, c.Members, filepath.Join(memberDir(from, 0), ModelFile))
		}
		if !exists(path) {
			return "", nil, fmt.Errorf("%s has no %s yet, so there is nothing to start from; go on with hadal train --resume %s", from, ModelFile, from)
		}
	}
	state, _, err = nn.LoadTensors(path)
	return path, state, err
}

// initialise gives the networks of a new run the weights of another, but for
// those that match one of the patterns in fresh, which commas separate.
func initialise(name string, members []nn.Module, from, fresh string) (*Transfer, error) {
	path, state, err := readInitial(from)
	if err != nil {
		return nil, err
	}
	t := &Transfer{From: path}
	var except []string
	if fresh != "" {
		except = strings.Split(fresh, ",")
	}
	for _, m := range members { // built alike, so that what fits one fits all
		if t.Loaded, t.Skipped, err = nn.LoadFitting(m, state, except...); err != nil {
			return nil, fmt.Errorf("--fresh: %w; %s has: %s", err, name, parameterNames(m))
		}
	}
	if len(t.Loaded) == 0 {
		return nil, fmt.Errorf("nothing in %s fits %s: no tensor has the name and the shape of one of its own; hadal inspect %s lists them", path, name, path)
	}
	return t, nil
}

// freeze stops the learning of the parameters that any of the patterns, which
// commas separate, matches.
func freeze(name string, m nn.Module, patterns string) error {
	for pattern := range strings.SplitSeq(patterns, ",") {
		n, err := nn.Freeze(m, pattern)
		if err != nil {
			return fmt.Errorf("--freeze: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("--freeze %s matches no parameter of %s, which has: %s", pattern, name, parameterNames(m))
		}
	}
	for _, p := range nn.Parameters(m) {
		if p.RequiresGrad() {
			return nil
		}
	}
	return fmt.Errorf("--freeze %s leaves nothing of %s to learn", patterns, name)
}

// parameterNames lists the names of a model's parameters.
func parameterNames(m nn.Module) string {
	var names []string
	for _, p := range nn.Parameters(m) {
		names = append(names, p.Name())
	}
	return strings.Join(names, ", ")
}
