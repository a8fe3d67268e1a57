package queue

import (
	"fmt"
	"time"
)

// simTill is a register that keeps the rules: the same id on silence, it asks, it
// stores what it is told before it says "delivered" (register-link §4).
type simTill struct {
	*world
	sales []*simSale
	polls bool
}

// simSale is one sale in the register's notebook.
type simSale struct {
	command Command
	intent  int // sales of one intent are to take the money once

	knows     Payment // the newest state stored; Rev 0: none
	mayPay    bool    // nothing was sent yet, or the agent said that it knows nothing
	abort     bool    // the customer changed her mind
	abortSaid bool    // the agent has answered that
	tooLate   bool    // with AGENT_TOO_LATE: a refund is due
	refused   bool    // the id was aborted and will never be paid
	refunds   []*simClaim
	planned   bool // whether to refund has been decided
}

// simClaim is a refund in the register's notebook.
type simClaim struct {
	command RefundCommand
	knows   Refund
	refused bool // by the agent: more than is left
}

func (t *simTill) open() {
	t.polls = t.chance(t.faults.poll)
	for i := range 1 + t.r.IntN(3) {
		t.after(t.between(0, 3*time.Minute)*time.Duration(i), func() { t.sell(i) })
	}
}

func (t *simTill) sell(intent int) {
	c := testCommand(fmt.Sprintf("R%d", len(t.sales)+1))
	s := &simSale{command: c, intent: intent, mayPay: true}
	t.sales = append(t.sales, s)
	if t.chance(t.faults.abort) {
		t.after(t.between(0, t.window), func() { s.abort = s.abort || !s.knows.State.Final() })
	}
	t.drive(s)
}

// drive sends what is next, for as long as there is something to find out.
func (t *simTill) drive(s *simSale) {
	if s.over() {
		return
	}
	t.sendNext(s)
	t.after(t.between(time.Second, 6*time.Second), func() { t.drive(s) })
}

// over reports whether the register waits for nothing of this sale any more.
func (s *simSale) over() bool {
	if s.abort && !s.abortSaid {
		return false
	}
	return s.refused || s.knows.State.Final()
}

func (t *simTill) sendNext(s *simSale) {
	id, known := s.command.ID, s.knows.Rev > 0
	hear := func(re simReply) { t.hearOf(s, re) }
	switch {
	case s.abort && !s.abortSaid && t.r.IntN(3) > 0:
		t.agent.ask(func() { t.agent.abort(id, func(re simReply) { t.hearAbort(s, re) }) })
	case s.mayPay || !known && t.r.IntN(2) == 0:
		s.mayPay = false
		t.agent.ask(func() { t.agent.pay(s.command, hear) })
	case !known || t.polls || t.judge.of(id).lost: // an id that initConnection does not name is asked about
		t.agent.ask(func() { t.agent.inquire(id, hear) })
	}
}

// hear takes in what comes without being asked for.
func (t *simTill) hear(re simReply) {
	for _, s := range t.sales {
		if re.p != nil && re.p.ID == s.command.ID {
			t.hearOf(s, re)
		}
		for _, c := range s.refunds {
			if re.r != nil && re.r.ID == c.command.ID {
				t.hearClaim(c, re)
			}
		}
	}
}

func (t *simTill) hearOf(s *simSale, re simReply) {
	switch {
	case re.p != nil:
		t.store(s, *re.p)
	case re.err == ErrAborted:
		s.refused = true
	case re.err == ErrNotFound, re.err == ErrDoubtful, isBusy(re.err):
		s.mayPay = s.knows.Rev == 0 || re.err == ErrDoubtful
	}
}

func isBusy(err error) bool {
	_, busy := err.(*BusyError)
	return busy
}

// store keeps a state that is not stale, and says so if it is an end.
func (t *simTill) store(s *simSale, p Payment) {
	if p.Rev < s.knows.Rev {
		return // register-link §4 rule 10
	}
	s.knows = p
	if !p.State.Final() {
		return
	}
	t.agent.ask(func() { t.agent.delivered(p.ID, p.Rev) })
	t.plan(s)
}

func (t *simTill) hearAbort(s *simSale, re simReply) {
	switch re.err {
	case ErrTooLate:
		s.abortSaid, s.tooLate = true, true
		t.plan(s)
	case nil:
		s.abortSaid = true
		t.store(s, *re.p)
	case ErrDoubtful: // the agent lost the row: it can only ask under a pay
		s.mayPay = true
	}
}

// plan decides what follows from an end: a refund, or the money asked for again
// under a new id (register-link §4 rule 1).
func (t *simTill) plan(s *simSale) {
	switch {
	case s.tooLate && len(s.refunds) == 0:
		t.claim(s, RefundCommand{Full: true})
	case s.planned || s.abort:
	case s.knows.State == Paid:
		s.planned = true
		t.planRefunds(s)
	default:
		s.planned = true
		if t.r.IntN(3) == 0 {
			t.counts.newIDs++
			t.after(t.between(0, time.Minute), func() { t.sell(s.intent) })
		}
	}
}

// planRefunds gives back parts, or all, perhaps more than there is.
func (t *simTill) planRefunds(s *simSale) {
	if !t.chance(t.faults.refund) {
		return
	}
	for range 1 + t.r.IntN(3) {
		c := RefundCommand{AmountMinor: 1 + t.r.Int64N(s.command.AmountMinor), Currency: s.command.Currency}
		if t.r.IntN(4) == 0 {
			c = RefundCommand{Full: true}
		}
		t.after(t.between(0, time.Minute), func() { t.claim(s, c) })
	}
}

func (t *simTill) claim(s *simSale, c RefundCommand) {
	c.ID, c.PaymentRequestID = fmt.Sprintf("F%d_%s", len(s.refunds)+1, s.command.ID), s.command.ID
	claim := &simClaim{command: c}
	s.refunds = append(s.refunds, claim)
	t.driveClaim(claim)
}

func (t *simTill) driveClaim(c *simClaim) {
	if c.refused || c.knows.State.Final() || c.knows.Rev > 0 && !t.polls {
		return
	}
	t.agent.ask(func() { t.agent.giveMoneyBack(c.command, func(re simReply) { t.hearClaim(c, re) }) })
	t.after(t.between(2*time.Second, 10*time.Second), func() { t.driveClaim(c) })
}

func (t *simTill) hearClaim(c *simClaim, re simReply) {
	if re.r == nil {
		c.refused = true
		return
	}
	if re.r.Rev < c.knows.Rev {
		return
	}
	c.knows = *re.r
	if c.knows.State.Final() {
		rev := c.knows.Rev
		t.agent.ask(func() { t.agent.refundDelivered(c.command.ID, rev) })
	}
}
