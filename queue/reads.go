package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// reader is a pool of connections that only read, to a store of this schema. What
// the agent's [Store] and a [View] both ask is asked here.
type reader struct{ read *sql.DB }

// selectPayment and selectRefund begin every reading of rows.
func selectPayment(rest string) string { return "select " + paymentColumns + " from payment " + rest }
func selectRefund(rest string) string  { return "select " + refundColumns + " from refund " + rest }
func selectAborted(rest string) string { return "select id, register, at from aborted " + rest }

// Payment returns the stored row of an ID, or ErrNotFound. An ID that was aborted
// before it was ever paid is a cancelled payment without an amount.
func (r reader) Payment(ctx context.Context, id string) (Payment, error) {
	p, err := rowOf(ctx, r.read, scanPayment, selectPayment("where id = ?"), id)
	if err != ErrNotFound { //nolint:errorlint // rowOf returns it bare
		return p, wrap(err, "payment "+id)
	}
	a, err := rowOf(ctx, r.read, scanAborted, selectAborted("where id = ?"), id)
	if err != nil {
		return Payment{}, wrap(err, "payment "+id)
	}
	return a.payment(), nil
}

func scanAborted(row scanner) (Aborted, error) {
	var a Aborted
	err := row.Scan(&a.ID, &a.Register, &a.At)
	return a, err
}

// payment is the payment that will never be.
func (a Aborted) payment() Payment {
	at := fromMillis(a.At)
	return Payment{
		Command: Command{ID: a.ID}, Register: a.Register, State: Cancelled, Rev: 1, AbortAt: at, ReceivedAt: at,
		Result: Result{Status: "F", Code: codeAborted, Message: "aborted before it was ever paid"},
		Ending: Ending{EndedAt: at, Delivered: 1},
	}
}

// NeverPaid reports whether p stands for an ID that was aborted before any pay
// command came for it.
func (p Payment) NeverPaid() bool { return p.AmountMinor == 0 }

// Refund returns the stored row of a refundRequestId, or ErrNotFound.
func (r reader) Refund(ctx context.Context, id string) (Refund, error) {
	row, err := rowOf(ctx, r.read, scanRefund, selectRefund("where id = ?"), id)
	return row, wrap(err, "refund "+id)
}

// RefundsOf returns all refunds of a payment, oldest first.
func (r reader) RefundsOf(ctx context.Context, paymentRequestID string) ([]Refund, error) {
	list, err := rowsOf(ctx, r.read, scanRefund, selectRefund("where payment_request_id = ? order by received_at, id"), paymentRequestID)
	return list, wrap(err, "refunds of "+paymentRequestID)
}

// PaymentByAcquirerID returns the payment with the acquirer's paymentId.
func (s *Store) PaymentByAcquirerID(ctx context.Context, paymentID string) (Payment, error) {
	p, err := rowOf(ctx, s.read, scanPayment, "select "+paymentColumns+" from payment_open where payment_id = ? and state = 'paid' "+
		"union all select "+paymentColumns+" from payment_closed where id in (select id from acquirer_id where payment_id = ?) "+
		"limit 1", paymentID, paymentID)
	return p, wrap(err, "paymentId "+paymentID)
}

// What [Payment.Closed] and [Refund.Closed] are not, in SQL.
const (
	unclosedPayment = "(ended_seq = 0 or delivered != rev or reversal = 'PENDING')"
	unclosedRefund  = "(ended_seq = 0 or (delivered != rev and reversal = 0))"
)

// Unclosed returns every payment that is open or being undone, or whose end the
// register has not stored yet, oldest first.
func (s *Store) Unclosed(ctx context.Context) ([]Payment, error) {
	return rowsOf(ctx, s.read, scanPayment,
		"select "+paymentColumns+" from payment_open where "+unclosedPayment+" order by received_at, id")
}

// closedAtHandIDs names the payments that wait to be put away.
func (s *Store) closedAtHandIDs(ctx context.Context) ([]string, error) {
	return rowsOf(ctx, s.read, func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, "select id from payment_open where not "+unclosedPayment)
}

// UnclosedRefunds is Unclosed for refunds.
func (s *Store) UnclosedRefunds(ctx context.Context) ([]Refund, error) {
	return rowsOf(ctx, s.read, scanRefund,
		selectRefund("where "+unclosedRefund+" order by received_at, id"))
}

// Ended names the payment or refund of a register whose end was learnt last.
type Ended struct {
	Register string
	ID       string
	Seq      int64
	Refund   bool
}

// LastEnded returns, of each register, what ended last: of the payments at hand, of
// those put away, and of the refunds.
func (s *Store) LastEnded(ctx context.Context) ([]Ended, error) {
	return rowsOf(ctx, s.read, func(row scanner) (e Ended, err error) {
		err = row.Scan(&e.Register, &e.ID, &e.Seq, &e.Refund)
		return e, err
	}, `select register, id, max(ended_seq), 0 from payment_open where ended_seq > 0 group by register
		union all
		select register, id, seq, 0 from last_ended
		union all
		select register, id, max(ended_seq), 1 from refund where ended_seq > 0 and reversal = 0 group by register`)
}

// Story returns the journal of a payment or refund, oldest first.
func (r reader) Story(ctx context.Context, id string) ([]Event, error) {
	story, err := rowsOf(ctx, r.read, func(row scanner) (e Event, err error) {
		var at int64
		err = row.Scan(&e.ID, &at, &e.Kind, &e.Text)
		e.At = fromMillis(at)
		return e, err
	}, "select id, at, kind, text from event where id = ? order by n", id)
	if err != nil {
		return nil, wrap(err, "story of "+id)
	}
	texts, err := rowsOf(ctx, r.read, func(row scanner) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	}, "select text from story where id = ? union all select story from payment_open where id = ?", id, id)
	for _, text := range texts {
		story = append(story, decodeStory(id, text)...)
	}
	return story, wrap(err, "story of "+id)
}

// Sum counts amounts of one currency.
type Sum struct {
	Currency                   string
	PaidCount, PaidMinor       int64
	RefundedCount, RefundMinor int64
}

// Sums adds up what a register was paid and gave back in from ≤ t < to, by the
// time at which the agent learnt the end; reversals count among the refunded. It
// reads the whole tables.
func (s *Store) Sums(ctx context.Context, register string, from, to time.Time) ([]Sum, error) {
	sums, err := rowsOf(ctx, s.read, func(row scanner) (m Sum, err error) {
		err = row.Scan(&m.Currency, &m.PaidCount, &m.PaidMinor, &m.RefundedCount, &m.RefundMinor)
		return m, err
	}, `select currency, sum(paid), sum(paid * amount), sum(1 - paid), sum((1 - paid) * amount) from (
			select currency, amount_minor as amount, 1 as paid from payment
				where state = 'paid' and register = ? and ended_at >= ? and ended_at < ?
			union all
			select currency, amount_minor, 0 from refund
				where state = 'refunded' and register = ? and ended_at >= ? and ended_at < ?
		) group by currency order by currency`,
		register, from.UnixMilli(), to.UnixMilli(), register, from.UnixMilli(), to.UnixMilli())
	return sums, wrap(err, "totals of "+register)
}

// fact reads a single number.
func (r reader) fact(ctx context.Context, name string) (int64, error) {
	n, err := rowOf(ctx, r.read, func(row scanner) (n int64, err error) {
		err = row.Scan(&n)
		return n, err
	}, "select value from fact where name = ?", name)
	return n, wrap(err, "fact "+name)
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
