// Command hadal trains, tests and uses neural networks. It is a thin shell
// around package recipes: what it can do, a program can do by calling that.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
