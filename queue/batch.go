package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Change is one row to be saved: New in place of Old, or as a first row where Old
// is the zero value; and what its story is told with it.
type Change[R any] struct {
	Old, New R
	Events   []Event
}

// Batch is what is saved together. Each change is a compare-and-set: a row that
// is no longer Old is an error, and nothing of the batch is kept.
type Batch struct {
	Payments []Change[Payment]
	Refunds  []Change[Refund]
	Bury     []Burial
	Aborted  []Aborted
	Forget   []string // IDs whose story is deleted
	PutAway  []string // IDs of payments; those that are closed are put away
}

// Burial names a row that a failed commit may have left behind, to be removed.
type Burial struct {
	ID         string
	ReceivedAt int64 // milliseconds, so that no other row of that ID is meant
}

// Aborted is an ID that was called off before it was ever paid.
type Aborted struct {
	ID       string
	Register string
	At       int64 // milliseconds
}

// Save writes a batch in one durable commit. Any error but a failed compare-and-
// set leaves open whether the commit will be there after a crash.
func (s *Store) Save(b Batch) error {
	// Never cancelled: a commit that is cut short may be durable and still report an error.
	ctx := context.Background()
	return s.inOneCommit(ctx, func(*sql.DB) error {
		w := writer{ctx: ctx, s: s}
		w.bury(b.Bury)
		for _, c := range b.Payments {
			w.payment(c)
		}
		for _, c := range b.Refunds {
			w.refund(c)
		}
		for _, a := range b.Aborted {
			w.exec("abort "+a.ID, s.sql.insertAborted, a.ID, a.Register, a.At)
		}
		for _, id := range b.Forget {
			w.exec("forget "+id, s.sql.deleteEvents, id)
			w.exec("forget "+id, s.sql.deleteStory, id)
			w.exec("forget "+id, s.sql.emptyStory, id)
		}
		w.putAway(b.PutAway)
		return w.err
	})
}

// writer writes the rows of one commit, and stops at the first error.
type writer struct {
	ctx context.Context //nolint:containedctx // it lives as long as its one commit
	s   *Store
	err error
}

// exec runs one statement and returns how many rows it changed.
func (w *writer) exec(what string, stmt *sql.Stmt, args ...any) int64 {
	if w.err != nil {
		return 0
	}
	res, err := stmt.ExecContext(w.ctx, args...)
	if err != nil {
		w.err = fmt.Errorf("%s: %w", what, err)
		return 0
	}
	n, err := res.RowsAffected()
	if err != nil {
		w.err = fmt.Errorf("%s: %w", what, err)
	}
	w.s.log.rows += int(n)
	return n
}

// swap is exec where exactly one row must change: the one that is still as it was.
func (w *writer) swap(what string, stmt *sql.Stmt, args ...any) {
	if n := w.exec(what, stmt, args...); w.err == nil && n != 1 {
		w.err = fmt.Errorf("%s: %w", what, errChanged)
	}
}

// errChanged says that a compare-and-set found another row than it was told.
var errChanged = errors.New("the row was changed by someone else")

// payment writes a payment where it lies: at hand, or put away, where it stays only
// as long as it is closed.
func (w *writer) payment(c Change[Payment]) {
	what, story := "payment "+c.New.ID, encodeStory(c.Events, everything)
	switch {
	case c.Old.ID == "":
		if n := w.exec(what, w.s.sql.insertPayment, append(paymentValues(c.New), story, c.New.ID)...); w.err == nil && n != 1 {
			w.err = fmt.Errorf("%s: it was stored before, and is put away", what)
		}
		return
	case c.Old.Closed() && c.New.Closed():
		if w.exec(what, w.s.sql.updateClosed, append(paymentValues(c.New)[1:], c.Old.ID, c.Old.Rev, c.Old.Attempts)...) > 0 {
			if story != "" {
				w.exec(what, w.s.sql.addStory, c.Old.ID, story)
			}
			return
		}
	case c.Old.Closed():
		w.takeOut(c.Old)
	}
	w.swap(what, w.s.sql.updatePayment, append(paymentValues(c.New)[1:],
		story, encodeStory(c.Events, Event.turn), c.Old.ID, c.Old.Rev, c.Old.Attempts)...)
}

func (w *writer) refund(c Change[Refund]) {
	if c.Old.ID == "" {
		w.exec("refund "+c.New.ID, w.s.sql.insertRefund, refundValues(c.New)...)
	} else {
		w.swap("refund "+c.New.ID, w.s.sql.updateRefund,
			append(refundValues(c.New)[1:], c.Old.ID, c.Old.Rev, c.Old.Attempts)...)
	}
	for _, e := range c.Events {
		most := int64(storyLines)
		if e.turn() {
			most = math.MaxInt64
		}
		w.exec("journal of "+e.ID, w.s.sql.insertEvent, e.ID, millis(e.At), string(e.Kind), e.Text, e.ID, most)
	}
}

