package main

import (
	"slices"
	"sync"
	"time"

	"posagent/queue"
)

// callDiagnosis is the one call that the worker does not make, and callAnswered how
// it ends well: its answer decides nothing.
const (
	callDiagnosis queue.Action  = "diagnosis"
	callAnswered  queue.Verdict = "answered"
)

// recentCommits is how many commits the quantiles of a report look back on.
const recentCommits = 512

// figures counts what a running agent does, for those who watch it. It is for any
// goroutine.
type figures struct {
	mu      sync.Mutex
	ended   map[calledAs]int64
	took    map[queue.Action]*histogram
	commits *histogram
	recent  []time.Duration // the last commits, a ring
	next    int
}

// calledAs is a call and how it ended.
type calledAs struct {
	call    queue.Action
	verdict queue.Verdict
}

func newFigures() *figures {
	return &figures{ended: map[calledAs]int64{}, took: map[queue.Action]*histogram{}, commits: newHistogram(commitBounds())}
}

// answerBounds are the bounds of answer times, in seconds. A terminal answers when
// the customer is done.
func answerBounds() []float64 { return []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120} }

// commitBounds are those of commits: from a good SSD to a dying card.
func commitBounds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
}

// called counts a call that took so long.
func (f *figures) called(call queue.Action, verdict queue.Verdict, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended[calledAs{call, verdict}]++
	if f.took[call] == nil {
		f.took[call] = newHistogram(answerBounds())
	}
	f.took[call].observe(took.Seconds())
}

// committed counts a commit that took so long.
func (f *figures) committed(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits.observe(took.Seconds())
	if len(f.recent) < recentCommits {
		f.recent = append(f.recent, took)
		return
	}
	f.recent[f.next] = took
	f.next = (f.next + 1) % recentCommits
}

// commitTimes are the median and the 99th percentile of the last commits, zero
// where there was none, and how many there were in all.
func (f *figures) commitTimes() (p50, p99 time.Duration, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.recent) == 0 {
		return 0, 0, 0
	}
	sorted := slices.Clone(f.recent)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)*50/100], sorted[(len(sorted)-1)*99/100], f.commits.n
}

// histogram counts observations up to each of its bounds, and beyond.
type histogram struct {
	bounds []float64
	counts []int64 // of each bound alone; one more for what is beyond
	n      int64
	sum    float64
}

func newHistogram(bounds []float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]int64, len(bounds)+1)}
}

func (h *histogram) observe(v float64) {
	at, _ := slices.BinarySearch(h.bounds, v)
	h.counts[at]++
	h.n++
	h.sum += v
}
