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
	if l.lostAt, err = l.o.Store.rowsLostAt(ctx, now); err != nil {
		return err
	}
	if l.newBoot, l.boot, err = l.o.Store.newBoot(ctx); err != nil {
		return err
	}
	if l.away, err = l.o.Store.closedAtHandIDs(ctx); err != nil {
		return err
	}
	if err := l.loadPayments(ctx, now); err != nil {
		return err
	}
	return l.loadRefunds(ctx, now)
}

// loadPayments takes up at once what may be inside its window. What is in doubt, which
// may be the backlog of a long outage, is taken up in its turn: all of it at once
// would be a storm, and one commit as long.
func (l *loop) loadPayments(ctx context.Context, now time.Time) error {
	rows, err := l.o.Store.Unclosed(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		switch p := l.enter(row, row); {
		case row.State.Final():
		case row.InDoubt:
			p.resume = now
		default:
			l.takeUp(now, p)
		}
	}
	return nil
}

// takeUp has the machine go on with a row that a process before left.
func (l *loop) takeUp(now time.Time, it item) {
	it.base().resume = time.Time{}
	l.o.Logger.Info("taken up again", it.log())
	l.step(now, it, Restart{NewBoot: l.newBoot})
}

// loadRefunds also begins the reversals whose payment was saved without them: the
// plug was pulled between two commits.
func (l *loop) loadRefunds(ctx context.Context, now time.Time) error {
	rows, err := l.o.Store.UnclosedRefunds(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if r := l.enterRefund(row, row); !row.State.Final() && row.State != RefundWaiting {
			r.resume = now
		}
	}
	for _, p := range l.payments {
		if err := l.undo(ctx, now, p); err != nil {
			return err
		}
	}
	for _, r := range l.refunds {
		if r.row.State == RefundWaiting {
			l.nextTurn(now, r.row.PaymentRequestID)
		}
	}
	return nil
}

// enter takes a payment into the loop's hands.
func (l *loop) enter(row, saved Payment) *payment {
	p := &payment{held: held[Payment]{row, saved}, entry: entry{index: -1}}
	l.payments[row.ID] = p
	l.lanes.enter(p)
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