// bury removes what failed commits may have left. A commit that writes nothing
// buries nothing: the pages of the failed one stay in the log until others are
// written over them.
func (w *writer) bury(list []Burial) {
	if len(list) > 0 {
		w.exec("bury", w.s.sql.countBurial)
	}
	for _, b := range list {
		w.exec("bury payment "+b.ID, w.s.sql.buryPayment, b.ID, b.ReceivedAt)
		w.exec("bury refund "+b.ID, w.s.sql.buryRefund, b.ID, b.ReceivedAt)
	}
}

// statements are the prepared statements of the one writing connection.
type statements struct {
	insertPayment, updatePayment, insertRefund, updateRefund *sql.Stmt
	insertEvent, insertAborted, deleteEvents, deleteStory    *sql.Stmt
	countBurial, buryPayment, buryRefund                     *sql.Stmt

	updateClosed, addStory, emptyStory *sql.Stmt
	putAway, takeOut                   []*sql.Stmt

	isStored *sql.Stmt
}

// prepareStatements compiles what every save needs, once.
func (s *Store) prepareStatements(ctx context.Context) error {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		// Its key does not see what is put away, and an ID is stored once.
		{&s.sql.insertPayment, "insert or fail into payment_open (" + paymentColumns + ", story) select " + marks(paymentColumns+", story") +
			" where not exists (select 1 from payment_closed where id = ?)"},
		{&s.sql.updatePayment, updateRow("payment_open", paymentColumns,
			fmt.Sprintf("story = story || iif(length(story) < %d, ?, ?)", storyBytes))},
		{&s.sql.updateClosed, updateRow("payment_closed", paymentColumns)},
		{&s.sql.addStory, "insert or fail into story (id, text) values (?, ?) on conflict (id) do update set text = text || excluded.text"},
		{&s.sql.insertRefund, insertRow("refund", refundColumns)},
		{&s.sql.updateRefund, updateRow("refund", refundColumns)},
		{&s.sql.insertEvent, `insert or fail into event (id, n, at, kind, text)
			select ?, coalesce(max(n), 0) + 1, ?, ?, ? from event where id = ? having coalesce(max(n), 0) < ?`},
		{&s.sql.insertAborted, "insert or ignore into aborted (id, register, at) values (?, ?, ?)"},
		{&s.sql.deleteEvents, "delete from event where id = ?"},
		{&s.sql.deleteStory, "delete from story where id = ?"},
		{&s.sql.emptyStory, "update payment_open set story = '' where id = ? and story != ''"},
		{&s.sql.isStored, `select exists (select 1 from payment_open where id = ?1)
			or exists (select 1 from payment_closed where id = ?1) or exists (select 1 from aborted where id = ?1)`},
		{&s.sql.countBurial, "update fact set value = value + 1 where name = 'burials'"},
		{&s.sql.buryPayment, "delete from payment_open where id = ? and received_at = ? and state = 'sending' and attempts = 1"},
		{&s.sql.buryRefund, "delete from refund where id = ? and received_at = ? and rev = 1 and attempts <= 1"},
	} {
		var err error
		if *p.stmt, err = s.write.PrepareContext(ctx, p.text); err != nil { //nolint:sqlclosecheck // it lives as long as the store
			return fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	var err error
	if s.sql.putAway, err = s.prepareAll(ctx, putAwaySQL()); err != nil {
		return err
	}
	s.sql.takeOut, err = s.prepareAll(ctx, takeOutSQL())
	return err
}

// Statements that write say "or fail": what one that fails has written is taken back
// with all else that its commit was to hold, so SQLite needs keep no copies of pages to
// take back this one alone.

// insertRow and updateRow write the statements for a table's columns. An update
// is a compare-and-set on what a row was, of every column but the first, its id: a key
// that is set, if to the same, is a row that is deleted and inserted.
func insertRow(table, columns string) string {
	return "insert or fail into " + table + " (" + columns + ") values (" + marks(columns) + ")"
}

func updateRow(table, columns string, also ...string) string {
	_, rest, _ := strings.Cut(columns, ",")
	sets := append([]string{"(" + rest + ") = (" + marks(rest) + ")"}, also...)
	return "update or fail " + table + " set " + strings.Join(sets, ", ") + " where id = ? and rev = ? and attempts = ?"
}
