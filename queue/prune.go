package queue

import (
	"context"
	"time"
)

// Pruning goes through the table in small steps, so that no sale waits for it.
const (
	pruneEvery = time.Minute
	pruneStep  = 500 // rows looked at in one step
)

// pruner is how far the pruning has come.
type pruner struct {
	next    time.Time
	refunds bool   // among the refunds; else among the payments
	cursor  string // the last ID that was looked at
}

// prune takes receipts and stories off payments and refunds that ended longer ago
// than the retention: their ids, amounts and outcomes stay, so that a repeat is known
// for ever.
func (l *loop) prune(now time.Time) {
	if l.o.Retention == 0 || now.Before(l.pruner.next) {
		return
	}
	first := l.pruner.next.IsZero()
	l.pruner.next = now.Add(pruneEvery)
	if first || l.failing { // not while the agent starts, nor on a sick disk
		return
	}
	if l.o.ClockBelieved != nil && !l.o.ClockBelieved() { // in 2040 everything is old
		return
	}
	l.o.Store.keepBallast()
	step := l.o.Store.prunePayments
	if l.pruner.refunds {
		step = l.o.Store.pruneRefunds
	}
	last, err := step(context.Background(), l.pruner.cursor, now.Add(-l.o.Retention))
	if err != nil {
		l.o.Logger.Warn("old receipts could not be pruned; trying again later", "err", err)
		return
	}
	l.pruner.cursor = last
	if last == "" {
		l.pruner.refunds = !l.pruner.refunds
	}
}

// prunePayments looks at the next payments after cursor and takes off receipts,
// messages and stories of those that are closed and ended before. It returns where
// to go on, "" at the table's end.
func (s *Store) prunePayments(ctx context.Context, cursor string, before time.Time) (string, error) {
	return pruneRows(ctx, s, cursor, scanPayment, selectPayment, func(b *Batch, row Payment) string {
		if !row.Closed() || !row.EndedAt.Before(before) {
			return row.ID
		}
		slim := row
		slim.CashierReceipt, slim.CustomerReceipt, slim.Result.Message = "", "", ""
		if slim != row {
			b.Payments = append(b.Payments, Change[Payment]{Old: row, New: slim})
		}
		b.Forget = append(b.Forget, row.ID)
		return row.ID
	})
}

// pruneRefunds is prunePayments for refunds. Their memo stays: it is content, by which
// a repeat is known.
func (s *Store) pruneRefunds(ctx context.Context, cursor string, before time.Time) (string, error) {
	return pruneRows(ctx, s, cursor, scanRefund, selectRefund, func(b *Batch, row Refund) string {
		if !row.Closed() || !row.EndedAt.Before(before) {
			return row.ID
		}
		slim := row
		slim.Result.Message = ""
		if slim != row {
			b.Refunds = append(b.Refunds, Change[Refund]{Old: row, New: slim})
		}
		b.Forget = append(b.Forget, row.ID)
		return row.ID
	})
}

// pruneRows has slim look at the next rows, and saves what it makes of them. A row
// that can't be believed stays as it is, and is no obstacle to those behind it.
func pruneRows[R any](ctx context.Context, s *Store, cursor string, scan func(scanner) (R, error),
	query func(string) string, slim func(*Batch, R) (id string)) (string, error) {
	rows, err := rowsOf(ctx, s.read, believe(scan), query("where id > ? order by id limit ?"), cursor, pruneStep)
	if err != nil {
		return cursor, wrap(err, "prune")
	}
	var b Batch
	for _, row := range rows {
		into := &b
		if row.err != nil {
			into = &Batch{} // only its id is wanted
		}
		cursor = slim(into, row.row)
	}
	if len(b.Forget) > 0 {
		if err := s.Save(b); err != nil {
			return cursor, wrap(err, "prune")
		}
	}
	if len(rows) < pruneStep {
		return "", nil
	}
	return cursor, nil
}
