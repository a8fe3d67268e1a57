package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// columns in the order in which rowValues gives them and scanPayment takes them.
const columns = `id, register, method, amount_minor, currency, merchant_order_id, merchant_store_id, extend_info,
	state, rev, received_at, deadline, attempts, open_attempts, quiet_from, pay_no_more, inquiries, next, due,
	pending, payment_id, payment_time, cashier_receipt, customer_receipt, result_status, result_code, result_message,
	ended_at, ended_seq, delivered`

const insertPayment = `insert into payment (` + columns + `) values
	(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const updatePayment = `update payment set (` + columns + `) =
	(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	where id = ? and rev = ? and attempts = ?`

const buryPayment = `delete from payment where id = ? and received_at = ? and rev = 1 and attempts = 1`

// Change is one row to be saved: New in place of Old, or as a first row where Old
// is the zero Payment.
type Change struct{ Old, New Payment }

// Save writes all changes in one durable commit, and first removes what may be
// left of commits that failed: bury names them by ID and ReceivedAt. Each change is a compare-and-set: a row that is no longer Old is an
// error and nothing of the commit is kept. Any other error leaves open whether
// the commit will be there after a crash.
func (s *Store) Save(changes []Change, bury map[string]int64) error {
	// Never cancelled: a commit that is cut short may be durable and still report an error.
	ctx := context.Background()
	return s.inOneCommit(ctx, func(tx *sql.Tx) error {
		if len(bury) > 0 {
			// A commit that writes nothing buries nothing: the pages of the failed one
			// stay in the log until others are written over them.
			if _, err := tx.ExecContext(ctx, "update burial set commits = commits + 1"); err != nil {
				return fmt.Errorf("bury: %w", err)
			}
		}
		for id, receivedAt := range bury {
			if _, err := tx.ExecContext(ctx, buryPayment, id, receivedAt); err != nil {
				return fmt.Errorf("bury %s: %w", id, err)
			}
		}
		for _, c := range changes {
			if err := saveChange(ctx, tx, c); err != nil {
				return fmt.Errorf("save %s: %w", c.New.ID, err)
			}
		}
		return nil
	})
}

func saveChange(ctx context.Context, tx *sql.Tx, c Change) error {
	values := rowValues(c.New)
	if c.Old.ID == "" {
		_, err := tx.ExecContext(ctx, insertPayment, values...)
		return err
	}
	res, err := tx.ExecContext(ctx, updatePayment, append(values, c.Old.ID, c.Old.Rev, c.Old.Attempts)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("the row was changed by someone else (was rev %d)", c.Old.Rev), err)
	}
	return nil
}

// Payment returns the stored row of an ID, or ErrNotFound.
func (s *Store) Payment(ctx context.Context, id string) (Payment, error) {
	row := s.read.QueryRowContext(ctx, "select "+columns+" from payment where id = ?", id)
	p, err := scanPayment(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Payment{}, ErrNotFound
	}
	if err != nil {
		return Payment{}, fmt.Errorf("payment %s: %w", id, err)
	}
	return p, nil
}

// Unclosed returns every payment that is open, or whose end the register has not
// stored yet, oldest first. It reads the whole table: once, at start.
func (s *Store) Unclosed(ctx context.Context) ([]Payment, error) {
	return s.list(ctx, "where ended_seq = 0 or delivered != rev order by received_at, id")
}

// LastEnded returns, of each register, the payment whose end was learnt last. It
// reads the whole table: once, at start.
func (s *Store) LastEnded(ctx context.Context) ([]Payment, error) {
	return s.list(ctx, `where (register, ended_seq) in
		(select register, max(ended_seq) from payment where ended_seq > 0 group by register)`)
}

func (s *Store) list(ctx context.Context, where string) ([]Payment, error) {
	rows, err := s.read.QueryContext(ctx, "select "+columns+" from payment "+where)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Payment
	for rows.Next() {
		p, err := scanPayment(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func rowValues(p Payment) []any {
	return []any{
		p.ID, p.Register, p.Method, p.AmountMinor, p.Currency, p.MerchantOrderID, p.MerchantStoreID, p.ExtendInfo,
		string(p.State), p.Rev, millis(p.ReceivedAt), millis(p.Deadline), p.Attempts, p.OpenAttempts,
		millis(p.QuietFrom), p.PayNoMore, p.Inquiries, string(p.Next), millis(p.Due),
		p.Pending, p.PaymentID, p.PaymentTime, string(p.CashierReceipt), string(p.CustomerReceipt),
		p.Result.Status, p.Result.Code, p.Result.Message,
		millis(p.EndedAt), p.EndedSeq, p.Delivered,
	}
}

func scanPayment(row interface{ Scan(...any) error }) (Payment, error) {
	var p Payment
	var received, deadline, quiet, due, ended int64
	err := row.Scan(
		&p.ID, &p.Register, &p.Method, &p.AmountMinor, &p.Currency, &p.MerchantOrderID, &p.MerchantStoreID, &p.ExtendInfo,
		&p.State, &p.Rev, &received, &deadline, &p.Attempts, &p.OpenAttempts,
		&quiet, &p.PayNoMore, &p.Inquiries, &p.Next, &due,
		&p.Pending, &p.PaymentID, &p.PaymentTime, &p.CashierReceipt, &p.CustomerReceipt,
		&p.Result.Status, &p.Result.Code, &p.Result.Message,
		&ended, &p.EndedSeq, &p.Delivered,
	)
	p.ReceivedAt, p.Deadline, p.QuietFrom = fromMillis(received), fromMillis(deadline), fromMillis(quiet)
	p.Due, p.EndedAt = fromMillis(due), fromMillis(ended)
	return p, err
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
