package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

func init() {
	commands["head-values"] = command{
		usage: "BLOCK CASES   label values under matchers, in a head with the block's series",
		run:   headValues,
	}
	commands["dump-labels"] = command{
		usage: "BLOCK   prints the block's label sets, one a line",
		run:   dumpLabels,
	}
}

// labelSets gives the label sets of a block, or of a data directory's first one, and its start.
func labelSets(dir string) ([]labels.Labels, int64, error) {
	block, err := openBlock(dir)
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

// dumpLabels prints a label set a line, name=value pairs with tabs between them.
func dumpLabels(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want BLOCK")
	}
	sets, _, err := labelSets(args[0])
	if err != nil {
		return err
	}
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

// headOf is a head in memory with these series.
func headOf(sets []labels.Labels, at int64) (*tsdb.Head, error) {
	dir, err := os.MkdirTemp("", "gopeers")
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

// headValues measures which values a label has among the series that match. They are not sorted, which
// a head leaves to its caller.
func headValues(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want BLOCK CASES")
	}
	sets, at, err := labelSets(args[0])
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
	return measureValues("labelvalues/head/", args[1], reader.LabelValues)
}
