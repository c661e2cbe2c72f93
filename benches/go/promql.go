package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

func init() {
	commands["promql-table"] = command{
		usage: "[NAME...]   range queries over series in memory, those of skopos-bench promql-table",
		run:   promqlTable,
	}
}

// A tableRow is a query over one of the tables, with its grid in seconds.
type tableRow struct {
	name, query        string
	table              func() table
	start, step, steps int64
}

func tableRows() []tableRow {
	var rows []tableRow
	long := func(name, query string) {
		rows = append(rows, tableRow{name, query, days, 86400, 60, 1000})
	}
	wide := func(name, query string) {
		rows = append(rows, tableRow{name, query, hour, 600, 15, 241})
	}
	long("rate_1d", "rate(c[1d])")
	long("increase_1d", "increase(c[1d])")
	long("delta_1d", "delta(g[1d])")
	long("changes_1d", "changes(g[1d])")
	long("resets_1d", "resets(c[1d])")
	long("count_1d", "count_over_time(g[1d])")
	long("present_1d", "present_over_time(g[1d])")
	long("last_1d", "last_over_time(g[1d])")
	long("min_1d", "min_over_time(g[1d])")
	long("max_1d", "max_over_time(g[1d])")
	long("sum_1d", "sum_over_time(g[1d])")
	long("sum_whole_1d", "sum_over_time(n[1d])")
	long("avg_1d", "avg_over_time(g[1d])")
	long("avg_whole_1d", "avg_over_time(n[1d])")
	long("stddev_1d", "stddev_over_time(g[1d])")
	long("quantile_1d", "quantile_over_time(0.9, g[1d])")
	wide("sum_rate", "sum(rate(x[1m]))")
	wide("sum_by_rate", "sum by (job) (rate(x[5m]))")
	wide("selector", "x")
	wide("topk", "topk(5, x)")
	wide("sum", "sum(x)")
	wide("sum_by", "sum by (job) (x)")
	wide("avg_by", "avg by (job) (x)")
	wide("max_by", "max by (job) (x)")
	wide("matching", "x - y")
	wide("group_left", "x * on (instance) group_left (version) info")
	rows = append(rows, tableRow{
		"histogram_quantile", "histogram_quantile(0.9, rate(h[5m]))", buckets, 600, 15, 1000,
	})
	return rows
}

func promqlTable(names []string) error {
	for _, row := range tableRows() {
		if len(names) != 0 && !slices.Contains(names, row.name) {
			continue
		}
		source := row.table()
		engine := promql.NewEngine(promql.EngineOpts{
			MaxSamples: math.MaxInt32, Timeout: time.Hour, LookbackDelta: 5 * time.Minute,
		})
		start := time.Unix(row.start, 0)
		end := start.Add(time.Duration((row.steps-1)*row.step) * time.Second)
		step := time.Duration(row.step) * time.Second
		var failed error
		var digest uint64
		once := func() {
			query, err := engine.NewRangeQuery(context.Background(), source, nil, row.query, start, end, step)
			if err != nil {
				failed = err
				return
			}
			defer query.Close()
			result := query.Exec(context.Background())
			if result.Err != nil {
				failed = result.Err
				return
			}
			matrix, err := result.Matrix()
			if err != nil {
				failed = err
				return
			}
			digest = 0
			for _, series := range matrix {
				for _, point := range series.Floats {
					digest = digest*31 + math.Float64bits(point.F)
				}
			}
		}
		measured := measure(1, once)
		if failed != nil {
			return fmt.Errorf("%s: %w", row.query, failed)
		}
		extra := map[string]any{"query": row.query, "digest": fmt.Sprintf("%016x", digest)}
		measured.emitTime("promql-table/"+row.name, "ms", 1e6, extra)
		measured.emitAllocs("promql-table/"+row.name, "query")
	}
	return nil
}

// A random gives the same numbers as the one of the Rust example.
type random uint64

func (r *random) next(below uint64) uint64 {
	*r = *r*6364136223846793005 + 1
	return uint64(*r>>33) % below
}

type floatSample struct {
	t int64
	f float64
}

func (s floatSample) T() int64                      { return s.t }
func (s floatSample) F() float64                    { return s.f }
func (s floatSample) H() *histogram.Histogram       { return nil }
func (s floatSample) FH() *histogram.FloatHistogram { return nil }
func (s floatSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s floatSample) Copy() chunks.Sample           { return s }

// A table holds the series of each metric name.
type table map[string][]storage.Series

func (t table) add(count int64, value func() float64, pairs ...string) {
	samples := make([]chunks.Sample, count)
	for i := range samples {
		samples[i] = floatSample{int64(i)*15000 + 1000, value()}
	}
	name := pairs[1]
	t[name] = append(t[name], storage.NewListSeries(labels.FromStrings(pairs...), samples))
}

func (t table) sorted() table {
	for _, series := range t {
		slices.SortFunc(series, func(a, b storage.Series) int {
			return labels.Compare(a.Labels(), b.Labels())
		})
	}
	return t
}

func (t table) Querier(_, _ int64) (storage.Querier, error) { return tableQuerier{table: t}, nil }

// A tableQuerier answers by metric name.
type tableQuerier struct {
	storage.LabelQuerier
	table table
}

func (tableQuerier) Close() error { return nil }

func (q tableQuerier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	for _, m := range matchers {
		if m.Name == labels.MetricName {
			return &tableSet{series: q.table[m.Value], at: -1}
		}
	}
	return storage.EmptySeriesSet()
}

type tableSet struct {
	series []storage.Series
	at     int
}

func (s *tableSet) Next() bool                      { s.at++; return s.at < len(s.series) }
func (s *tableSet) At() storage.Series              { return s.series[s.at] }
func (*tableSet) Err() error                        { return nil }
func (*tableSet) Warnings() annotations.Annotations { return nil }

// days are counters with a reset now and then, gauges, and whole numbers.
func days() table {
	r, t := random(1), table{}
	for i := range 100 {
		instance := "host-" + strconv.Itoa(i)
		counter := 0.0
		t.add(9760, func() float64 {
			if r.next(2000) == 0 {
				counter = 0
			} else {
				counter += float64(r.next(100))
			}
			return counter
		}, "__name__", "c", "instance", instance)
		t.add(9760, func() float64 { return float64(r.next(10000)) / 100 }, "__name__", "g", "instance", instance)
		t.add(9760, func() float64 { return float64(r.next(100)) }, "__name__", "n", "instance", instance)
	}
	return t.sorted()
}

// hour is thousands of series for an hour.
func hour() table {
	r, t := random(2), table{}
	for i := range 300 {
		instance, job := "host-"+strconv.Itoa(i), "job-"+strconv.Itoa(i%10)
		t.add(300, func() float64 { return 1 }, "__name__", "info", "instance", instance, "version", "1.2.3")
		for part := range 10 {
			for _, name := range []string{"x", "y"} {
				counter := 0.0
				t.add(300, func() float64 {
					counter += float64(r.next(1000)) / 8
					return counter
				}, "__name__", name, "instance", instance, "job", job, "part", strconv.Itoa(part))
			}
		}
	}
	return t.sorted()
}

// buckets is a hundred classic histograms.
func buckets() table {
	bounds := []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"}
	r, t := random(3), table{}
	for i := range 100 {
		instance := "host-" + strconv.Itoa(i)
		for at, bound := range bounds {
			counter := 0.0
			t.add(1060, func() float64 {
				counter += float64(10*uint64(at) + r.next(10))
				return counter
			}, "__name__", "h", "instance", instance, "le", bound)
		}
	}
	return t.sorted()
}
