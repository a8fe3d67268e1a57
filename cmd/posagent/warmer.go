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
	// warmPause is the least time between two attempts, whoever wishes them. While
	// Antom does not answer it doubles, up to warmWhile.
	warmPause = 30 * time.Second
	// warmTime is how long one attempt may take.
	warmTime = 15 * time.Second
)

// warmer keeps a connection to Antom open while a shop is selling, so that a sale
// does not wait for name, dial and handshake: at the start, when a register opens
// its link, and for a while after each sale. While Antom does not answer it finds out
// when it does again, so that registers are told, and not only at the next sale.
type warmer struct {
	warm  func(context.Context) bool // says whether it went well
	hints chan struct{}
	calls chan called
}

// called is how a call ended that somebody else made.
type called struct {
	well bool // with an answer that can be trusted
	sale bool // it was about new money, and not a question
}

func newWarmer(warm func(context.Context) bool) *warmer {
	return &warmer{warm: warm, hints: make(chan struct{}, 1), calls: make(chan called, 1)}
}

// hint says that a sale may come. It never blocks.
func (w *warmer) hint() { hint(w.hints) }

// called says that a call has just used the connection. It never blocks: one of
// several calls at once is as good as all.
func (w *warmer) called(c called) {
	select {
	case w.calls <- c:
	default:
	}
}

// warmth is what a warmer knows, without a clock.
type warmth struct {
	last  time.Time     // when the connection was used or tried last; zero: never
	well  bool          // how that went
	until time.Time     // when the shop counts as idle
	pause time.Duration // until the next attempt while Antom does not answer
}

// run warms at once, and then as it is needed, until ctx ends.
func (w *warmer) run(ctx context.Context) {
	now := warmth{until: time.Now().Add(warmWhile), pause: warmPause}
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-w.calls:
			now.called(time.Now(), c)
		case <-w.hints:
			now.hinted(time.Now())
		case <-again.C:
		}
		if now.due(time.Now()) {
			well := w.warm(ctx)
			now.tried(time.Now(), well)
		}
		if wait := now.wait(time.Now()); wait > 0 {
			again.Reset(wait)
		} else {
			again.Stop()
		}
	}
}

// called takes a call of somebody else's. One without an answer is looked into soon.
func (n *warmth) called(at time.Time, c called) {
	if n.well != c.well || c.well {
		n.last, n.pause = at, warmPause
	}
	n.well = c.well
	if c.sale {
		n.until = at.Add(warmWhile)
	}
}

// hinted takes it that a sale may come.
func (n *warmth) hinted(at time.Time) { n.until, n.pause = at.Add(warmWhile), warmPause }

// tried takes an attempt of our own. Each in vain makes the next pause longer.
func (n *warmth) tried(at time.Time, well bool) {
	if well || n.last.IsZero() {
		n.pause = warmPause
	} else if !n.well {
		n.pause = min(2*n.pause, warmWhile)
	}
	n.last, n.well = at, well
}

// next is when to try; zero: not unless something happens.
func (n *warmth) next() time.Time {
	switch {
	case n.last.IsZero():
		return n.until.Add(-warmWhile) // at once
	case !n.well:
		return n.last.Add(n.pause)
	case n.last.Add(warmEvery).After(n.until):
		return time.Time{}
	}
	return n.last.Add(warmEvery)
}

func (n *warmth) due(at time.Time) bool {
	next := n.next()
	return !next.IsZero() && !at.Before(next)
}

// wait is how long until the next attempt; 0: none is to be made.
func (n *warmth) wait(at time.Time) time.Duration {
	next := n.next()
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(at), time.Millisecond)
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
