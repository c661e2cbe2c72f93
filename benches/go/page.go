package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func init() {
	commands["read-page"] = command{
		usage: "MEDIA-TYPE FILE   prints the entries of a page, a line of JSON each; floats as their bits",
		run:   readPage,
	}
}

func readPage(args []string) error {
	if len(args) != 2 {
		return errors.New("read-page takes a media type and a file")
	}
	page, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	parser, err := textparse.New(page, args[0], "", true, false, false, labels.NewSymbolTable())
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(os.Stdout)
	defer buffer.Flush()
	out := json.NewEncoder(buffer)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := out.Encode(entryLine(parser, entry)); err != nil {
			return err
		}
	}
}

type line = map[string]any

func entryLine(parser textparse.Parser, entry textparse.Entry) line {
	switch entry {
	case textparse.EntryType:
		name, kind := parser.Type()
		return line{"e": "type", "name": string(name), "type": string(kind)}
	case textparse.EntryHelp:
		name, help := parser.Help()
		return line{"e": "help", "name": string(name), "help": string(help)}
	case textparse.EntryUnit:
		name, unit := parser.Unit()
		return line{"e": "unit", "name": string(name), "unit": string(unit)}
	case textparse.EntryComment:
		return line{"e": "comment", "text": string(parser.Comment())}
	case textparse.EntrySeries:
		series, millis, value := parser.Series()
		shown := line{"e": "series", "series": escaped(series), "v": bits(value)}
		addCommon(parser, shown, millis)
		return shown
	default:
		series, millis, integer, float := parser.Histogram()
		shown := line{"e": "histogram", "series": escaped(series)}
		addCommon(parser, shown, millis)
		if integer != nil {
			shown["h"] = integerLine(integer)
		} else {
			shown["fh"] = floatLine(float)
		}
		return shown
	}
}

func addCommon(parser textparse.Parser, shown line, millis *int64) {
	if millis != nil {
		shown["t"] = *millis
	}
	var set labels.Labels
	parser.Labels(&set)
	shown["labels"] = pairs(set)
	var exemplars []line
	for one := (exemplar.Exemplar{}); parser.Exemplar(&one); one = (exemplar.Exemplar{}) {
		example := line{"labels": pairs(one.Labels), "v": bits(one.Value)}
		if one.HasTs {
			example["t"] = one.Ts
		}
		exemplars = append(exemplars, example)
	}
	if exemplars != nil {
		shown["exemplars"] = exemplars
	}
	// A text page tells it in lines of its own.
	if _, ok := parser.(*textparse.ProtobufParser); ok {
		if start := parser.CreatedTimestamp(); start != 0 {
			shown["st"] = start
		}
	}
}

func integerLine(h *histogram.Histogram) line {
	shown := line{
		"zc": h.ZeroCount, "zt": bits(h.ZeroThreshold), "count": h.Count, "sum": bits(h.Sum),
		"schema": h.Schema, "ps": spans(h.PositiveSpans), "pb": append([]int64{}, h.PositiveBuckets...),
		"crh": hint(h.CounterResetHint),
	}
	if len(h.NegativeSpans) > 0 {
		shown["ns"], shown["nb"] = spans(h.NegativeSpans), h.NegativeBuckets
	}
	return shown
}

func floatLine(h *histogram.FloatHistogram) line {
	shown := line{
		"zc": bits(h.ZeroCount), "zt": bits(h.ZeroThreshold), "count": bits(h.Count), "sum": bits(h.Sum),
		"schema": h.Schema, "ps": spans(h.PositiveSpans), "pb": allBits(h.PositiveBuckets),
		"crh": hint(h.CounterResetHint),
	}
	if len(h.NegativeSpans) > 0 {
		shown["ns"], shown["nb"] = spans(h.NegativeSpans), allBits(h.NegativeBuckets)
	}
	return shown
}

func pairs(set labels.Labels) [][2]string {
	out := [][2]string{}
	set.Range(func(l labels.Label) { out = append(out, [2]string{l.Name, l.Value}) })
	return out
}

func spans(list []histogram.Span) [][2]int64 {
	out := [][2]int64{}
	for _, span := range list {
		out = append(out, [2]int64{int64(span.Offset), int64(span.Length)})
	}
	return out
}

func allBits(values []float64) []string {
	out := []string{}
	for _, value := range values {
		out = append(out, bits(value))
	}
	return out
}

func bits(value float64) string { return fmt.Sprintf("%016x", math.Float64bits(value)) }

func hint(h histogram.CounterResetHint) string {
	if h == histogram.GaugeType {
		return "gauge"
	}
	return "unknown"
}

// escaped is the text, or its bytes in hexadecimal: series of protobuf pages
// have separators that no text has.
func escaped(series []byte) any {
	if utf8.Valid(series) {
		return string(series)
	}
	return line{"hex": fmt.Sprintf("%x", series)}
}
