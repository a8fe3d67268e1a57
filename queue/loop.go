package queue

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Limits of the worker's own.
const (
	// inDoubtAtOnce is how many payments in doubt, and refunds that were not
	// answered at first, are asked about at the same time. Payments inside their
	// window don't count: their number is bounded by the registers', and nothing in
	// doubt delays one (P7).
	inDoubtAtOnce = 8
	// commitShare is how many inputs at the most travel in one commit: of sixty-four
	// registers all that they ask, for questions count, too.
	commitShare = 256
	// saveAgain is the pause before a failed commit is tried again.
	saveAgain = time.Second
	// lazily is how long a delivery may wait for another commit to travel with.
	lazily = 10 * time.Second
	// lastWords is how long the end waits for registers to be told an outcome that
	// came in after the word to stop.
	lastWords = 500 * time.Millisecond
	// hintsAtOnce is how many hints may wait for the loop.
	hintsAtOnce = 64
	// rememberedIDs is how many of the acquirer's paymentIds are kept to notice one
	// that is answered twice.
	rememberedIDs = 1024
)

// ended is what a call's goroutine reports.
type ended struct {
	it item
	in Answered
}

// loop is the worker's state, owned by the goroutine that runs it.
type loop struct {
	o        Options
	payments map[string]*payment
	refunds  map[string]*refund
	lanes    lanes
	agenda   agenda           // items that wait for a time
	waiting  []item           // in doubt and due, waiting for their turn
	asking   int              // in doubt and being asked about now
	last     map[string]Ended // by register
	lastSeq  int64            // the highest EndedSeq given
	known    paymentIDs
	lostAt   time.Time // when rows were last lost to a damaged file; zero: never
	boot     int64     // to be noted once the rows taken up in it are saved; 0: it is
	newBoot  bool      // the box was started anew since the rows were written

	touched  []item           // stepped or asked about since the last save
	bury     map[string]int64 // refused with a commit whose outcome is not known: ID, ReceivedAt
	failing  bool             // the last commit failed
	said     bool             // and the log says so
	retryAt  time.Time        // after a failed commit: not before
	lazyFrom time.Time        // since when a lazy change waits; zero: none does
	pruner   pruner
	away     []string  // closed and to be put away
	awayAt   time.Time // not before; zero: at once

	calls    sync.WaitGroup
	underWay int
	answers  chan ended
	stopping bool
	newsAt   time.Time // when the last outcome came in after the word to stop
	fatal    error     // why the worker can't go on: the store is damaged, or somebody else writes to it
	ends     ends
}

func newLoop(o Options) (*loop, error) {
	l := &loop{
		o: o, payments: map[string]*payment{}, refunds: map[string]*refund{}, lanes: newLanes(), last: map[string]Ended{},
		bury: map[string]int64{}, answers: make(chan ended),
	}
	if err := l.load(context.Background(), time.Now()); err != nil {
		return nil, wrap(err, "reading the store")
	}
	return l, nil
}

// touch has flush look at an item.
func (l *loop) touch(it item) {
	if e := it.base(); !e.touched {
		e.touched = true
		l.touched = append(l.touched, it)
	}
}

