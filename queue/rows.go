package queue

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// The columns of the tables, in the order in which the values are given and read.
// The last one is the CRC over all others.
const (
	paymentColumns = `id, register, method, amount_minor, currency, merchant_order_id, merchant_store_id,
		extend_info, state, in_doubt, abort_at, reversal, rev, received_at, deadline,
		attempts, open_attempts, quiet_from, inquiries, next, due, pay_no_more,
		pending, payment_id, payment_time, cashier_receipt, customer_receipt,
		result_status, result_code, result_message, ended_at, ended_seq, delivered, crc`
	refundColumns = `id, payment_request_id, payment_id, register, amount_minor, currency, everything, memo,
		reversal, state, rev, received_at, attempts, open_attempts, quiet_from, inquiries, next, due,
		refund_id, refund_time, result_status, result_code, result_message, ended_at, ended_seq, delivered, crc`
)

// marks are the place holders for a list of columns.
func marks(columns string) string { return "?" + strings.Repeat(", ?", strings.Count(columns, ",")) }

func paymentValues(p Payment) []any {
	return sealed([]any{
		p.ID, p.Register, p.Method, p.AmountMinor, p.Currency, p.MerchantOrderID, p.MerchantStoreID,
		p.ExtendInfo, string(p.State), bit(p.InDoubt), millis(p.AbortAt), string(p.Reversal), p.Rev,
		millis(p.ReceivedAt), millis(p.Deadline),
		int64(p.Attempts), int64(p.OpenAttempts), millis(p.QuietFrom), int64(p.Inquiries), string(p.Next), millis(p.Due),
		bit(p.PayNoMore), bit(p.Pending), p.PaymentID, p.PaymentTime, string(p.CashierReceipt), string(p.CustomerReceipt),
		p.Result.Status, p.Result.Code, p.Result.Message, millis(p.EndedAt), p.EndedSeq, p.Delivered,
	})
}

func refundValues(r Refund) []any {
	return sealed([]any{
		r.ID, r.PaymentRequestID, r.PaymentID, r.Register, r.AmountMinor, r.Currency, bit(r.Full), r.Memo,
		bit(r.Reversal), string(r.State), r.Rev, millis(r.ReceivedAt),
		int64(r.Attempts), int64(r.OpenAttempts), millis(r.QuietFrom), int64(r.Inquiries), string(r.Next), millis(r.Due),
		r.RefundID, r.RefundTime, r.Result.Status, r.Result.Code, r.Result.Message,
		millis(r.EndedAt), r.EndedSeq, r.Delivered,
	})
}

// scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

func scanPayment(row scanner) (Payment, error) {
	var p Payment
	var abort, received, deadline, quiet, due, ended, crc int64
	err := row.Scan(
		&p.ID, &p.Register, &p.Method, &p.AmountMinor, &p.Currency, &p.MerchantOrderID, &p.MerchantStoreID,
		&p.ExtendInfo, &p.State, &p.InDoubt, &abort, &p.Reversal, &p.Rev, &received, &deadline,
		&p.Attempts, &p.OpenAttempts, &quiet, &p.Inquiries, &p.Next, &due, &p.PayNoMore,
		&p.Pending, &p.PaymentID, &p.PaymentTime, &p.CashierReceipt, &p.CustomerReceipt,
		&p.Result.Status, &p.Result.Code, &p.Result.Message, &ended, &p.EndedSeq, &p.Delivered, &crc,
	)
	if err != nil {
		return Payment{}, err
	}
	p.AbortAt, p.ReceivedAt, p.Deadline = fromMillis(abort), fromMillis(received), fromMillis(deadline)
	p.QuietFrom, p.Due, p.EndedAt = fromMillis(quiet), fromMillis(due), fromMillis(ended)
	return p, verify("payment "+p.ID, paymentValues(p), crc)
}

func scanRefund(row scanner) (Refund, error) {
	var r Refund
	var received, quiet, due, ended, crc int64
	err := row.Scan(
		&r.ID, &r.PaymentRequestID, &r.PaymentID, &r.Register, &r.AmountMinor, &r.Currency, &r.Full, &r.Memo,
		&r.Reversal, &r.State, &r.Rev, &received,
		&r.Attempts, &r.OpenAttempts, &quiet, &r.Inquiries, &r.Next, &due,
		&r.RefundID, &r.RefundTime, &r.Result.Status, &r.Result.Code, &r.Result.Message,
		&ended, &r.EndedSeq, &r.Delivered, &crc,
	)
	if err != nil {
		return Refund{}, err
	}
	r.ReceivedAt, r.QuietFrom, r.Due, r.EndedAt = fromMillis(received), fromMillis(quiet), fromMillis(due), fromMillis(ended)
	return r, verify("refund "+r.ID, refundValues(r), crc)
}

// sealed puts the CRC behind a row's values.
func sealed(values []any) []any { return append(values, int64(crcOf(values))) }

// verify compares a row's CRC with what is read: SQLite's own checks see few
// flipped bits, and none inside a text.
func verify(what string, values []any, crc int64) error {
	if values[len(values)-1] != crc {
		return fmt.Errorf("%s: %w", what, ErrDamaged)
	}
	return nil
}

// crcOf is over the values with their lengths, so that no value can run into the
// next.
func crcOf(values []any) uint32 {
	var buf []byte
	for _, v := range values {
		switch v := v.(type) {
		case string:
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			buf = append(buf, v...)
		case int64:
			buf = binary.AppendVarint(buf, v)
		default:
			panic(fmt.Sprintf("queue: a row holds a %T", v))
		}
	}
	return crc32.ChecksumIEEE(buf)
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// millis is t in milliseconds since 1970, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// querier is a database, or what is being written to it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rowsOf reads all rows of a query.
func rowsOf[R any](ctx context.Context, db querier, scan func(scanner) (R, error), query string, args ...any) (all []R, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// rowOf reads the one row of a query, or returns ErrNotFound.
func rowOf[R any](ctx context.Context, db *sql.DB, scan func(scanner) (R, error), query string, args ...any) (R, error) {
	r, err := scan(db.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	return r, err
}
