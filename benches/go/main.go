// Command gopeers measures Prometheus' Go libraries on what `gobench` leaves
// out. It prints the same JSON lines, so that `skopos-bench record` takes both.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"time"
)

var (
	flagRuns    = flag.Int("runs", 7, "timed runs of each measurement; the median is reported")
	flagMinTime = flag.Duration("min-time", 300*time.Millisecond, "repeat the body until one run lasts at least this long")
)

// A command is one subject of measurement, registered by its own file.
type command struct {
	usage string
	run   func(args []string) error
}

var commands = map[string]command{}

func main() {
	flag.Usage = usage
	flag.Parse()
	c, ok := commands[flag.Arg(0)]
	if !ok {
		usage()
		os.Exit(2)
	}
	if err := c.run(flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gopeers:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: gopeers [-runs N] [-min-time D] COMMAND ARGUMENT...")
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(os.Stderr, "  %-14s %s\n", name, commands[name].usage)
	}
	flag.PrintDefaults()
}
