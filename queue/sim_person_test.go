package queue

import (
	"context"
	"time"
)

// callIn has a person look into the acquirer's portal now and then, at what is in
// doubt, and record later what they saw there.
func (w *world) callIn() {
	if !w.chance(w.faults.person) {
		return
	}
	for range 1 + w.r.IntN(30) {
		w.after(w.between(0, 8*time.Minute), w.lookUp)
	}
}

func (w *world) lookUp() {
	seen := w.agent.clock()
	for _, id := range w.agent.doubts() {
		paid, known := w.bank.portal(id)
		if !known {
			continue
		}
		w.log("a person sees in the portal that %s is paid: %v", id, paid)
		later := w.between(0, 2*time.Second)
		if w.r.IntN(3) == 0 { // the phone rings
			later = w.between(0, 3*time.Minute)
		}
		w.after(later, func() {
			w.agent.resolve(id, Resolve{Paid: paid, By: "Ann", Reason: "seen in the portal", Seen: seen})
		})
	}
}

// portal is what a person sees: what is still open there says nothing to them.
func (b *simBank) portal(id string) (paid, known bool) {
	o := b.order(id)
	switch {
	case o == nil || o.state == "":
		return false, true
	case o.state == VerdictPaid:
		return true, true
	}
	return false, o.state == VerdictFailed || o.state == VerdictCancelled
}

func (a *simAgent) doubts() (ids []string) {
	for _, it := range a.items {
		if p, ok := it.item.(*payment); ok && p.row.InDoubt {
			ids = append(ids, it.key())
		}
	}
	return ids
}

// resolve takes a person's word, while the agent is up.
func (a *simAgent) resolve(id string, in Resolve) {
	a.do(a.life, func() {
		it := a.payment(id)
		if it == nil || in.Seen.After(a.clock()) { // the worker refuses that, too
			return
		}
		was := it.ending() != nil
		in.Calling = it.base().calling != None
		a.step1(it, in, nil)
		if it.ending() != nil && !was {
			a.counts.resolved++
		}
	})
}

func (a *liveAgent) clock() time.Time { return time.Now() }

func (a *liveAgent) doubts() (ids []string) {
	if a.life == nil || a.life.dead.Load() {
		return nil
	}
	list, err := a.life.Untold(context.Background(), "lane1")
	if err != nil {
		a.log("untold: %v", err)
	}
	for _, record := range list {
		if p := record.Payment; p != nil && p.InDoubt {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func (a *liveAgent) resolve(id string, in Resolve) {
	if a.life == nil || a.life.dead.Load() {
		return
	}
	_, err := a.life.Resolve(context.Background(), id, in)
	if err == nil {
		a.counts.resolved++
	}
	a.log("a person's word on %s: %v", id, err)
}
