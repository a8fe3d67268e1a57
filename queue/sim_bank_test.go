package queue

import (
	"slices"
	"time"
)

// simBank is the way to the acquirer and the acquirer: an evil line, and a ledger
// that is honest about money. It keeps what Antom promises: one charge for each
// paymentRequestId, one refund for each refundRequestId (antom-api §6). Whatever
// it keeps no promise about is drawn.
type simBank struct {
	*world
	orders  []*simOrder
	gifts   []*simGift
	flights []*simFlight
}

// simOrder is a payment in the ledger.
type simOrder struct {
	command Command
	state   Verdict // "" until a request for it arrived; open, pending, paid, failed or cancelled
}

// simGift is a refund in the ledger.
type simGift struct {
	row   Refund
	state Verdict // open, refunded or failed
}

// simFlight is one request for money on its way, in one or more copies.
type simFlight struct {
	it      item
	payment Payment
	refund  Refund
	act     Action
	until   time.Duration // the quiet time's promise: no copy arrives later
	refused bool          // at the door; so is every copy
	arrived bool
}

// send brings a request to the ledger, once, late, twice or not at all, and
// perhaps its answer back before the time-out.
func (b *simBank) send(it item, act Action, done func(Answer)) {
	answered := false
	answer := func(a Answer) {
		if !answered {
			answered = true
			done(a)
		}
	}
	if b.chance(b.faults.notSent) {
		b.after(b.between(0, 3*time.Second), func() { answer(Answer{Verdict: VerdictNotSent}) })
		return
	}
	timeout := b.timeout(act)
	f := b.newFlight(it, act, timeout)
	b.after(timeout, func() { answer(Answer{Verdict: VerdictUnknown}) })
	if act == Pay && b.policy.ConfirmAnswers && b.chance(b.faults.playedBack) {
		b.playBack(f, timeout, answer)
	}
	if !b.chance(b.faults.sendLost) {
		b.after(b.delay(timeout), func() { b.arrive(f, answer) })
	}
	if b.chance(b.faults.sendTwice) {
		b.after(b.delay(timeout), func() { b.arrive(f, answer) })
	}
}

// playBack answers as another payment was once answered, on a way to the acquirer
// that anybody may listen to and speak on: what a pay request is told names no
// payment.
func (b *simBank) playBack(f *simFlight, timeout time.Duration, answer func(Answer)) {
	old := testAnswer([]Verdict{VerdictFailed, VerdictRefused, VerdictPaid}[b.r.IntN(3)], Pay)
	b.after(b.between(0, timeout), func() {
		f.until = min(f.until, b.now+b.policy.QuietTime)
		answer(old)
	})
}

func (b *simBank) timeout(act Action) time.Duration {
	switch act {
	case Pay:
		return b.payTimeout
	case GiveBack:
		return simRefundTimeout
	}
	return simInquiryTimeout
}

func (b *simBank) newFlight(it item, act Action, timeout time.Duration) *simFlight {
	f := &simFlight{it: it, act: act, until: b.now + timeout + b.policy.QuietTime}
	switch x := it.(type) {
	case *payment:
		f.payment = x.row
	case *refund:
		f.refund = x.row
	}
	if act == Pay || act == GiveBack {
		b.counts.sends++
		b.flights = append(b.flights, f)
	}
	if act == Pay {
		b.judge.payLeaves(f.payment)
	}
	return f
}

// delay is how long a request travels: it may arrive long after it was given up.
func (b *simBank) delay(timeout time.Duration) time.Duration {
	if b.chance(b.faults.sendLate) {
		return b.between(0, timeout+b.policy.QuietTime)
	}
	return b.between(5*time.Millisecond, 500*time.Millisecond)
}

func (b *simBank) arrive(f *simFlight, answer func(Answer)) {
	if b.now >= f.until {
		return // the quiet time is the promise that this does not happen
	}
	a := b.treat(f)
	f.arrived = true
	if b.trace != nil {
		b.log("    at the bank: %s %s: %s", f.act, f.it.key(), a.Verdict)
	}
	if b.chance(b.faults.answerLost) {
		return
	}
	back := b.between(5*time.Millisecond, 500*time.Millisecond)
	if b.chance(b.faults.answerLate) {
		back = b.between(0, 40*time.Second)
	}
	b.after(back, func() {
		f.until = min(f.until, b.now+b.policy.QuietTime)
		answer(a)
	})
}

