package queue

import (
	"context"
	"time"
)

// readied is the request of a payment that is made ready while its row is on its way to
// the disk: its RSA takes as long as a commit, and the disk leaves the processor free.
// Its goroutine sends nothing before it is told to leave.
type readied struct {
	row Payment // what it was made of
	// leave takes what the request is run by, once the row is on the disk. It is closed
	// where it never gets there, and the request with it is forgotten.
	leave chan func(Call)
}

// makeReady begins to make an item's request ready, where that is to pay. A disk that
// fails is not worth the work: what is saved on it all the same is made ready after.
func (l *loop) makeReady(now time.Time, it item) {
	p, ok := it.(*payment)
	if !ok || p.act != Pay || l.failing || l.stopping || !p.inTime(Pay, now) {
		return
	}
	p.dropReady()
	r := &readied{p.row, make(chan func(Call), 1)}
	p.ready = r
	l.calls.Go(func() {
		call := l.o.Gateway.Pay(r.row)
		if run, ok := <-r.leave; ok {
			run(call)
		}
	})
}

// dropReady forgets a request that was made ready.
func (e *entry) dropReady() {
	if e.ready != nil {
		close(e.ready.leave)
		e.ready = nil
	}
}

// leave has the request that was made ready of the row on the disk run, and reports
// whether there was one.
func (p *payment) leave(run func(Call)) bool {
	if p.ready == nil || p.ready.row != p.saved {
		p.dropReady()
		return false
	}
	p.ready.leave <- run
	p.ready = nil
	return true
}

// perform begins the action of an item whose row is on the disk. An attempt whose
// window ended while the row was written is not made (P4), nor is anything after
// the word to stop: both are reported as what they are, not sent.
func (l *loop) perform(ctx context.Context, it item) {
	now := time.Now() // the save took its time
	e := it.base()
	act := e.act
	e.act, e.calling = None, act
	l.underWay++
	if l.stopping || !it.inTime(act, now) {
		e.dropReady()
		l.calls.Go(func() {
			l.answers <- ended{it, Answered{To: act, Asked: now, Answer: Answer{Verdict: VerdictNotSent}}}
		})
		return
	}
	timeout := l.o.timeout(act)
	run := func(call Call) {
		callCtx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		a := call(callCtx)
		l.answers <- ended{it, Answered{To: act, Asked: now, Answer: a}}
	}
	if p, ok := it.(*payment); ok && p.leave(run) {
		return
	}
	call := it.call(l.o.Gateway, act)
	l.calls.Go(func() { run(call) })
}
