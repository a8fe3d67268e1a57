package queue

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

var (
	liveSeeds = flag.Uint64("live.seeds", 30, "how many histories the real worker and store go through")
	liveFrom  = flag.Uint64("live.from", 1, "the first seed")
)

// TestTheWorkerEndsNoHistoryInDisagreement puts the real worker, on a real store,
// into the simulation's worlds: the same register, line, bank and judge. What the
// simulated worker does in small, this one does with commits, goroutines and
// timers.
func TestTheWorkerEndsNoHistoryInDisagreement(t *testing.T) {
	began, said := time.Now(), time.Now()
	var sum simCounts
	for i := range *liveSeeds {
		seed := *liveFrom + i
		path := filepath.Join(t.TempDir(), "posagent.db")
		synctest.Test(t, func(t *testing.T) {
			if broken, w := live(t, seed, path); broken != "" {
				t.Fatalf("seed %d: %s\n%s\nto see it again:\n\tgo test ./queue -run TestTheWorkerEndsNoHistory -live.seeds=1 -live.from=%d",
					seed, broken, w.trace, seed)
			} else {
				sum.add(w.counts)
			}
		})
		if t.Failed() {
			return
		}
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Printf("%d of %d seeds, %.1f a second\n", i+1, *liveSeeds, float64(i+1)/time.Since(began).Seconds())
		}
	}
	t.Logf("%d seeds clean, %.1f a second", *liveSeeds, float64(*liveSeeds)/time.Since(began).Seconds())
	for _, c := range sum.list() {
		t.Logf("%8d %s", *c.n, c.name)
	}
	if *liveSeeds >= 20 && (sum.crashes == 0 || sum.charges == 0 || sum.aborts == 0 || sum.refunds == 0) {
		t.Error("the adversary never got to something: see the counts")
	}
}

// live plays one seed with the real worker.
func live(t *testing.T, seed uint64, path string) (broken string, w *world) {
	w = newWorld(seed, true)
	w.faults.rowLost, w.faults.clockStep = 0, 0 // a bubble's clock does not step
	a := &liveAgent{world: w, t: t, path: path, wake: make(chan struct{}, 1), began: time.Now()}
	w.agent = a
	defer func() {
		x := recover()
		a.mu.Unlock()
		a.end()
		if v, ok := x.(violation); ok {
			broken = v.text
		} else if x != nil {
			panic(x)
		}
	}()
	a.mu.Lock()
	a.runLive()
	return "", w
}

// runLive lets the events happen at their time, until nothing is left to happen.
func (a *liveAgent) runLive() {
	const forever = 7 * 24 * time.Hour
	a.begin()
	for a.now < forever {
		if a.calm && len(a.events) == 0 && a.life != nil && len(a.open()) == 0 {
			a.judge.end()
			return
		}
		a.await()
		a.now = time.Since(a.began)
		if l := a.life; l != nil && l.dead.Load() {
			a.crash(l)
		}
		for len(a.events) > 0 && a.events[0].at <= time.Since(a.began) {
			a.happen()
		}
		a.tellNews()
	}
	a.judge.end()
	a.violated("it does not end")
}

// await lets go of the world until the next event, or until something stirs.
func (a *liveAgent) await() {
	next := time.Minute
	if len(a.events) > 0 {
		next = a.events[0].at - time.Since(a.began)
	}
	a.mu.Unlock()
	select {
	case <-time.After(next):
	case <-a.wake:
	}
	synctest.Wait()
	a.mu.Lock()
}

// end stops whatever is left, so that the bubble can be left.
func (a *liveAgent) end() {
	if l := a.life; l != nil {
		l.dead.Store(true)
		l.cancel()
		<-l.ended
		_ = l.store.Close()
	}
}

// liveGateway is the way from the worker to the simulated bank.
type liveGateway struct {
	*liveAgent
	life *life
}

func (g *liveGateway) Pay(p Payment) Call {
	return func(ctx context.Context) Answer {
		return g.call(ctx, &payment{held: held[Payment]{row: p, saved: p}}, Pay)
	}
}

func (g *liveGateway) Inquire(ctx context.Context, p Payment) Answer {
	return g.call(ctx, &payment{held: held[Payment]{row: p, saved: p}}, Inquire)
}

func (g *liveGateway) Refund(ctx context.Context, r Refund) Answer {
	return g.call(ctx, &refund{held: held[Refund]{row: r, saved: r}}, GiveBack)
}

func (g *liveGateway) InquireRefund(ctx context.Context, r Refund) Answer {
	return g.call(ctx, &refund{held: held[Refund]{row: r, saved: r}}, InquireRefund)
}

// call sends a request, unless the power failed before; and perhaps it fails after.
func (g *liveGateway) call(ctx context.Context, it item, act Action) Answer {
	answers := make(chan Answer, 1)
	g.send(it, act, answers)
	select {
	case a := <-answers:
		return a
	case <-ctx.Done():
		return Answer{Verdict: VerdictUnknown, Why: "no answer"}
	}
}

func (g *liveGateway) send(it item, act Action, answers chan Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.life.dead.Load() {
		return
	}
	g.now = time.Since(g.began)
	if p, ok := it.(*payment); ok {
		g.judge.stored(p.row.ID, p.row.ReceivedAt.Sub(g.began))
	}
	defer g.stir()
	defer g.catch()
	g.bank.send(it, act, func(a Answer) { answers <- a })
	if g.chance(g.faults.crash) {
		g.life.dead.Store(true)
	}
}

// catch keeps a broken promise for the world's own goroutine.
func (g *liveGateway) catch() {
	if x := recover(); x != nil {
		g.after(0, func() { panic(x) })
	}
}
