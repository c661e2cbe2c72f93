package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/index"
)

func init() {
	commands["index-open"] = command{
		usage: "FILE SELECTOR   a block's index file: opened, and opened and asked once",
		run:   indexOpen,
	}
	commands["index-values"] = command{
		usage: "BLOCK CASES   label values under matchers, a 'name<TAB>label<TAB>selector' a line",
		run:   indexValues,
	}
}

func indexOpen(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want FILE SELECTOR")
	}
	matchers, err := parser.ParseMetricSelector(args[1])
	if err != nil {
		return err
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return err
	}
	open := func() *index.Reader {
		reader, err := index.NewFileReader(args[0], index.DecodePostingsRaw)
		if err != nil {
			panic(err)
		}
		return reader
	}
	opened := measure(1, func() { open().Close() })
	opened.emitTime("index/block/open", "us", 1e3, map[string]any{"bytes": info.Size()})
	series := 0
	asked := measure(1, func() {
		reader := open()
		defer reader.Close()
		postings, err := tsdb.PostingsForMatchers(context.Background(), reader, matchers...)
		if err != nil {
			panic(err)
		}
		series = 0
		for postings.Next() {
			series++
		}
		if err := postings.Err(); err != nil {
			panic(err)
		}
	})
	asked.emitTime("index/block/open-and-select", "us", 1e3, map[string]any{
		"selector": args[1], "series": series, "bytes": info.Size(),
	})
	return nil
}

func indexValues(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want BLOCK CASES")
	}
	block, err := openBlock(args[0])
	if err != nil {
		return err
	}
	defer block.Close()
	reader, err := block.Index()
	if err != nil {
		return err
	}
	defer reader.Close()
	return measureValues("index/block/values/", args[1], reader.SortedLabelValues)
}

// labelValues is how an index is asked for the values of a label.
type labelValues func(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, error)

// measureValues asks each case of a file of name<TAB>label<TAB>selector lines.
func measureValues(prefix, file string, ask labelValues) error {
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
		var matchers []*labels.Matcher
		if fields[2] != "" {
			if matchers, err = parser.ParseMetricSelector(fields[2]); err != nil {
				return err
			}
		}
		count := 0
		measured := measure(1, func() {
			values, err := ask(context.Background(), fields[1], nil, matchers...)
			if err != nil {
				panic(err)
			}
			count = len(values)
		})
		measured.emitTime(prefix+fields[0], "us", 1e3, map[string]any{
			"label": fields[1], "selector": fields[2], "values": count,
		})
	}
	return nil
}

// openBlock opens a block, or the first one in a data directory.
func openBlock(folder string) (*tsdb.Block, error) {
	if _, err := os.Stat(filepath.Join(folder, "meta.json")); err != nil {
		metas, _ := filepath.Glob(filepath.Join(folder, "*", "meta.json"))
		if len(metas) == 0 {
			return nil, fmt.Errorf("%s: no block", folder)
		}
		folder = filepath.Dir(metas[0])
	}
	return tsdb.OpenBlock(nil, folder, nil, nil)
}
