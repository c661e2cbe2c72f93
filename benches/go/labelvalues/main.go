// Labelvalues measures Prometheus' own answer to "which values has this label among the series that
// match", from an in-memory head with the series of a block. It prints a JSON object a line.
//
//	labelvalues dump   BLOCKDIR         one label set a line, name=value pairs with tabs between them
//	labelvalues values BLOCKDIR CASES   CASES: name<TAB>label<TAB>selector lines
//
// With `values`, the values are not sorted, which a head leaves to its caller.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "labelvalues:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "dump":
		sets, _, err := read(args[1])
		if err != nil {
			return err
		}
		return dump(sets)
	case len(args) == 3 && args[0] == "values":
		return values(args[1], args[2])
	}
	return fmt.Errorf("want dump BLOCKDIR, or values BLOCKDIR CASES")
}

// read gives the label sets of a block, or of a data directory's first one, and its start.
func read(dir string) ([]labels.Labels, int64, error) {
	if _, err := os.Stat(filepath.Join(dir, "meta.json")); err != nil {
		metas, _ := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
		if len(metas) == 0 {
			return nil, 0, fmt.Errorf("%s: no block", dir)
		}
		dir = filepath.Dir(metas[0])
	}
	block, err := tsdb.OpenBlock(nil, dir, nil, nil)
	if err != nil {
		return nil, 0, err
	}
	defer block.Close()
	reader, err := block.Index()
	if err != nil {
		return nil, 0, err
	}
	defer reader.Close()
	name, value := index.AllPostingsKey()
	postings, err := reader.Postings(context.Background(), name, value)
	if err != nil {
		return nil, 0, err
	}
	var (
		sets    []labels.Labels
		builder labels.ScratchBuilder
		metas   []chunks.Meta
	)
	for postings.Next() {
		if err := reader.Series(postings.At(), &builder, &metas); err != nil {
			return nil, 0, err
		}
		var set labels.Labels
		builder.Sort()
		builder.Overwrite(&set)
		sets = append(sets, set.Copy())
	}
	return sets, block.Meta().MinTime, postings.Err()
}

func dump(sets []labels.Labels) error {
	out := bufio.NewWriter(os.Stdout)
	for _, set := range sets {
		separator := ""
		set.Range(func(label labels.Label) {
			fmt.Fprintf(out, "%s%s=%s", separator, label.Name, label.Value)
			separator = "\t"
		})
		fmt.Fprintln(out)
	}
	return out.Flush()
}

func headOf(sets []labels.Labels, at int64) (*tsdb.Head, error) {
	dir, err := os.MkdirTemp("", "labelvalues")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // nothing of the head is read back from disk
	options := tsdb.DefaultHeadOptions()
	options.ChunkDirRoot = dir
	head, err := tsdb.NewHead(nil, nil, nil, nil, options, tsdb.NewHeadStats())
	if err != nil {
		return nil, err
	}
	if err := head.Init(at); err != nil {
		return nil, err
	}
	for len(sets) > 0 {
		batch := sets[:min(len(sets), 10_000)]
		sets = sets[len(batch):]
		appender := head.Appender(context.Background())
		for _, set := range batch {
			if _, err := appender.Append(0, set, at, 1); err != nil {
				return nil, err
			}
		}
		if err := appender.Commit(); err != nil {
			return nil, err
		}
	}
	return head, nil
}

func values(dir, file string) error {
	sets, at, err := read(dir)
	if err != nil {
		return err
	}
	head, err := headOf(sets, at)
	if err != nil {
		return err
	}
	defer head.Close()
	reader, err := head.Index()
	if err != nil {
		return err
	}
	defer reader.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			return fmt.Errorf("want name<TAB>label<TAB>selector: %q", line)
		}
		matchers, err := parser.ParseMetricSelector(fields[2])
		if err != nil {
			return err
		}
		found := 0
		cpu := least(func() {
			values, err := reader.LabelValues(context.Background(), fields[1], nil, matchers...)
			if err != nil {
				panic(err)
			}
			found = len(values)
		})
		out, err := json.Marshal(map[string]any{
			"bench": "labelvalues/head/" + fields[0], "unit": "us", "value": cpu / 1e3,
			"label": fields[1], "selector": fields[2], "values": found,
		})
		if err != nil {
			return err
		}
		fmt.Println(string(out))
	}
	return nil
}

func cpuNow() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// least is the least processor time in nanoseconds of seven measurements of a tenth of a second.
func least(body func()) float64 {
	start := time.Now()
	body()
	rounds := int(100*time.Millisecond/max(time.Since(start), 1)) + 1
	best := 0.0
	for i := 0; i < 7; i++ {
		runtime.GC()
		start := cpuNow()
		for j := 0; j < rounds; j++ {
			body()
		}
		if each := float64(cpuNow()-start) / float64(rounds); i == 0 || each < best {
			best = each
		}
	}
	return best
}
