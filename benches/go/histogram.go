package main

import (
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

func init() {
	commands["histogram-chunks"] = command{
		usage: "chunks of native histograms: append, iterate, all at once",
		run:   histogramChunks,
	}
}

// A histogramShape says how histograms of a series look. The same shapes, made
// of the same random numbers, are in `crates/chunk/examples/histogram_speed.rs`.
type histogramShape struct {
	name   string
	schema int32
	// How many buckets, in two spans, and how many observations an interval.
	buckets, observations int
	gauge                 bool
}

var histogramShapes = []histogramShape{
	{"latency", 3, 24, 200, false},
	{"sparse", 3, 24, 3, false},
	{"wide", 8, 160, 400, false},
	{"gauge", 3, 24, 50, true},
}

const (
	histogramSeries  = 20
	histogramSamples = 120
)

type histogramSample struct {
	t int64
	h *histogram.Histogram
	f *histogram.FloatHistogram
}

// splitMix is SplitMix64: a few lines in any language.
type splitMix uint64

func (s *splitMix) below(n int) int {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return int((z ^ (z >> 31)) % uint64(n))
}

// series makes the samples of one chunk.
func (shape histogramShape) series(seed int) []histogramSample {
	random := splitMix(seed)
	counts := make([]int64, shape.buckets)
	var zero, sum int64
	var samples []histogramSample
	for i := 0; i < histogramSamples; i++ {
		if shape.gauge {
			clear(counts)
			zero, sum = 0, 0
		}
		for n := random.below(2 * shape.observations); n > 0; n-- {
			third := random.below(shape.buckets) + random.below(shape.buckets) + random.below(shape.buckets)
			counts[third/3]++
			sum += int64(third)
		}
		zero += int64(random.below(2))
		half := uint32(shape.buckets / 2)
		h := &histogram.Histogram{
			Schema:        shape.schema,
			ZeroThreshold: 0x1p-128,
			ZeroCount:     uint64(zero),
			Count:         uint64(zero),
			Sum:           float64(sum) / 64,
			PositiveSpans: []histogram.Span{{Offset: -4, Length: half}, {Offset: 1, Length: uint32(shape.buckets) - half}},
		}
		if shape.gauge {
			h.CounterResetHint = histogram.GaugeType
		}
		var before int64
		for _, count := range counts {
			h.Count += uint64(count)
			h.PositiveBuckets = append(h.PositiveBuckets, count-before)
			before = count
		}
		t := 1_700_000_000_000 + int64(i)*15_000 + int64(random.below(20))
		samples = append(samples, histogramSample{t, h, h.ToFloat(nil)})
	}
	return samples
}

func histogramChunks([]string) error {
	for _, shape := range histogramShapes {
		var all [][]histogramSample
		for seed := 0; seed < histogramSeries; seed++ {
			all = append(all, shape.series(seed))
		}
		ops := histogramSeries * histogramSamples
		for _, float := range []bool{false, true} {
			name := "histogram"
			if float {
				name = "float-histogram"
			}
			var chunks []chunkenc.Chunk
			bytes := 0
			for _, samples := range all {
				chunks = append(chunks, appendHistograms(samples, float))
				bytes += len(chunks[len(chunks)-1].Bytes())
			}
			density := map[string]any{"bytes": float64(bytes) / float64(ops)}
			measure(ops, func() {
				for _, samples := range all {
					appendHistograms(samples, float)
				}
			}).emitTime(fmt.Sprintf("%s-append/%s", name, shape.name), "ns/sample", 1, density)
			for _, reuse := range []bool{true, false} {
				bench := "columns"
				if reuse {
					bench = "iterate"
				}
				measure(ops, func() { iterateHistograms(chunks, reuse) }).
					emitTime(fmt.Sprintf("%s-%s/%s", name, bench, shape.name), "ns/sample", 1, nil)
			}
		}
	}
	return nil
}

func appendHistograms(samples []histogramSample, float bool) chunkenc.Chunk {
	var chunk chunkenc.Chunk = chunkenc.NewHistogramChunk()
	if float {
		chunk = chunkenc.NewFloatHistogramChunk()
	}
	app, err := chunk.Appender()
	if err != nil {
		panic(err)
	}
	for _, sample := range samples {
		var other chunkenc.Chunk
		if float {
			other, _, _, err = app.AppendFloatHistogram(nil, sample.t, sample.f, false)
		} else {
			other, _, _, err = app.AppendHistogram(nil, sample.t, sample.h, false)
		}
		if other != nil || err != nil {
			panic("a sample does not fit its chunk")
		}
	}
	return chunk
}

// iterateHistograms reads float histograms, as queries do: into the memory of
// one, or each into memory of its own.
func iterateHistograms(chunks []chunkenc.Chunk, reuse bool) {
	var it chunkenc.Iterator
	var one histogram.FloatHistogram
	total := 0.0
	for _, chunk := range chunks {
		it = chunk.Iterator(it)
		for it.Next() != chunkenc.ValNone {
			if reuse {
				it.AtFloatHistogram(&one)
				total += one.Count
			} else {
				_, h := it.AtFloatHistogram(nil)
				total += h.Count
			}
		}
		if it.Err() != nil {
			panic(it.Err())
		}
	}
	if total == 0 {
		panic("no observations")
	}
}
