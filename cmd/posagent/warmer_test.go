package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// warmed runs a warmer in fake time; well says how each attempt goes.
func warmed(t *testing.T, well func() bool, do func(w *warmer, tries func() []time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		w := newWarmer(func(context.Context) bool {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(began))
			return well()
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.run(ctx) }()
		do(w, func() []time.Duration {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(at)
		})
		cancel()
		<-ended
	})
}

func TestAnIdleShopIsLeftInPeace(t *testing.T) {
	warmed(t, func() bool { return true }, func(_ *warmer, tries func() []time.Duration) {
		time.Sleep(24 * time.Hour)
		got := tries()
		if len(got) != 7 || got[0] != 0 || got[1] != warmEvery || got[6] != 6*warmEvery {
			t.Errorf("warmed at %v in a day without a sale, want at once and for five minutes", got)
		}
	})
}

func TestASaleKeepsTheWayWarm(t *testing.T) {
	warmed(t, func() bool { return true }, func(w *warmer, tries func() []time.Duration) {
		time.Sleep(time.Hour)
		before := len(tries())
		for range 100 { // a sale every twenty seconds warms by itself
			w.called(called{well: true, sale: true})
			time.Sleep(20 * time.Second)
		}
		if got := tries(); len(got) != before {
			t.Errorf("warmed %d times between sales that were warm", len(got)-before)
		}
		time.Sleep(time.Minute)
		if got := tries(); len(got) != before+1 {
			t.Errorf("warmed %d times in the minute after, want once", len(got)-before)
		}
	})
}

// A register that opens its link again and again, and an Antom that is away, start no
// storm.
func TestHintsDoNotStorm(t *testing.T) {
	for name, well := range map[string]bool{"Antom answers": true, "Antom is away": false} {
		warmed(t, func() bool { return well }, func(w *warmer, tries func() []time.Duration) {
			for range 600 {
				w.hint()
				time.Sleep(100 * time.Millisecond)
			}
			if got := tries(); len(got) < 2 || len(got) > 3 {
				t.Errorf("%s: warmed at %v in a minute of hints", name, got)
			}
		})
	}
}

// Antom comes back after a night without a network: it is found out without a sale,
// and before that the box is left in peace.
func TestWhoIsAwayIsTriedEverLess(t *testing.T) {
	var back atomic.Bool
	warmed(t, back.Load, func(_ *warmer, tries func() []time.Duration) {
		time.Sleep(9 * time.Minute)
		got := tries()
		want := []time.Duration{0, 30 * time.Second, 90 * time.Second, 210 * time.Second, 450 * time.Second}
		if !slices.Equal(got, want) {
			t.Errorf("tried at %v, want %v", got, want)
		}
		time.Sleep(8 * time.Hour)
		before := len(tries())
		if before > 5+8*12+1 {
			t.Errorf("tried %d times in a night", before)
		}
		back.Store(true)
		time.Sleep(5 * time.Minute)
		if got := tries(); len(got) != before+1 {
			t.Errorf("found out by %d attempts", len(got)-before)
		}
		time.Sleep(time.Hour)
		if got := tries(); len(got) != before+1 {
			t.Errorf("idle again, and yet tried %d times", len(got)-before-1)
		}
	})
}

// A question about what is in doubt has no answer: that Antom is back is found out,
// and an hourly question does not keep an idle shop warm.
func TestCallsOfOthersTellAsMuch(t *testing.T) {
	warmed(t, func() bool { return true }, func(w *warmer, tries func() []time.Duration) {
		time.Sleep(time.Hour)
		before := len(tries())
		w.called(called{well: false})
		time.Sleep(warmPause + time.Second)
		if got := tries(); len(got) != before+1 {
			t.Errorf("tried %d times after a call without an answer, want once", len(got)-before)
		}
		for range 24 {
			w.called(called{well: true})
			time.Sleep(time.Hour)
		}
		if got := tries(); len(got) != before+1 {
			t.Errorf("%d attempts in a day of hourly questions", len(got)-before-1)
		}
	})
}
