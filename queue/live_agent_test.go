package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// liveAgent puts the real worker, on a real store, into a simulated world. A crash
// is an end without grace: from that moment on nothing that the worker does reaches
// the disk, the bank or the register.
type liveAgent struct {
	*world
	t    *testing.T
	path string

	mu    sync.Mutex // held while anything happens in the world
	wake  chan struct{}
	began time.Time
	life  *life // nil: it is down
	lives int
}

// life is one run of the worker.
type life struct {
	*Worker
	store   *Store
	dead    atomic.Bool
	commits atomic.Int64 // until the power fails between a commit and what waits for it; below 0: never
	news    atomic.Bool  // something that a register can see has changed
	push    int          // of the pushing that counts
	cancel  context.CancelFunc
	ended   chan error
}

// start opens the store and runs a worker on it.
func (a *liveAgent) start() {
	store, err := Open(a.path)
	if err != nil {
		a.t.Error(err)
		a.violated("the store does not open: %v", err)
	}
	if a.lives++; a.lives > 1 && a.r.IntN(2) == 0 { // the whole box was off
		if err := store.noteBoot(context.Background(), 1); err != nil {
			a.violated("%v", err)
		}
		a.judge.boots++
	}
	l := &life{store: store, ended: make(chan error, 1)}
	l.commits.Store(-1)
	if a.chance(a.faults.crash) {
		l.commits.Store(a.r.Int64N(6))
	}
	l.Worker = NewWorker(a.options(l))
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, a.life = cancel, l
	a.log("the agent starts")
	go func() { l.ended <- l.Run(ctx) }()
	l.news.Store(true) // what was not delivered before is told again
}

func (a *liveAgent) options(l *life) Options {
	o := testOptions(l.store, &liveGateway{a, l})
	o.Policy, o.Window, o.PayTimeout, o.Grace = a.policy, a.window, a.payTimeout, 0
	o.InquiryTimeout, o.RefundTimeout = simInquiryTimeout, simRefundTimeout
	o.Changed = func(string) { // in the worker's own goroutine, after a commit
		if l.commits.Add(-1) == -1 {
			l.dead.Store(true)
		}
		l.news.Store(true)
		a.stir()
	}
	return o
}

// stir wakes the world: something happened that it did not plan.
func (a *liveAgent) stir() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// crash ends a life, and plans the next one.
func (a *liveAgent) crash(l *life) {
	a.log("CRASH")
	a.counts.crashes++
	l.dead.Store(true)
	// Nothing is written any more. A commit that is under way may come through.
	_ = l.store.closeDatabase()
	l.cancel()
	a.mu.Unlock() // calls under way end now
	<-l.ended
	a.mu.Lock()
	_ = l.store.lock.Close()
	a.life = nil
	a.after(a.between(0, 20*time.Second), func() {
		a.bank.agentRestarted()
		a.start()
	})
}

func (a *liveAgent) pullThePlug() {
	if a.life != nil && !a.life.dead.Load() && a.chance(a.faults.plug) {
		a.crash(a.life)
	}
}

// tellNews begins to tell ends, because something has changed.
func (a *liveAgent) tellNews() {
	if l := a.life; l != nil && l.news.Swap(false) {
		l.push++
		a.pushes(l, l.push, time.Second)
	}
}

// pushes tells every end that is not delivered, again and again.
func (a *liveAgent) pushes(l *life, push int, pause time.Duration) {
	if a.life != l || l.dead.Load() || l.push != push {
		return
	}
	list, err := l.Untold(context.Background(), "lane1")
	if err != nil {
		a.log("untold: %v", err)
	}
	told := false
	for _, record := range list {
		if p := record.Payment; p != nil && p.State.Final() {
			a.say(l, simReply{p: p}, a.till.hear)
			told = true
		}
		if r := record.Refund; r != nil && r.State.Final() {
			a.say(l, simReply{r: r}, a.till.hear)
			told = true
		}
	}
	if told {
		a.after(pause, func() { a.pushes(l, push, min(2*pause, time.Minute)) })
	}
}

// say tells the register, if the agent still lives.
func (a *liveAgent) say(l *life, re simReply, hear func(simReply)) {
	if l.dead.Load() {
		return
	}
	a.judge.told(re)
	a.line(func() { hear(re) })
}

func (a *liveAgent) ask(fn func()) {
	l := a.life
	a.line(func() {
		if l != nil && a.life == l && !l.dead.Load() {
			fn()
		}
	})
}

func (a *liveAgent) answer(p Payment, err error, hear func(simReply)) {
	if err != nil {
		a.say(a.life, simReply{err: err}, hear)
		return
	}
	a.say(a.life, simReply{p: &p}, hear)
}

func (a *liveAgent) pay(c Command, hear func(simReply)) {
	p, err := a.life.Enqueue(context.Background(), "lane1", c, 0)
	a.answer(p, err, hear)
}

func (a *liveAgent) abort(id string, hear func(simReply)) {
	p, err := a.life.Abort(context.Background(), "lane1", id)
	if err == nil && !p.NeverPaid() && !a.life.dead.Load() {
		a.judge.abortTaken(id)
	}
	a.answer(p, err, hear)
}

func (a *liveAgent) inquire(id string, hear func(simReply)) {
	p, err := a.life.Payment(context.Background(), id)
	if err == ErrNotFound && !a.life.dead.Load() {
		a.judge.toldNotFound(id)
	}
	a.answer(p, err, hear)
}

func (a *liveAgent) giveMoneyBack(c RefundCommand, hear func(simReply)) {
	r, err := a.life.EnqueueRefund(context.Background(), "lane1", c)
	if err != nil {
		a.say(a.life, simReply{err: err}, hear)
		return
	}
	a.say(a.life, simReply{r: &r}, hear)
}

func (a *liveAgent) delivered(id string, rev int64) {
	_, _ = a.life.Deliver(context.Background(), id, rev) // what is not delivered is told again
}

func (a *liveAgent) refundDelivered(id string, rev int64) {
	_, _ = a.life.DeliverRefund(context.Background(), id, rev)
}

func (a *liveAgent) rev(id string) int64 {
	p, err := a.life.store.Payment(context.Background(), id)
	if err != nil {
		return 0
	}
	return p.Rev
}

func (a *liveAgent) open() (ids []string) {
	payments, err := a.life.store.Unclosed(context.Background())
	if err != nil {
		return []string{err.Error()}
	}
	refunds, err := a.life.store.UnclosedRefunds(context.Background())
	if err != nil {
		return []string{err.Error()}
	}
	for _, p := range payments {
		ids = append(ids, p.ID)
	}
	for _, r := range refunds {
		ids = append(ids, r.ID)
	}
	return ids
}
