package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// closedRow is a payment that is paid and delivered.
func closedRow(id string, seq int64) Payment {
	p, _ := Begin(time.UnixMilli(1_750_000_000_000), "lane1", testCommand(id), time.Minute)
	p = Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
	p.EndedSeq, p.Delivered = seq, p.Rev
	return p
}

// saves looks whether a store can still be written to.
func saves(t *testing.T, s *Store, id string) {
	t.Helper()
	if err := s.Save(Batch{Aborted: []Aborted{{ID: id, Register: "lane1", At: 1}}}); err != nil {
		t.Errorf("nothing can be saved any more: %v", err)
	}
}

// A statement that fails half-way, or for which there is no room half-way, leaves what it
// has written; with the commit that it was of, that is taken back.
func TestHalfAStatementIsTakenBackWithItsCommit(t *testing.T) {
	for name, spoil := range map[string]string{
		"one row is there already": "insert into payment_closed select " + paymentColumns + " from payment_open where id = 'R0007'",
		"there is no room":         "pragma max_page_count = 1", // which is none more than there are
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, storePath(t))
			var b Batch
			for i := range 60 {
				p := closedRow(fmt.Sprintf("R%04d", i), int64(i+1))
				p.ExtendInfo = strings.Repeat("x", 2000)
				b.Payments = append(b.Payments, Change[Payment]{New: p})
				b.PutAway = append(b.PutAway, p.ID)
			}
			must(t, s.Save(Batch{Payments: b.Payments}))
			_, err := s.write.Exec("create table room (page blob); insert into room values (zeroblob(200000))") // the reserve
			must(t, err)
			_, err = s.write.Exec(spoil)
			must(t, err)
			openBefore, closedBefore := shelves(t, s)
			if err := s.Save(Batch{Aborted: []Aborted{{ID: "A1", Register: "lane1", At: 1}}, PutAway: b.PutAway}); err == nil {
				t.Fatal("it was saved")
			}
			if open, closed := shelves(t, s); open != openBefore || closed != closedBefore {
				t.Errorf("%d at hand and %d put away, want %d and %d as before", open, closed, openBefore, closedBefore)
			}
			if isNew, err := s.isNew(t.Context(), "A1"); err != nil || !isNew {
				t.Errorf("the rest of the commit is there (%v)", err)
			}
			_, err = s.write.Exec("pragma max_page_count = 100000")
			must(t, err)
			saves(t, s, "A2")
		})
	}
}

// A commit that can't begin, or that nobody waits for any more, leaves none begun.
func TestNoCommitIsLeftBegun(t *testing.T) {
	path := storePath(t)
	s := openStore(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.inOneCommit(ctx, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "insert into aborted (id, register, at) values ('A1', 'lane1', 1)")
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	saves(t, s, "A2")
	if isNew, err := s.isNew(t.Context(), "A1"); err != nil || !isNew {
		t.Errorf("what was called off is there (%v)", err)
	}

	other := dial(path, true, 1)
	defer other.Close()
	_, err = other.Exec("begin immediate")
	must(t, err)
	_, err = s.write.Exec("pragma busy_timeout = 0") // not to wait for it
	must(t, err)
	if err := s.Save(Batch{Aborted: []Aborted{{ID: "A3", Register: "lane1", At: 1}}}); err == nil {
		t.Error("two wrote at once")
	}
	_, err = other.Exec("rollback")
	must(t, err)
	saves(t, s, "A4")
}
