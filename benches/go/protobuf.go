package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func init() {
	commands["parse-protobuf"] = command{
		usage: "FILE...   delimited protobuf pages, entry by entry, with and without labels",
		run:   parseProtobuf,
	}
}

func parseProtobuf(files []string) error {
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, variant := range []string{"labels", "nolabels"} {
			symbols := labels.NewSymbolTable()
			withLabels := variant == "labels"
			samples, err := walkProtobuf(page, symbols, withLabels)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			measured := measure(samples, func() {
				if again, err := walkProtobuf(page, symbols, withLabels); err != nil || again != samples {
					panic(fmt.Sprint(again, err))
				}
			})
			name := "parse/protobuf/" + variant + "/" + filepath.Base(file)
			measured.emitTime(name, "ns/sample", 1, map[string]any{"samples": samples, "bytes": len(page)})
			measured.emitAllocs(name, "sample")
		}
	}
	return nil
}

// walkProtobuf counts the samples of a page, floats and histograms alike. With
// labels it makes each sample's label set and reads its exemplars, as a scrape
// of unknown series does.
func walkProtobuf(page []byte, symbols *labels.SymbolTable, withLabels bool) (int, error) {
	parser := textparse.NewProtobufParser(page, true, false, symbols)
	samples := 0
	var set labels.Labels
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return samples, err
		}
		switch entry {
		case textparse.EntrySeries:
			parser.Series()
		case textparse.EntryHistogram:
			parser.Histogram()
		default:
			continue
		}
		samples++
		if !withLabels {
			continue
		}
		parser.Labels(&set)
		for one := (exemplar.Exemplar{}); parser.Exemplar(&one); {
			one = exemplar.Exemplar{}
		}
	}
}
