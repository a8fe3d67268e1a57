package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Summary is a store at a glance.
type Summary struct {
	Schema   int   // the version of its tables
	Payments int   // rows, the aborted ids without one not counted
	Refunds  int   // rows
	Bytes    int64 // of the file
	LogBytes int64 // of the log beside it

	Overview     Overview
	Open         int // payments and refunds that are not final
	InDoubt      int // payments whose window is over and whose outcome is open
	OldestOpen   time.Time
	OldestOpenID string
	Undelivered  int // ends that their register has not stored yet

	Sums       []Sum     // of all registers, by currency
	RowsLostAt time.Time // when rows were last lost to a damaged file; zero: never
	Damaged    []Damage  // among the rows that are not closed
	Partial    bool      // a part of the store can't be read: all counts may be too small
}

// Summary counts what is open and not delivered now, and adds up what all registers
// were paid and gave back in from ≤ t < to, by the time at which the agent learnt
// the end, as [Store.Sums] does for one.
func (v *View) Summary(ctx context.Context, from, to time.Time) (Summary, error) {
	return look(v, func(r reader) (Summary, error) {
		c := counter{reader: r, from: from.UnixMilli(), to: to.UnixMilli(), sums: map[string]*Sum{}}
		err := c.countAll(ctx)
		f, statErr := footprintOf(v.path)
		c.out.Bytes, c.out.LogBytes = f.file.size, f.log.size
		return c.out, errors.Join(err, statErr)
	})
}

// counter adds up a summary.
type counter struct {
	reader
	from, to int64
	sums     map[string]*Sum
	out      Summary
}

func (c *counter) countAll(ctx context.Context) (err error) {
	if c.out.Schema, err = versionOf(ctx, c.read); err != nil {
		return err
	}
	lost, err := c.fact(ctx, "rows_lost_at")
	if err != nil {
		return err
	}
	c.out.RowsLostAt = fromMillis(lost)
	payments, err := c.walk(ctx, "payment", func(p piece) error { return c.countPayments(ctx, p) })
	if err != nil {
		return err
	}
	refunds, err := c.walk(ctx, "refund", func(p piece) error { return c.countRefunds(ctx, p) })
	c.out.Partial = !payments || !refunds
	for _, sum := range c.sums {
		c.out.Sums = append(c.out.Sums, *sum)
	}
	slices.SortFunc(c.out.Sums, func(a, b Sum) int { return strings.Compare(a.Currency, b.Currency) })
	return err
}

func (c *counter) countPayments(ctx context.Context, p piece) error {
	open, err := rowsOf(ctx, c.read, believe(scanPayment), selectPayment("where "+unclosedPayment+" and id > ? and id <= ?"), p.after, p.upTo)
	if err != nil {
		return err
	}
	tally, err := c.tally(ctx, "payment", "paid", p)
	if err != nil {
		return err
	}
	c.out.Payments += tally.rows
	for currency, n := range tally.of {
		sum := c.sum(currency)
		sum.PaidCount, sum.PaidMinor = sum.PaidCount+n.count, sum.PaidMinor+n.minor
	}
	for _, row := range open {
		c.damaged(row.err, row.row.ID, false)
		c.out.Overview.payment(row.row)
		c.open(row.row.State.Final(), row.row.ReceivedAt, row.row.ID)
		c.out.InDoubt += int(bit(row.row.InDoubt))
		c.out.Undelivered += int(bit(row.row.State.Final() && !row.row.toldOf()))
	}
	return nil
}

func (c *counter) countRefunds(ctx context.Context, p piece) error {
	open, err := rowsOf(ctx, c.read, believe(scanRefund), selectRefund("where "+unclosedRefund+" and id > ? and id <= ?"), p.after, p.upTo)
	if err != nil {
		return err
	}
	tally, err := c.tally(ctx, "refund", "refunded", p)
	if err != nil {
		return err
	}
	c.out.Refunds += tally.rows
	for currency, n := range tally.of {
		sum := c.sum(currency)
		sum.RefundedCount, sum.RefundMinor = sum.RefundedCount+n.count, sum.RefundMinor+n.minor
	}
	for _, row := range open {
		c.damaged(row.err, row.row.ID, true)
		c.out.Overview.refund(row.row)
		c.open(row.row.State.Final(), row.row.ReceivedAt, row.row.ID)
		c.out.Undelivered += int(bit(row.row.State.Final() && !row.row.Closed()))
	}
	return nil
}

func (c *counter) open(final bool, since time.Time, id string) {
	if final {
		return
	}
	c.out.Open++
	if c.out.OldestOpen.IsZero() || since.Before(c.out.OldestOpen) {
		c.out.OldestOpen, c.out.OldestOpenID = since, id
	}
}

func (c *counter) damaged(err error, id string, refund bool) {
	if err != nil {
		c.out.Damaged = append(c.out.Damaged, Damage{id, refund, err})
	}
}

func (c *counter) sum(currency string) *Sum {
	if c.sums[currency] == nil {
		c.sums[currency] = &Sum{Currency: currency}
	}
	return c.sums[currency]
}

// tally counts a piece's rows, and the money of those that ended well in time.
type tally struct {
	rows int
	of   map[string]struct{ count, minor int64 }
}

func (c *counter) tally(ctx context.Context, table, state string, p piece) (tally, error) {
	t := tally{of: map[string]struct{ count, minor int64 }{}}
	_, err := rowsOf(ctx, c.read, func(row scanner) (none struct{}, err error) {
		var rows int
		var currency string
		var n struct{ count, minor int64 }
		err = row.Scan(&currency, &rows, &n.count, &n.minor)
		t.rows += rows
		if n.count > 0 {
			t.of[currency] = n
		}
		return none, err
	}, `select currency, count(*), sum(well), sum(well * amount_minor) from (
			select currency, amount_minor, state = ? and ended_at >= ? and ended_at < ? as well from `+table+`
				where id > ? and id <= ?
		) group by currency`, state, c.from, c.to, p.after, p.upTo)
	return t, err
}

// believed is a row, and why it can't be believed.
type believed[R any] struct {
	row R
	err error
}

// believe has a scan go on behind a row whose CRC does not hold.
func believe[R any](scan func(scanner) (R, error)) func(scanner) (believed[R], error) {
	return func(row scanner) (believed[R], error) {
		r, err := scan(row)
		if errors.Is(err, ErrDamaged) {
			return believed[R]{r, err}, nil
		}
		return believed[R]{row: r}, err
	}
}
