package queue

import (
	"fmt"
	"slices"
	"time"
)

// simReply is what the agent answers or tells: a row as it was then, or an error.
type simReply struct {
	err error
	p   *Payment
	r   *Refund
}

// say tells the register. The judge hears it whether the line carries it or not.
func (a *simAgent) say(re simReply, hear func(simReply)) {
	a.judge.told(re)
	a.line(func() { hear(re) })
}

// sayRow tells a row as it is now.
func (a *simAgent) sayRow(it *simItem, hear func(simReply)) {
	switch x := it.item.(type) {
	case *payment:
		row := x.row
		a.say(simReply{p: &row}, hear)
	case *refund:
		row := x.row
		a.say(simReply{r: &row}, hear)
	}
}

// ask carries a register's request over the line into the agent.
func (a *simAgent) ask(fn func()) {
	life := a.life
	a.line(func() { a.do(life, fn) })
}

func (a *simAgent) payment(id string) *simItem { return a.find(id, false) }

func (a *simAgent) refundOf(id string) *simItem { return a.find(id, true) }

func (a *simAgent) find(id string, isRefund bool) *simItem {
	for _, it := range a.items {
		if _, ok := it.item.(*refund); ok == isRefund && it.key() == id {
			return it
		}
	}
	return nil
}

func (a *simAgent) mark(id string) *Payment {
	for _, m := range a.disk.aborted {
		if m.ID == id {
			p := m.payment()
			return &p
		}
	}
	return nil
}

// pay is register-link §4 rules 1–3, 7 and 8.
func (a *simAgent) pay(c Command, hear func(simReply)) {
	it := a.payment(c.ID)
	switch {
	case a.mark(c.ID) != nil:
		a.say(simReply{err: ErrAborted}, hear)
	case it != nil && it.item.(*payment).row.Command != c:
		a.say(simReply{err: ErrInconsistent}, hear)
	case it != nil:
		a.settle(it, None, func() { a.sayRow(it, hear) })
	case a.busy(c.ID):
		a.say(simReply{err: &BusyError{}}, hear)
	default:
		first := Begin
		if a.rowsLost {
			first = BeginAsking
		}
		row, act := first(a.clock(), "lane1", c, a.window)
		it = a.take(&payment{held: held[Payment]{row: row}})
		a.log("%s is new: %s", c.ID, act)
		a.settle(it, act, func() { a.sayRow(it, hear) })
	}
}

func (a *simAgent) busy(id string) bool {
	return slices.ContainsFunc(a.items, func(it *simItem) bool {
		p, ok := it.item.(*payment)
		return ok && p.row.ID != id && !p.row.State.Final() && a.clock().Before(p.row.Deadline)
	})
}

// abort is register-link §4 rule 7.
func (a *simAgent) abort(id string, hear func(simReply)) {
	it := a.payment(id)
	switch {
	case a.mark(id) != nil:
		a.say(simReply{p: a.mark(id)}, hear)
	case it == nil && a.rowsLost:
		a.say(simReply{err: ErrDoubtful}, hear)
	case it == nil:
		a.point("before a mark")
		a.disk.aborted = append(a.disk.aborted, Aborted{ID: id, Register: "lane1", At: millis(a.clock())})
		a.point("after a mark")
		a.say(simReply{p: a.mark(id)}, hear)
	default:
		if row := it.item.(*payment).row; row.State == Paid && row.AbortAt.IsZero() && row.Delivered == row.Rev {
			a.say(simReply{err: ErrTooLate}, hear)
			return
		}
		a.step1(it, Abort{}, func() {
			a.judge.abortTaken(id)
			a.sayRow(it, hear)
		})
	}
}

// inquire is register-link §4 rule 4.
func (a *simAgent) inquire(id string, hear func(simReply)) {
	switch it := a.payment(id); {
	case it != nil:
		a.sayRow(it, hear)
	case a.mark(id) != nil:
		a.say(simReply{p: a.mark(id)}, hear)
	case a.rowsLost:
		a.say(simReply{err: ErrDoubtful}, hear)
	default:
		a.judge.toldNotFound(id)
		a.say(simReply{err: ErrNotFound}, hear)
	}
}

func (a *simAgent) delivered(id string, rev int64) { a.deliver(a.payment(id), rev) }

func (a *simAgent) refundDelivered(id string, rev int64) { a.deliver(a.refundOf(id), rev) }

func (a *simAgent) rev(id string) int64 {
	if it := a.payment(id); it != nil {
		return it.item.(*payment).row.Rev
	}
	return 0
}

func (a *simAgent) open() (ids []string) {
	if !a.up {
		return []string{"the agent itself"}
	}
	for _, it := range a.items {
		if !it.closed() {
			ids = append(ids, it.key())
		}
	}
	return ids
}

// deliver is register-link §4 rule 9. That it was delivered is saved lazily.
func (a *simAgent) deliver(it *simItem, rev int64) {
	if it == nil || it.ending() == nil {
		return
	}
	has := int64(0)
	switch x := it.item.(type) {
	case *payment:
		has = x.row.Rev
	case *refund:
		has = x.row.Rev
	}
	if has != rev {
		return
	}
	it.ending().Delivered = rev
	life := a.life
	a.after(lazily, func() { a.do(life, func() { a.settle(it, None, nil) }) })
}

// keepTelling pushes an end until it is delivered (register-link §4 rule 9).
func (a *simAgent) keepTelling(it *simItem) {
	it.push++
	if a.pushOnce {
		if it.ending() != nil && a.life == 0 {
			a.sayRow(it, a.till.hear)
		}
		return
	}
	a.pushAgain(it, it.push, time.Second)
}

func (a *simAgent) pushAgain(it *simItem, push int, pause time.Duration) {
	if it.push != push || !tellable(it) {
		return
	}
	a.sayRow(it, a.till.hear)
	life := a.life
	a.after(pause, func() {
		a.do(life, func() { a.pushAgain(it, push, min(2*pause, time.Minute)) })
	})
}

// tellable reports whether the register is yet to be told of an end.
func tellable(it *simItem) bool {
	switch x := it.item.(type) {
	case *payment:
		return x.row.State.Final() && !x.row.toldOf()
	case *refund:
		return x.row.State.Final() && !x.row.Closed()
	}
	panic("queue: neither payment nor refund")
}

// inputName is an input in the trace's words.
func inputName(in Input) string {
	if a, ok := in.(Answered); ok {
		return fmt.Sprintf("%s %s", a.To, a.Answer.Verdict)
	}
	return fmt.Sprintf("%T%+v", in, in)
}
