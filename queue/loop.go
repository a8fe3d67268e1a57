package queue

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Limits of the worker's own.
const (
	// inDoubtAtOnce is how many payments in doubt are asked about at the same
	// time. Payments inside their window don't count: their number is bounded by
	// the registers', and no payment in doubt delays one (P7).
	inDoubtAtOnce = 8
	// commitShare is how many inputs at the most travel in one commit.
	commitShare = 64
	// saveAgain is the pause before a failed commit is tried again.
	saveAgain = time.Second
	// lazily is how long a delivery may wait for another commit to travel with.
	lazily = 10 * time.Second
	// rememberedIDs is how many of the acquirer's paymentIds are kept to notice one
	// that is answered twice.
	rememberedIDs = 1024
)

// entry is a payment that is not closed: its row as the machine left it, and as
// it is on the disk.
type entry struct {
	row     Payment
	saved   Payment // the zero Payment: not stored yet
	act     Action  // to be performed once row is saved
	calling Action  // under way
	inDoubt bool    // the call under way counts among inDoubtAtOnce
	asked   []reply // who is told once row is saved
	touched bool    // in loop.touched
	wake    time.Time
	index   int // in the agenda, under wake; -1: not there
}

// lazy reports whether all that is unsaved may be lost without harm: whom a
// payment belongs to, and that it was delivered. Losing either repeats a message.
func (e *entry) lazy() bool {
	row := e.row
	row.Delivered, row.Register = e.saved.Delivered, e.saved.Register
	return row == e.saved
}

// ending is the payment of a register whose end was learnt last.
type ending struct {
	id  string
	seq int64
}

// ended is what a call's goroutine reports.
type ended struct {
	e  *entry
	in Answered
}

// loop is the worker's state, owned by the goroutine that runs it.
type loop struct {
	o       Options
	entries map[string]*entry
	agenda  agenda            // entries that wait for a time
	waiting []*entry          // payments in doubt that are due and wait for their turn
	asking  int               // payments in doubt that are asked about now
	last    map[string]ending // by register
	lastSeq int64             // the highest EndedSeq given
	known   paymentIDs

	touched  []*entry         // stepped or asked about since the last save
	bury     map[string]int64 // commits refused with an outcome not known: ID, ReceivedAt
	retryAt  time.Time        // after a failed commit: not before
	lazyFrom time.Time        // since when a lazy change waits; zero: none does

	calls    sync.WaitGroup
	underWay int
	answers  chan ended
	stopping bool
}

func newLoop(o Options) (*loop, error) {
	l := &loop{
		o: o, entries: map[string]*entry{}, last: map[string]ending{}, bury: map[string]int64{},
		answers: make(chan ended),
	}
	if err := l.load(context.Background(), time.Now()); err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	return l, nil
}

// load takes up every unclosed payment. Restart and ordinary running are one
// path: from here on a row that was read is a row like any other.
func (l *loop) load(ctx context.Context, now time.Time) error {
	last, err := l.o.Store.LastEnded(ctx)
	if err != nil {
		return err
	}
	for _, p := range last {
		l.last[p.Register] = ending{p.ID, p.EndedSeq}
		l.lastSeq = max(l.lastSeq, p.EndedSeq)
	}
	if l.known, err = l.o.Store.recentPaymentIDs(ctx, rememberedIDs); err != nil {
		return err
	}
	rows, err := l.o.Store.Unclosed(ctx)
	if err != nil {
		return err
	}
	for _, p := range rows {
		e := l.enter(p, p)
		if !p.State.Final() {
			l.o.Logger.Info("payment taken up again", "payment", p)
			l.step(now, e, Restart{})
		}
	}
	return nil
}

func (l *loop) enter(row, saved Payment) *entry {
	e := &entry{row: row, saved: saved, index: -1}
	l.entries[row.ID] = e
	l.touch(e)
	return e
}

// touch has flush look at e.
func (l *loop) touch(e *entry) {
	if !e.touched {
		e.touched = true
		l.touched = append(l.touched, e)
	}
}

