package csv_test

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/format/csv"
)

func ExampleRead() {
	file := "radius,texture,diagnosis\n17.99,10.38,M\n13.54,,B\n9.504,12.44,B\n"
	table, err := csv.Read(strings.NewReader(file), csv.Options{
		Text:    []string{"diagnosis"},
		Missing: csv.DropRow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(table.Columns, table.Values)
	fmt.Println(table.Classes("diagnosis"))
	// Output:
	// [radius texture] [17.99 10.38 9.504 12.44]
	// [B M] [1 0] <nil>
}
