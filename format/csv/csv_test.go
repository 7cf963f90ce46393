package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// same compares tables; NaN equals NaN.
func same(a, b Table) bool {
	return a.Rows == b.Rows && slices.Equal(a.Columns, b.Columns) &&
		slices.EqualFunc(a.Values, b.Values, func(x, y float64) bool { return x == y || (math.IsNaN(x) && math.IsNaN(y)) }) &&
		slices.EqualFunc(a.Text, b.Text, func(x, y TextColumn) bool { return x.Name == y.Name && slices.Equal(x.Values, y.Values) })
}

const flowers = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n6.3,3.3,setosa\n"

var species = Options{Text: []string{"species"}}

func TestRead(t *testing.T) {
	nan := math.NaN()
	cases := []struct {
		name    string
		file    string
		options Options
		want    Table
	}{
		{"numbers", "a,b\n1,2\n3,-4.5e-3\n", Options{}, Table{2, []string{"a", "b"}, []float64{1, 2, 3, -0.0045}, nil}},
		{"label", flowers, species, Table{3, []string{"length", "width"}, []float64{5.1, 3.5, 7, 3.2, 6.3, 3.3},
			[]TextColumn{{"species", []string{"setosa", "versicolor", "setosa"}}}}},
		{"label first", "k,x\nyes,1\nno,2\n", Options{Text: []string{"k"}}, Table{2, []string{"x"}, []float64{1, 2}, []TextColumn{{"k", []string{"yes", "no"}}}}},
		{"no rows", "a,b\n", Options{}, Table{0, []string{"a", "b"}, nil, nil}},
		{"no last newline", "a\n1", Options{}, Table{1, []string{"a"}, []float64{1}, nil}},
		{"Windows", "\xef\xbb\xbfa,b\r\n1,2\r\n", Options{}, Table{1, []string{"a", "b"}, []float64{1, 2}, nil}},
		{"empty lines", "a\n\n1\n\n2\n", Options{}, Table{2, []string{"a"}, []float64{1, 2}, nil}},
		{"spaces", "a,b\n 1 ,\t2\n", Options{}, Table{1, []string{"a", "b"}, []float64{1, 2}, nil}},
		{"quotes", "\"a, \"\"b\"\"\",c\n\"1\",\"x,\ny\"\n", Options{Text: []string{"c"}}, Table{1, []string{`a, "b"`}, []float64{1}, []TextColumn{{"c", []string{"x,\ny"}}}}},
		{"semicolons", "a;b\n1;2\n", Options{Comma: ';'}, Table{1, []string{"a", "b"}, []float64{1, 2}, nil}},
		{"no header", "1,M\n2,B\n", Options{Header: []string{"x", "diagnosis"}, Text: []string{"diagnosis"}},
			Table{2, []string{"x"}, []float64{1, 2}, []TextColumn{{"diagnosis", []string{"M", "B"}}}}},
		{"missing as NaN", "a,b\n,2\nNA,?\nnan,n/a\nNone,null\n-, \n", Options{Missing: AsNaN},
			Table{5, []string{"a", "b"}, []float64{nan, 2, nan, nan, nan, nan, nan, nan, nan, nan}, nil}},
		{"missing rows dropped", "a,k,b\n1,x,2\n3,y,\n,z,4\n5,w,6\n", Options{Missing: DropRow, Text: []string{"k"}},
			Table{2, []string{"a", "b"}, []float64{1, 2, 5, 6}, []TextColumn{{"k", []string{"x", "w"}}}}},
		{"empty text is a value", "a,k\n1,\n", Options{Text: []string{"k"}}, Table{1, []string{"a"}, []float64{1}, []TextColumn{{"k", []string{""}}}}},
	}
	for _, c := range cases {
		if got, err := Read(strings.NewReader(c.file), c.options); err != nil || !same(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// hostile lists files that must be refused, and a part of the reason.
var hostile = []struct {
	name    string
	file    string
	options Options
	want    string
}{
	{"empty", "", Options{}, "a header line is needed"},
	{"text in a column of numbers", "a,b\n1,2\n3,x\n", Options{}, `line 3, byte 3, column "b": "x" is not a number`},
	{"after a quoted line break", "k,b\n\"x\ny\",2\nz,oops\n", Options{Text: []string{"k"}}, `line 4, byte 3, column "b"`},
	{"missing", "a,b\n1,\n", Options{}, `line 2, byte 3, column "b": the value is missing`},
	{"NaN", "a\nNaN\n", Options{}, "missing"},
	{"infinity", "a\ninf\n", Options{}, "not a finite number"},
	{"too large", "a\n1e999\n", Options{}, "too large"},
	{"hexadecimal", "a\n0x1p4\n", Options{}, "not a number"},
	{"underscores", "a\n1_000\n", Options{}, "not a number"},
	{"long text", "a\n" + strings.Repeat("x", 1000) + "\n", Options{}, strings.Repeat("x", 40) + `"... is not a number`},
	{"too few fields", "a,b\n1\n", Options{}, "line 2 has 1 fields, but there are 2 columns"},
	{"too many fields", "a,b\n1,2\n1,2,3\n", Options{}, "line 3 has 3 fields"},
	{"column without a name", "a,,b\n", Options{}, "column 2 has no name"},
	{"two of a name", "a,b,a\n", Options{}, `two columns are named "a"`},
	{"no such text column", "a,b\n", Options{Text: []string{"c"}}, `no column "c"; the columns are a, b`},
	{"bare quote", "a\n1\"2\n", Options{}, `line 2, byte 2: bare "`},
	{"quote not closed", "a\n\"1\n", Options{}, "line 2, byte 4"},
	{"header not closed", "\"a\n", Options{}, "extraneous or missing"},
	{"bad separator", "a\n", Options{Comma: '"'}, "invalid field or comment delimiter"},
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, c := range hostile {
		if _, err := Read(strings.NewReader(c.file), c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	oops := errors.New("oops")
	for _, start := range []string{"", "a\n1\n"} {
		if _, err := Read(io.MultiReader(strings.NewReader(start), iotest.ErrReader(oops)), Options{}); !errors.Is(err, oops) {
			t.Errorf("a disk that breaks after %q: %v", start, err)
		}
	}
}

// A lone empty field would be an empty line, which readers pass over.
func TestLoneEmptyFieldIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		table   Table
		options Options
	}{
		"number": {Table{3, []string{"a"}, []float64{1, math.NaN(), 2}, nil}, Options{Missing: AsNaN}},
		"text":   {Table{2, nil, nil, []TextColumn{{"k", []string{"", "x"}}}}, Options{Text: []string{"k"}}},
	} {
		var buf bytes.Buffer
		if err := Write(&buf, c.table); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(&buf, c.options); err != nil || !same(got, c.table) {
			t.Errorf("%s: read %v, %v; wrote %v", name, got, err, c.table)
		}
	}
	lone := Table{1, []string{"a"}, []float64{math.NaN()}, nil}
	if err := Write(failingWriter{}, lone); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestColumn(t *testing.T) {
	table, err := Read(strings.NewReader(flowers), species)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := table.Column("width"); err != nil || !slices.Equal(got, []float64{3.5, 3.2, 3.3}) {
		t.Errorf("width is %v, %v", got, err)
	}
	if _, err := table.Column("species"); err == nil || !strings.Contains(err.Error(), "there are length, width") {
		t.Errorf("a column of text as numbers: %v", err)
	}
}

func TestClasses(t *testing.T) {
	table, err := Read(strings.NewReader("k,x\nc,1\na,2\nc,3\nb,4\n"), Options{Text: []string{"k"}})
	if err != nil {
		t.Fatal(err)
	}
	classes, index, err := table.Classes("k")
	if err != nil || !slices.Equal(classes, []string{"a", "b", "c"}) || !slices.Equal(index, []int{2, 0, 2, 1}) {
		t.Errorf("classes are %v, %v, %v", classes, index, err)
	}
	if !slices.Equal(table.Text[0].Values, []string{"c", "a", "c", "b"}) {
		t.Errorf("Classes sorted the table itself: %v", table.Text[0].Values)
	}
	if _, _, err := table.Classes("x"); err == nil || !strings.Contains(err.Error(), "name it in Options.Text") {
		t.Errorf("classes of numbers: %v", err)
	}
}

func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.csv")
	want, err := Read(strings.NewReader(flowers), species)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, want); err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile(path); err != nil || string(file) != flowers {
		t.Errorf("wrote %q, %v; want %q", file, err, flowers)
	}
	if got, err := ReadFile(path, species); err != nil || !same(got, want) {
		t.Errorf("read %v, %v; want %v", got, err, want)
	}
	if _, err := ReadFile(path, Options{}); err == nil || !strings.Contains(err.Error(), path+": line 2") {
		t.Errorf("error %v, want one that names the file and the line", err)
	}
	if _, err := ReadFile(path+"x", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		table Table
		want  string
	}{
		"no columns":            {Table{}, "without columns"},
		"too few values":        {Table{2, []string{"a"}, []float64{1}, nil}, "need 2 values, but there are 1"},
		"too few texts":         {Table{1, nil, nil, []TextColumn{{"k", nil}}}, "has 0 values for 1 rows"},
		"two of a name":         {Table{0, []string{"a", "a"}, nil, nil}, `two columns are named "a"`},
		"infinity":              {Table{1, []string{"a"}, []float64{math.Inf(-1)}, nil}, "infinite"},
		"column without a name": {Table{0, []string{""}, nil, nil}, "no name"},
	} {
		if err := Write(io.Discard, c.table); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	long := Table{5000, []string{"a"}, make([]float64, 5000), nil}
	if err := Write(failingWriter{}, long); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMemoryIsASmallMultipleOfTheInput(t *testing.T) {
	var wide strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&wide, "%x,", i)
	}
	for name, file := range map[string]string{
		"wide":       wide.String() + "x\n",
		"long field": "a\n\"" + strings.Repeat("x", 1<<20),
		"long table": "a\n" + strings.Repeat("1\n", 100_000),
		"quotes":     strings.Repeat("\"", 1<<19),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Read(strings.NewReader(file), Options{})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(50*len(file)) {
			t.Errorf("%s: %d bytes took %d of memory", name, len(file), took)
		}
	}
}

// Line ends inside a text are not drawn with a carriage return: RFC 4180 readers
// take "\r\n" in quotes for "\n".
func TestRandomTablesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\r") })
		names := rapid.SliceOfNDistinct(text.Filter(func(s string) bool { return s != "" && !strings.HasPrefix(s, "\ufeff") }), 1, 5, rapid.ID[string]).Draw(t, "names")
		want := Table{Rows: rapid.IntRange(0, 5).Draw(t, "rows")}
		numbers := rapid.IntRange(0, len(names)).Draw(t, "numbers")
		want.Columns = names[:numbers]
		finite := rapid.Float64().Filter(func(x float64) bool { return !math.IsInf(x, 0) })
		want.Values = rapid.SliceOfN(finite, want.Rows*numbers, want.Rows*numbers).Draw(t, "values")
		if len(want.Values) > 0 && rapid.Bool().Draw(t, "hasNaN") {
			want.Values[0] = math.NaN()
		}
		for _, name := range names[numbers:] {
			want.Text = append(want.Text, TextColumn{name, rapid.SliceOfN(text, want.Rows, want.Rows).Draw(t, "text")})
		}
		var buf bytes.Buffer
		if err := Write(&buf, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&buf, Options{Text: names[numbers:], Missing: AsNaN})
		if err != nil || !same(got, want) {
			t.Fatalf("read %v, %v; wrote %v", got, err, want)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.file)
	}
	f.Add(flowers)
	f.Add("\xef\xbb\xbfa,\"b\"\r\n1,2\r\n,?\r\n")
	f.Fuzz(func(t *testing.T, file string) {
		for _, options := range []Options{{Missing: AsNaN}, {Missing: DropRow, Comma: ';'}, {Text: []string{"species", "k"}}} {
			table, err := Read(strings.NewReader(file), options)
			if err != nil {
				if !reflect.DeepEqual(table, Table{}) {
					t.Fatalf("an error along with a table: %v, %v", table, err)
				}
				continue
			}
			if len(table.Values) != table.Rows*len(table.Columns) {
				t.Fatalf("%d values in %d rows of %d columns", len(table.Values), table.Rows, len(table.Columns))
			}
			var buf bytes.Buffer
			if err := Write(&buf, table); err != nil {
				t.Fatalf("cannot be written again: %v", err)
			}
			options.Comma = 0
			again, err := Read(&buf, options)
			if err != nil || again.Rows > table.Rows {
				t.Fatalf("cannot be read again: %v", err)
			}
		}
	})
}