// run is the loop: take what came in, let time pass, save, act, tell.
func (l *loop) run(ctx context.Context, inbox <-chan func(*loop)) {
	callCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	var grace <-chan time.Time
	for {
		l.flush(callCtx, time.Now())
		if l.stopping && l.underWay == 0 {
			break
		}
		timer.Reset(l.untilWake(time.Now()))
		select {
		case fn := <-inbox:
			fn(l)
		case a := <-l.answers:
			l.answered(time.Now(), a)
		case <-timer.C:
		case <-stop:
			l.stopping, stop = true, nil
			grace = time.After(l.o.Grace)
		case <-grace:
			cancel()
		}
		l.takeRest(inbox)
		l.tickDue(time.Now())
	}
	l.calls.Wait()
	l.saveRest()
}

// takeRest takes whatever else has come in meanwhile, so that it shares a commit.
func (l *loop) takeRest(inbox <-chan func(*loop)) {
	for range commitShare {
		select {
		case fn := <-inbox:
			fn(l)
		case a := <-l.answers:
			l.answered(time.Now(), a)
		default:
			return
		}
	}
}

// step lets the machine decide, and notes what is to be done after the save.
func (l *loop) step(now time.Time, e *entry, in Input) {
	was := e.row.State
	row, act := l.o.Policy.Step(now, e.row, in)
	if row.State.Final() && row.EndedSeq == 0 {
		l.lastSeq++
		row.EndedSeq = l.lastSeq
	}
	e.row = row
	if act != None {
		e.act = act
	}
	if was != row.State {
		l.o.Logger.Info("payment "+string(row.State), "payment", row)
	}
	l.touch(e)
}

// tickDue lets time pass for every payment whose time has come. At the end
// nothing new is begun.
func (l *loop) tickDue(now time.Time) {
	if l.stopping {
		return
	}
	for len(l.waiting) > 0 && l.asking < inDoubtAtOnce {
		e := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.tick(now, e)
	}
	for len(l.agenda) > 0 && !l.agenda[0].wake.After(now) {
		e := heap.Pop(&l.agenda).(*entry)
		if e.row.State == Unresolved && l.asking >= inDoubtAtOnce {
			l.waiting = append(l.waiting, e)
			continue
		}
		l.tick(now, e)
	}
}

func (l *loop) tick(now time.Time, e *entry) {
	l.step(now, e, Tick{Calling: e.calling != None})
	if e.act != None && e.row.State == Unresolved && !e.inDoubt {
		e.inDoubt = true
		l.asking++
	}
}

// answered takes in how a call ended.
func (l *loop) answered(now time.Time, a ended) {
	e := a.e
	e.calling = None
	l.underWay--
	if e.inDoubt {
		e.inDoubt = false
		l.asking--
	}
	a.in.Answer = l.sane(e.row, a.in.Answer)
	if a.in.Answer.Why != "" {
		l.o.Logger.Warn("no outcome from "+string(a.in.To), "paymentRequestId", e.row.ID,
			"verdict", string(a.in.Answer.Verdict), "why", a.in.Answer.Why)
	}
	a.in.Chance = rand.Float64()
	l.step(now, e, a.in)
}

// perform begins the action of a row that is on the disk. An attempt whose window
// ended while the row was written is not made (P4), nor is one after the word to
// stop: both are reported as what they are, not sent.
func (l *loop) perform(ctx context.Context, e *entry) {
	now := time.Now() // the save took its time
	act, row := e.act, e.saved
	e.act, e.calling = None, act
	l.underWay++
	call, timeout := l.o.Gateway.Inquire, l.o.InquiryTimeout
	if act == Pay {
		call, timeout = l.o.Gateway.Pay, l.o.PayTimeout
	}
	tooLate := l.stopping || act == Pay && !now.Before(row.Deadline)
	l.calls.Go(func() {
		a := Answer{Verdict: VerdictNotSent, Why: "its time was over before it began"}
		if !tooLate {
			callCtx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			a = call(callCtx, row)
		}
		l.answers <- ended{e, Answered{To: act, Asked: now, Answer: a}}
	})
}