// run is the loop: take what came in, let time pass, save, act, tell.
func (l *loop) run(ctx context.Context, inbox, hints <-chan func(*loop)) {
	callCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	var grace <-chan time.Time
	for {
		l.flush(callCtx, time.Now())
		l.noteBoot()
		if l.fatal != nil {
			break
		}
		if l.stopping && l.underWay == 0 && !l.lingers(time.Now()) {
			break
		}
		timer.Reset(l.untilWake(time.Now()))
		select {
		case fn := <-inbox:
			l.afterHints(hints, fn)
		case fn := <-hints:
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
		l.takeRest(inbox, hints)
		l.tickDue(time.Now())
	}
	cancel()
	l.awaitCalls()
	l.saveRest()
}

// noteBoot notes the boot as soon as every row is on the disk as it was taken up. If
// that fails, the next start counts as a boot again, which is the safe way round.
func (l *loop) noteBoot() {
	unsaved := func(it item) bool { return it.unsaved() && !it.lazy() }
	if l.boot == 0 || slices.ContainsFunc(l.touched, unsaved) {
		return
	}
	if err := l.o.Store.noteBoot(context.Background(), l.boot); err != nil {
		l.o.Logger.Warn("the boot is not noted; the next start will count as one", "err", err)
	}
	l.boot = 0
}

// lingers reports whether the end waits a moment more, so that the registers can
// be told what came in after the word to stop.
func (l *loop) lingers(now time.Time) bool {
	return !l.newsAt.IsZero() && now.Before(l.newsAt.Add(lastWords))
}

// awaitCalls takes in how the calls ended that were cut off.
func (l *loop) awaitCalls() {
	for _, p := range l.payments {
		p.dropReady()
	}
	for l.underWay > 0 {
		l.answered(time.Now(), <-l.answers)
	}
	l.calls.Wait()
}

// takeRest takes whatever else has come in meanwhile, so that it shares a commit.
func (l *loop) takeRest(inbox, hints <-chan func(*loop)) {
	runtime.Gosched() // let those who were told a moment ago say more
	for range commitShare {
		select {
		case fn := <-inbox:
			l.afterHints(hints, fn)
		case a := <-l.answers:
			l.answered(time.Now(), a)
		default:
			return
		}
	}
}

// step lets the machine decide, and notes what is to be done after the save.
func (l *loop) step(now time.Time, it item, in Input) {
	was := it.ending() != nil
	if act := it.step(l.o.Policy, now, in); act != None {
		it.base().act = act
		l.makeReady(now, it)
	}
	if end := it.ending(); end != nil && end.EndedSeq == 0 {
		l.lastSeq++
		end.EndedSeq = l.lastSeq
	}
	if ended := it.ending() != nil; ended != was {
		l.ends.note(it)
		it.base().note("ended")
		if l.stopping {
			l.newsAt = now
		}
	}
	l.touch(it)
}

// tickDue lets time pass for everything whose time has come. At the end nothing
// new is begun.
func (l *loop) tickDue(now time.Time) {
	if l.stopping {
		return
	}
	for len(l.waiting) > 0 && l.asking < inDoubtAtOnce {
		it := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.tick(now, it)
	}
	for len(l.agenda) > 0 && !l.agenda[0].base().wake.After(now) {
		it := heap.Pop(&l.agenda).(item)
		if it.patient() && l.asking >= inDoubtAtOnce {
			l.waiting = append(l.waiting, it)
			continue
		}
		l.tick(now, it)
	}
	l.prune(now)
}

func (l *loop) tick(now time.Time, it item) {
	e := it.base()
	if e.dropped {
		return
	}
	patient := it.patient()
	if e.resume.IsZero() {
		l.step(now, it, Tick{Calling: e.calling != None})
	} else {
		l.takeUp(now, it)
	}
	if e.act != None && (patient || it.patient()) && !e.inDoubt {
		e.inDoubt = true
		l.asking++
	}
}

// answered takes in how a call ended.
func (l *loop) answered(now time.Time, a ended) {
	e := a.it.base()
	e.calling = None
	l.underWay--
	if e.inDoubt {
		e.inDoubt = false
		l.asking--
	}
	a.in.Answer = l.sane(a.it, a.in.Answer)
	if a.in.Answer.Why != "" {
		l.o.Logger.Warn("no outcome", "of", string(a.in.To), "id", a.it.key(),
			"verdict", string(a.in.Answer.Verdict), "why", a.in.Answer.Why)
	}
	if a.in.Answer.Verdict == VerdictInconsistent {
		l.o.Logger.Error("the acquirer holds this id with another content; it is asked about and not sent again; "+
			"find out which register uses ids twice", "id", a.it.key(), "code", a.in.Answer.Result.Code)
	}
	a.in.Chance = rand.Float64()
	l.step(now, a.it, a.in)
	if p, ok := a.it.(*payment); ok {
		l.noteOwner(p.row)
	}
}

// sane makes an answer fit to be written down, and turns away one that names a
// paymentId of another payment: an old answer that was played back (antom-api §3).
func (l *loop) sane(it item, a Answer) Answer {
	if a.Result.Status != "" && a.Result.Status != "S" && a.Result.Status != "F" {
		a.Result.Status = "U"
	}
	a.Result = a.Result.foreign()
	p, ok := it.(*payment)
	if !ok {
		return a
	}
	if owner := l.known.owner(a.PaymentID); owner != "" && owner != p.row.ID {
		l.o.Logger.Error("an answer names the paymentId of another payment and is not believed; "+
			"somebody on the network may be playing back old answers",
			"paymentRequestId", p.row.ID, "paymentId", a.PaymentID, "belongsTo", owner)
		return Answer{Verdict: VerdictUnknown, Why: "its paymentId belongs to " + owner}
	}
	return a
}
