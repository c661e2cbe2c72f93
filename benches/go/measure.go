package main

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"sort"
	"syscall"
	"time"
)

// A point is what one operation of one run cost, in nanoseconds and counts.
type point struct{ wall, cpu, allocs, bytes float64 }

// Points are the timed runs of one measurement.
type points []point

// measure runs body once to warm up, repeats it until a run lasts -min-time,
// and times -runs such runs. ops is what one call of body does.
func measure(ops int, body func()) points {
	begin := time.Now()
	body()
	reps := 1 + int(*flagMinTime/(time.Since(begin)+1))
	var out points
	for run := 0; run < *flagRuns; run++ {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu, wall := cpuTime(), time.Now()
		for i := 0; i < reps; i++ {
			body()
		}
		wallSpent, cpuSpent := time.Since(wall), cpuTime()-cpu
		runtime.ReadMemStats(&after)
		n := float64(reps) * float64(ops)
		out = append(out, point{
			wall:   float64(wallSpent) / n,
			cpu:    float64(cpuSpent) / n,
			allocs: float64(after.Mallocs-before.Mallocs) / n,
			bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
		})
	}
	return out
}

// cpuTime is the time that the process had on all cores, collector included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (p points) sorted(field func(point) float64) []float64 {
	var values []float64
	for _, one := range p {
		values = append(values, field(one))
	}
	sort.Float64s(values)
	return values
}

// emitTime prints a time per operation, div nanoseconds to the unit.
func (p points) emitTime(bench, unit string, div float64, extra map[string]any) {
	wall := p.sorted(func(p point) float64 { return p.wall / div })
	cpu := p.sorted(func(p point) float64 { return p.cpu / div })
	line := map[string]any{
		"min": wall[0], "max": wall[len(wall)-1],
		"cpu": cpu[len(cpu)/2], "cpu_min": cpu[0], "runs": len(p),
	}
	for key, value := range extra {
		line[key] = value
	}
	emit(bench, wall[len(wall)/2], unit, line)
}

// emitAllocs prints the allocations per operation and their bytes.
func (p points) emitAllocs(bench, per string) {
	allocs := p.sorted(func(p point) float64 { return p.allocs })
	bytes := p.sorted(func(p point) float64 { return p.bytes })
	emit(bench, allocs[len(allocs)/2], "allocs/"+per, nil)
	emit(bench, bytes[len(bytes)/2], "alloc-B/"+per, nil)
}

// emit prints one figure as a line of JSON, floats with six significant digits.
func emit(bench string, value float64, unit string, extra map[string]any) {
	line := map[string]any{"bench": bench, "value": value, "unit": unit}
	for key, value := range extra {
		line[key] = value
	}
	for key, value := range line {
		if f, ok := value.(float64); ok {
			line[key] = significant(f)
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}

func significant(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
