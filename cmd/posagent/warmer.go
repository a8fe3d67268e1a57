package main

import (
	"context"
	"errors"
	"time"

	"posagent/antom"
	"posagent/queue"
)

// Limits of keeping a connection to Antom warm.
const (
	// warmEvery is just short of the time for which a connection is kept (antom: 55 s).
	warmEvery = 50 * time.Second
	// warmWhile is how long after a sale, or after a register opened its link, the
	// next sale finds a connection that is open. Beyond that a box is idle, and is
	// left in peace; a sale then pays for one handshake.
	warmWhile = 5 * time.Minute
	// warmPause is the least time between two attempts, whoever wishes them.
	warmPause = 30 * time.Second
	// warmTime is how long one attempt may take.
	warmTime = 15 * time.Second
)

// warmer keeps a connection to Antom open while a shop is selling, so that a sale
// does not wait for name, dial and handshake: at the start, when a register opens
// its link, and for a while after each.
type warmer struct {
	warm  func(context.Context) bool // says whether it went well
	hints chan struct{}
	uses  chan struct{}
}

func newWarmer(warm func(context.Context) bool) *warmer {
	return &warmer{warm: warm, hints: make(chan struct{}, 1), uses: make(chan struct{}, 1)}
}

// hint says that a sale may come. It never blocks.
func (w *warmer) hint() { hint(w.hints) }

// used says that a call has just kept the connection warm. It never blocks.
func (w *warmer) used() { hint(w.uses) }

// run warms at once, and then as it is told, until ctx ends. After a failure it
// waits for the next hint: who is away is not called again and again.
func (w *warmer) run(ctx context.Context) {
	var last time.Time // when it was tried, or a call went well
	well := false      // how that went
	until := time.Now().Add(warmWhile)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.uses:
			last, until, well = time.Now(), time.Now().Add(warmWhile), true
			again.Reset(warmEvery)
			continue
		case <-w.hints:
			until = time.Now().Add(warmWhile)
			if well && time.Since(last) < warmEvery {
				continue // it is warm
			}
			if since := time.Since(last); since < warmPause {
				again.Reset(warmPause - since)
				continue
			}
		case <-again.C:
		}
		if time.Now().After(until) {
			continue // idle: nothing until the next hint
		}
		last, well = time.Now(), w.warm(ctx)
		if well {
			again.Reset(warmEvery)
		}
	}
}

// warm opens a connection to Antom, which also proves the keys and measures the
// clocks before money depends on them.
func (a *agent) warm(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	began := time.Now()
	err := a.acquirer.client().Warm(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	a.figures.called(callDiagnosis, verdictOfWarming(err), time.Since(began))
	was := a.upstream.read()
	a.upstream.note(ctx, why(err))
	switch {
	case err != nil && !was.down:
		a.log.Warn("Antom does not answer; sales will find out what became of them", "err", err)
	case err == nil && (was.down || !was.asked):
		a.log.Info("Antom answers")
	}
	return err == nil
}

func verdictOfWarming(err error) queue.Verdict {
	var failed *antom.Error
	switch {
	case err == nil:
		return callAnswered
	case errors.As(err, &failed) && !failed.Sent:
		return queue.VerdictNotSent
	}
	return queue.VerdictUnknown
}
