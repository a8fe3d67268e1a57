package antom

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

const (
	// tolerance for an answer's own time; Antom publishes none.
	tolerance = time.Minute
	// drift allows two clocks to part by 1/2000, ten times what quartz does.
	drift = 2000
	// skewWarning is where a difference of the clocks is worth a warning, and
	// skewFine where it no longer is: apart, so that a difference between them does
	// not warn at every other answer.
	skewWarning = 30 * time.Second
	skewFine    = 20 * time.Second

	requestTime = "2006-01-02T15:04:05.000-07:00" // Antom v2, headers: never Z
)

// farClock is what we know of Antom's clock: a time it showed, and when. That
// moment carries the monotonic clock where Options.Now gives it, so a jump of
// our own clock does not move Antom's.
type farClock struct {
	mu    sync.Mutex
	known bool
	shown time.Time
	at    time.Time
	asked time.Time // when Antom was last asked the time

	measured bool
	skew     time.Duration // as last seen; reported, and nothing else
	warned   bool
}

// noLaterThan returns a time that Antom's clock had reached at that moment. With
// nothing known it is our own.
func (f *farClock) noLaterThan(at time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.estimate(at)
}

func (f *farClock) estimate(at time.Time) time.Time {
	if !f.known {
		return at
	}
	passed := at.Sub(f.at)
	return f.shown.Add(passed - passed/drift)
}

// set takes a time that nobody could have forged.
func (f *farClock) set(shown, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known, f.shown, f.at = true, shown, at
}

// raise takes a time from a verified answer, which may be old but not early. So
// it is believed only where it is later than what was known.
func (f *farClock) raise(shown, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known && shown.Before(f.estimate(at)) {
		return
	}
	f.known, f.shown, f.at = true, shown, at
}

// note keeps the difference for reporting. It returns true when the difference
// has become worth a warning, or has ceased to be.
func (f *farClock) note(shown, at time.Time) (skew time.Duration, far, crossed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.measured, f.skew = true, shown.Round(0).Sub(at.Round(0))
	far = f.skew.Abs() > skewWarning || f.warned && f.skew.Abs() > skewFine
	crossed = far != f.warned
	f.warned = far
	return f.skew, far, crossed
}

func (f *farClock) last() (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.skew, f.measured
}

// readTime reads the time of an answer: ISO 8601 with an offset (Antom v2), or
// milliseconds since 1970 (Antom v1).
func readTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if ms, err := strconv.ParseUint(s, 10, 63); err == nil && len(s) == 13 {
		return time.UnixMilli(int64(ms)), nil
	}
	return time.Time{}, fmt.Errorf("unreadable time %q", clip(s, 64))
}
