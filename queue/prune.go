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
	next   time.Time
	cursor string // the last ID that was looked at
}

// prune takes receipts and stories off payments that ended longer ago than the
// retention: their ids, amounts and outcomes stay, so that a repeat is known for
// ever.
func (l *loop) prune(now time.Time) {
	if l.o.Retention == 0 || now.Before(l.pruner.next) {
		return
	}
	first := l.pruner.next.IsZero()
	l.pruner.next = now.Add(pruneEvery)
	if first || l.failing { // not while the agent starts, nor on a sick disk
		return
	}
	l.o.Store.keepBallast()
	last, err := l.o.Store.Prune(context.Background(), l.pruner.cursor, now.Add(-l.o.Retention), pruneStep)
	if err != nil {
		l.o.Logger.Warn("old receipts could not be pruned; trying again later", "err", err)
		return
	}
	l.pruner.cursor = last
}

// Prune looks at the next rows after cursor, at most step of them, and takes off
// receipts, messages and stories of those that are closed and ended before. It
// returns where to go on, "" at the table's end.
func (s *Store) Prune(ctx context.Context, cursor string, before time.Time, step int) (string, error) {
	rows, err := rowsOf(ctx, s.read, scanPayment, selectPayment("where id > ? order by id limit ?"), cursor, step)
	if err != nil {
		return cursor, wrap(err, "prune")
	}
	var b Batch
	for _, row := range rows {
		if !row.Closed() || !row.EndedAt.Before(before) {
			continue
		}
		slim := row
		slim.CashierReceipt, slim.CustomerReceipt, slim.Result.Message = "", "", ""
		if slim != row {
			b.Payments = append(b.Payments, Change[Payment]{Old: row, New: slim})
		}
		b.Forget = append(b.Forget, row.ID)
	}
	if len(b.Forget) > 0 {
		if err := s.Save(b); err != nil {
			return cursor, wrap(err, "prune")
		}
	}
	if len(rows) < step {
		return "", nil
	}
	return rows[len(rows)-1].ID, nil
}
