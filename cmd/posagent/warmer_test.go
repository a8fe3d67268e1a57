package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// warmed runs a warmer in fake time; well says how each attempt goes.
func warmed(t *testing.T, well func() bool, do func(w *warmer, tries func() []time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		w := newWarmer(func(context.Context) bool { at = append(at, time.Since(began)); return well() })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.run(ctx) }()
		do(w, func() []time.Duration { synctest.Wait(); return at })
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
			w.used()
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

func TestWhoIsAwayIsNotCalledAgainUnasked(t *testing.T) {
	warmed(t, func() bool { return false }, func(w *warmer, tries func() []time.Duration) {
		time.Sleep(time.Hour)
		if got := tries(); len(got) != 1 {
			t.Errorf("called at %v", got)
		}
		w.hint()
		if got := tries(); len(got) != 2 || got[1] != time.Hour {
			t.Errorf("after a register opened its link: %v", got)
		}
	})
}