// agentRestarted: whatever was under way is given up now, and may still arrive
// for the quiet time (antom-api §7).
func (b *simBank) agentRestarted() {
	b.flights = slices.DeleteFunc(b.flights, func(f *simFlight) bool { return f.until <= b.now })
	for _, f := range b.flights {
		f.until = min(f.until, b.now+b.policy.QuietTime)
		if !f.arrived && b.chance(b.faults.sendLate) {
			b.counts.lateArrivals++
			b.after(b.between(0, b.policy.QuietTime), func() { b.arrive(f, func(Answer) {}) })
		}
	}
}

func (b *simBank) treat(f *simFlight) Answer {
	switch f.act {
	case Pay:
		return b.pay(f)
	case Inquire:
		return b.inquire(f)
	case GiveBack:
		return b.giveBack(f)
	}
	return b.inquireRefund(f)
}

func (b *simBank) order(id string) *simOrder {
	for _, o := range b.orders {
		if o.command.ID == id {
			return o
		}
	}
	return nil
}

// pay answers a pay request (antom-api §6, §7).
func (b *simBank) pay(f *simFlight) Answer {
	o := b.order(f.payment.ID)
	if o == nil {
		o = &simOrder{command: f.payment.Command}
		b.orders = append(b.orders, o)
	}
	switch {
	case o.command != f.payment.Command:
		b.violated("P1: %s was sent with two contents", f.payment.ID)
	case f.refused || b.chance(b.faults.refused):
		f.refused = true
		return testAnswer(VerdictRefused, Pay)
	case b.chance(b.faults.inconsistent):
		return testAnswer(VerdictInconsistent, Pay)
	case b.chance(b.faults.busy):
		if b.r.IntN(2) == 0 { // busy with us: the order turns up later, and is not found until then
			b.after(b.between(0, b.policy.QuietTime), func() { b.arrive(f, func(Answer) {}) })
		}
		return testAnswer(VerdictOpen, Pay)
	case o.state == "":
		b.decide(o)
	}
	return b.word(o, Pay)
}

// decide is what the customer does: pay, be declined, or take her time.
func (b *simBank) decide(o *simOrder) {
	switch n := b.r.IntN(20); {
	case n < 11:
		b.charge(o)
	case n < 14:
		b.decline(o, VerdictFailed)
	default:
		o.state = VerdictOpen
		b.after(b.between(0, 5*time.Minute), func() { b.finish(o) })
	}
}

func (b *simBank) finish(o *simOrder) {
	switch n := b.r.IntN(20); {
	case n < 9:
		b.charge(o)
	case n < 12:
		o.state = VerdictPending // paid, all but the last word
		b.after(b.between(0, time.Minute), func() { b.charge(o) })
	case n < 16:
		b.decline(o, VerdictFailed)
	default:
		b.decline(o, VerdictCancelled)
	}
}

func (b *simBank) charge(o *simOrder) {
	o.state = VerdictPaid
	b.counts.charges++
	b.log("    CHARGED %s", o.command.ID)
	b.judge.charged(o.command.ID)
}

func (b *simBank) decline(o *simOrder, v Verdict) {
	o.state = v
	b.counts.declines++
	b.log("    not paid: %s %s", o.command.ID, v)
}

// word is what the ledger says of an order.
func (b *simBank) word(o *simOrder, to Action) Answer {
	v := o.state
	if to == Pay && (v == VerdictCancelled || v == VerdictPending) {
		v = map[Verdict]Verdict{VerdictCancelled: VerdictFailed, VerdictPending: VerdictOpen}[v]
	}
	a := testAnswer(v, to)
	if v == VerdictPaid {
		a.PaymentID = "A" + o.command.ID
	}
	return a
}

func (b *simBank) inquire(f *simFlight) Answer {
	o := b.order(f.payment.ID)
	switch {
	case b.chance(b.faults.busy):
		return testAnswer(VerdictOpen, Inquire)
	case o == nil || o.state == "":
		return testAnswer(VerdictNotFound, Inquire)
	}
	return b.word(o, Inquire)
}
