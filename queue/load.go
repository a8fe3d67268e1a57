package queue

import (
	"context"
	"time"
)

// load takes up everything that is not closed. Restart and ordinary running are
// one path: from here on a row that was read is a row like any other.
func (l *loop) load(ctx context.Context, now time.Time) error {
	last, err := l.o.Store.LastEnded(ctx)
	if err != nil {
		return err
	}
	for _, e := range last {
		l.lastSeq = max(l.lastSeq, e.Seq)
		l.noteEnded(e)
	}
	if l.known, err = l.o.Store.recentPaymentIDs(ctx, rememberedIDs); err != nil {
		return err
	}
	lost, err := l.o.Store.fact(ctx, "rows_lost_at")
	if err != nil {
		return err
	}
	l.lostAt = fromMillis(lost)
	newBoot, boot, err := l.o.Store.newBoot(ctx)
	if err != nil {
		return err
	}
	l.boot = boot
	if err := l.loadPayments(ctx, now, newBoot); err != nil {
		return err
	}
	return l.loadRefunds(ctx, now)
}

func (l *loop) loadPayments(ctx context.Context, now time.Time, newBoot bool) error {
	rows, err := l.o.Store.Unclosed(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		p := l.enter(row, row)
		if !row.State.Final() {
			l.o.Logger.Info("taken up again", "payment", row)
			l.step(now, p, Restart{NewBoot: newBoot})
		}
	}
	return nil
}

// loadRefunds also begins the reversals whose payment was saved without them: the
// plug was pulled between two commits.
func (l *loop) loadRefunds(ctx context.Context, now time.Time) error {
	rows, err := l.o.Store.UnclosedRefunds(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		r := l.enterRefund(row, row)
		if !row.State.Final() {
			l.o.Logger.Info("taken up again", "refund", row)
			l.step(now, r, Restart{})
		}
	}
	for _, p := range l.payments {
		if err := l.undo(ctx, now, p); err != nil {
			return err
		}
	}
	for _, r := range l.refunds {
		l.nextTurn(now, r.row.PaymentRequestID)
	}
	return nil
}

// enter takes a payment into the loop's hands.
func (l *loop) enter(row, saved Payment) *payment {
	p := &payment{held: held[Payment]{row, saved}, entry: entry{index: -1}}
	l.payments[row.ID] = p
	l.touch(p)
	return p
}

func (l *loop) enterRefund(row, saved Refund) *refund {
	r := &refund{held: held[Refund]{row, saved}, entry: entry{index: -1}}
	l.refunds[row.ID] = r
	l.touch(r)
	return r
}

// noteEnded keeps the newest end of each register.
func (l *loop) noteEnded(e Ended) {
	if e.Seq > l.last[e.Register].Seq {
		l.last[e.Register] = e
	}
}
