package queue

import (
	"context"
	"errors"
	"time"
)

// enqueueRefund takes a register's command to give money back; register-link §4
// rule 10.
func (l *loop) enqueueRefund(register string, c RefundCommand, r reply[Refund]) {
	row, err := l.findRefund(c.ID)
	switch {
	case err == nil && !row.same(c):
		r.send(Refund{}, ErrInconsistent)
	case err == nil:
		l.repeatRefund(l.refundInHand(row), register, r)
	case !errors.Is(err, ErrNotFound):
		r.send(Refund{}, err)
	case l.stopping:
		r.send(Refund{}, ErrStopping)
	default:
		l.beginRefund(register, c, r)
	}
}

func (l *loop) repeatRefund(it *refund, register string, r reply[Refund]) {
	if it.row.Register != register {
		l.moveRefund(it, register)
	}
	if !it.fresh() && !it.lazy() { // a change that is not saved yet is not told
		r.send(it.saved, nil)
		return
	}
	it.onceSaved(r)
}

// moveRefund gives a refund to another register, as move does a payment.
func (l *loop) moveRefund(it *refund, register string) {
	before := it.row.Register
	it.row.Register, it.row.Delivered = register, 0
	if it.row.EndedSeq > 0 {
		l.noteEnded(Ended{register, it.row.ID, it.row.EndedSeq, true})
	}
	l.o.Changed(before)
	l.o.Changed(register)
}

// onceSaved sends the row, or why it could not be saved.
func (it *refund) onceSaved(r reply[Refund]) {
	it.asked = append(it.asked, func(err error) {
		if err != nil {
			r.send(Refund{}, err)
			return
		}
		r.send(it.row, nil)
	})
}

func (l *loop) beginRefund(register string, c RefundCommand, r reply[Refund]) {
	p, err := l.refundable(c)
	if err != nil {
		r.send(Refund{}, err)
		return
	}
	left, err := l.left(p)
	if err != nil {
		r.send(Refund{}, err)
		return
	}
	if p.Reversal == RefundPending {
		left = 0 // all of it is on its way back, or will be
	}
	amount := c.AmountMinor
	if c.Full {
		amount = left
	}
	if amount > left || left == 0 {
		r.send(Refund{}, ErrExceeds)
		return
	}
	it := l.giveBack(time.Now(), p, Refund{
		ID: c.ID, Register: register, AmountMinor: amount, Full: c.Full, Memo: c.Memo,
	})
	it.onceSaved(r)
}

// refundable returns the paid payment that a command names.
func (l *loop) refundable(c RefundCommand) (Payment, error) {
	id := c.PaymentRequestID
	if id == "" {
		owner, err := l.ownerOf(c.PaymentID)
		if err != nil {
			return Payment{}, err
		}
		id = owner
	}
	p, err := l.lookUp(id)
	switch {
	case err != nil:
		return Payment{}, err
	case c.PaymentID != "" && c.PaymentID != p.PaymentID:
		return Payment{}, &CommandError{"paymentId: it is not that of the payment named by paymentRequestId"}
	case p.State != Paid:
		return Payment{}, ErrNotPaid
	case p.PaymentID == "":
		return Payment{}, &CommandError{"paymentRequestId: the acquirer gave this payment no paymentId to refund it by"}
	case !c.Full && c.Currency != p.Currency:
		return Payment{}, &CommandError{"refundAmount: its currency is not that of the payment"}
	}
	return p, nil
}

// ownerOf returns the payment that an acquirer's paymentId belongs to.
func (l *loop) ownerOf(paymentID string) (string, error) {
	if owner := l.known.owner(paymentID); owner != "" {
		return owner, nil
	}
	p, err := l.o.Store.PaymentByAcquirerID(context.Background(), paymentID)
	return p.ID, l.readable(err, paymentID)
}

// left is what of a payment was not given back and is not on its way back.
func (l *loop) left(p Payment) (int64, error) {
	stored, err := l.o.Store.RefundsOf(context.Background(), p.ID)
	if err != nil {
		return 0, l.readable(err, p.ID)
	}
	left := p.AmountMinor
	for _, r := range stored {
		if l.refunds[r.ID] == nil && r.State != RefundRefused {
			left -= r.AmountMinor
		}
	}
	for _, it := range l.refunds {
		if it.row.PaymentRequestID == p.ID && it.row.State != RefundRefused {
			left -= it.row.AmountMinor
		}
	}
	return left, nil
}

// giveBack begins a refund of p.
func (l *loop) giveBack(now time.Time, p Payment, r Refund) *refund {
	r.PaymentRequestID, r.PaymentID, r.Currency = p.ID, p.PaymentID, p.Currency
	row, act := BeginRefund(now, r, l.turnIsFree(p.ID))
	it := l.enterRefund(row, Refund{})
	it.act, it.journal = act, []Event{storedRefund(row)}
	it.note("stored")
	return it
}

// turnIsFree reports whether no refund of a payment is under way: they are sent
// one at a time.
func (l *loop) turnIsFree(paymentRequestID string) bool {
	for _, it := range l.refunds {
		if it.row.PaymentRequestID == paymentRequestID && !it.row.State.Final() && it.row.State != RefundWaiting {
			return false
		}
	}
	return true
}

// nextTurn lets the oldest waiting refund of a payment go.
func (l *loop) nextTurn(now time.Time, paymentRequestID string) {
	if l.stopping || !l.turnIsFree(paymentRequestID) {
		return
	}
	var next *refund
	for _, it := range l.refunds {
		if it.row.PaymentRequestID == paymentRequestID && it.row.State == RefundWaiting && !it.fresh() &&
			(next == nil || it.row.ReceivedAt.Before(next.row.ReceivedAt)) {
			next = it
		}
	}
	if next != nil {
		l.step(now, next, Turn{})
	}
}

func (l *loop) findRefund(id string) (Refund, error) {
	if it := l.refunds[id]; it != nil {
		return it.row, nil
	}
	return l.readRefund(id)
}

func (l *loop) refundInHand(row Refund) *refund {
	if it := l.refunds[row.ID]; it != nil {
		l.touch(it)
		return it
	}
	return l.enterRefund(row, row)
}

// lookUpRefund returns the row of a refundRequestId as it is on the disk.
func (l *loop) lookUpRefund(id string) (Refund, error) {
	if it := l.refunds[id]; it != nil {
		if it.fresh() {
			return Refund{}, ErrDoubtful
		}
		row := it.saved
		row.Register = it.row.Register // saved lazily
		return row, nil
	}
	row, err := l.readRefund(id)
	if errors.Is(err, ErrNotFound) && l.rowsLost(time.Now()) {
		err = ErrDoubtful
	}
	return row, err
}

func (l *loop) readRefund(id string) (Refund, error) {
	if _, doubtful := l.bury[id]; doubtful {
		return Refund{}, ErrDoubtful
	}
	row, err := l.o.Store.Refund(context.Background(), id)
	return row, l.readable(err, id)
}

// deliverRefund closes the end of a refund.
func (l *loop) deliverRefund(id string, rev int64) (Refund, error) {
	row, err := l.lookUpRefund(id)
	if err != nil {
		return Refund{}, err
	}
	if !row.State.Final() {
		return Refund{}, ErrNotFinal
	}
	it := l.refunds[id]
	if it == nil || it.row.Rev != rev || it.saved.Rev != rev {
		return row, nil
	}
	if it.row.Delivered != rev {
		it.row.Delivered = rev
		it.journal = append(it.journal, Event{id, time.Now(), EventDelivered, ""})
	}
	l.touch(it)
	return it.row, nil
}
