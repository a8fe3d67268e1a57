package queue

import (
	"context"
	"errors"
	"time"
)

// follow begins what follows from an item that is saved: the undoing of a late
// abort, or the next refund's turn.
func (l *loop) follow(now time.Time, it item) {
	switch it := it.(type) {
	case *payment:
		l.followPayment(now, it)
	case *refund:
		// Also one that has just been saved as waiting: the one that it was to wait
		// for may not have been stored.
		if it.row.State.Final() || it.row.State == RefundWaiting {
			l.nextTurn(now, it.row.PaymentRequestID)
		}
		// Nor does its end leave an undoing waiting that was to follow it.
		if p := l.payments[it.row.PaymentRequestID]; p != nil && it.row.State.Final() {
			l.followPayment(now, p)
		}
	}
}

// followPayment begins the undoing of a late abort, and where the store can't be
// read it comes back to it.
func (l *loop) followPayment(now time.Time, p *payment) {
	err := l.undo(context.Background(), now, p)
	if err == nil {
		p.again = time.Time{}
		return
	}
	if p.again.IsZero() {
		l.o.Logger.Error("a late abort can't be undone while the store can't be read; trying again until it can",
			"paymentRequestId", p.row.ID, "err", err)
	}
	p.again = now.Add(saveAgain)
	l.agenda.put(p)
}

// undo begins the refund of a payment that was taken although it was aborted, or
// takes up how that refund ended. Refunds of it that are under way end first: what
// they give back need not be undone, and what they don't must be.
func (l *loop) undo(ctx context.Context, now time.Time, p *payment) error {
	id := p.row.ReversalID()
	if p.saved.Reversal != RefundPending || p.row.Reversal != RefundPending || l.refunds[id] != nil {
		return nil
	}
	row, err := l.o.Store.Refund(ctx, id)
	if err == nil {
		l.reversed(now, row)
		return nil
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if l.givingBack(p.row.ID) {
		return nil
	}
	left, err := l.left(p.saved)
	if err != nil {
		return err
	}
	if left <= 0 || p.saved.PaymentID == "" {
		l.step(now, p, Reversed{undone(left)})
		return nil
	}
	l.giveBack(now, p.saved, Refund{ID: id, Register: p.saved.Register, AmountMinor: left, Reversal: true})
	return nil
}

// givingBack reports whether a refund of a payment is under way or waits to be.
func (l *loop) givingBack(paymentRequestID string) bool {
	for _, it := range l.refunds {
		if it.row.PaymentRequestID == paymentRequestID && !it.row.State.Final() {
			return true
		}
	}
	return false
}

// undone is how a reversal ends that needs no refund, or can't have one.
func undone(left int64) RefundStatus {
	if left <= 0 {
		return RefundSuccess
	}
	return RefundFailed
}

// reversed tells a payment how its reversal ended.
func (l *loop) reversed(now time.Time, r Refund) {
	if p := l.payments[r.PaymentRequestID]; p != nil && r.State.Final() {
		l.step(now, p, Reversed{r.State.Status()})
	}
}
