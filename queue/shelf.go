package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// A payment's row is at hand while there is something left to do about it, and is
// put away some time after: see schema/0002.sql. Whether it is closed decides, not
// when it was noticed, so a row that was opened again meanwhile stays where it is.

// putAwayAt is how many closed payments are put away together. More would cost a
// sale less, and a start reads so many more rows.
const putAwayAt = 32

// After a crash, or while that failed, more may have come together; no commit puts
// away more than putAwayMost. putAwayAgain is the pause after one that could not.
const (
	putAwayMost  = 2 * putAwayAt
	putAwayAgain = time.Minute
)

// closedAtHand are the rows to be put away, of the ids given as a JSON array.
const closedAtHand = "id in (select value from json_each(?)) and not " + unclosedPayment

// putAwaySQL is what putting away is made of, each with the ids.
func putAwaySQL() []string {
	return []string{
		"insert or fail into payment_closed (" + paymentColumns + ") select " + paymentColumns + " from payment_open where " +
			closedAtHand + " order by id",
		"insert or fail into story (id, text) select id, story from payment_open where " + closedAtHand + " and story != '' order by id",
		"insert or fail into acquirer_id (payment_id, id) select payment_id, id from payment_open where " + closedAtHand +
			" and payment_id != '' and state = 'paid' order by ended_seq",
		"insert or fail into last_ended (register, id, seq) select register, id, ended_seq from payment_open where " + closedAtHand +
			" on conflict (register) do update set id = excluded.id, seq = excluded.seq where excluded.seq > seq",
		"delete from payment_open where " + closedAtHand,
	}
}

// putAway puts away what is closed of some payments.
func (w *writer) putAway(list []string) {
	if len(list) == 0 {
		return
	}
	ids, err := json.Marshal(list)
	if err != nil {
		panic("queue: " + err.Error()) // texts have a form in JSON
	}
	for _, stmt := range w.s.sql.putAway {
		w.exec("put away", stmt, string(ids))
	}
}

// takeOutSQL is what taking a payment out again is made of.
func takeOutSQL() []string {
	return []string{
		"insert or fail into payment_open (story, " + paymentColumns + ") select coalesce((select text from story where id = ?), ''), " +
			paymentColumns + " from payment_closed where id = ?",
		"delete from payment_closed where id = ?",
		"delete from story where id = ?",
		"delete from acquirer_id where payment_id = ? and id = ?",
	}
}

// takeOutArgs are the arguments of takeOutSQL.
func takeOutArgs(p Payment) [][]any {
	return [][]any{{p.ID, p.ID}, {p.ID}, {p.ID}, {p.PaymentID, p.ID}}
}

// takeOut takes a payment that may have been put away to hand again.
func (w *writer) takeOut(p Payment) {
	for i, args := range takeOutArgs(p) {
		w.exec("take out "+p.ID, w.s.sql.takeOut[i], args...)
	}
}

// takeOutUnclosed takes to hand, in a store from before payments were put away, those
// that are not closed.
func takeOutUnclosed(ctx context.Context, db *sql.DB) error {
	rows, err := rowsOf(ctx, db, scanPayment, "select "+paymentColumns+" from payment_closed where "+unclosedPayment)
	if err != nil {
		return err
	}
	for _, p := range rows {
		for i, args := range takeOutArgs(p) {
			if _, err := db.ExecContext(ctx, takeOutSQL()[i], args...); err != nil {
				return fmt.Errorf("take out %s: %w", p.ID, err)
			}
		}
	}
	return nil
}

// prepareAll compiles statements of the writing connection.
func (s *Store) prepareAll(ctx context.Context, texts []string) ([]*sql.Stmt, error) {
	list := make([]*sql.Stmt, len(texts))
	for i, text := range texts {
		stmt, err := s.write.PrepareContext(ctx, text) //nolint:sqlclosecheck // it lives as long as the store
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
		list[i] = stmt
	}
	return list, nil
}
