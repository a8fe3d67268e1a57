package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

// While somebody's reading keeps the log from being taken into the database, a round of
// the loop waits for that once, however many payments are in it: SQLite waits for five
// seconds, and a loop that does not come round has the agent killed.
func TestAReaderHoldsUpARoundOnlyOnce(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		store := l.o.Store
		if _, err := store.write.Exec("pragma busy_timeout = 0"); err != nil { // not to wait for it
			t.Fatal(err)
		}
		reading, err := store.read.Query("select name from fact")
		if err != nil || !reading.Next() {
			t.Fatal(err, reading.Err())
		}
		store.unsettled = true // a sync has failed
		replies := make([]reply[Payment], 3)
		for i, id := range []string{"R1", "R2", "R3"} {
			replies[i] = make(reply[Payment], 1)
			l.enqueue(id, testCommand(id), time.Minute, replies[i])
		}
		l.flush(context.Background(), time.Now())
		for _, r := range replies {
			if got := <-r; !errors.Is(got.err, ErrDoubtful) {
				t.Errorf("got %v, want ErrDoubtful", got.err)
			}
		}
		if l.ends.failed != 1 {
			t.Errorf("%d tries in one round, want one", l.ends.failed)
		}
		if err := reading.Close(); err != nil { //nolint:sqlclosecheck // it reads until here
			t.Fatal(err)
		}
		r := make(reply[Payment], 1)
		time.Sleep(saveAgain)                     // fake
		l.flush(context.Background(), time.Now()) // what failed is buried
		l.enqueue("R1", testCommand("R1"), time.Minute, r)
		l.flush(context.Background(), time.Now())
		if got := <-r; got.err != nil {
			t.Errorf("when nobody reads: %v", got.err)
		}
		l.answered(time.Now(), <-l.answers)
		l.calls.Wait()
	})
}

// The looking at what is put away, which can take minutes beside the worker, keeps
// nothing from being saved after a sync that failed: it gives way.
func TestTheCheckGivesWayToASettling(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		store := l.o.Store
		checking, cancel := context.WithCancel(t.Context())
		store.endCheck = cancel
		reading, err := store.read.QueryContext(checking, "select name from fact") //nolint:sqlclosecheck // as the check does, until it is ended
		if err != nil || !reading.Next() {
			t.Fatal(err, reading.Err())
		}
		store.unsettled = true // a sync has failed
		r := make(reply[Payment], 1)
		l.enqueue("lane1", testCommand("R1"), time.Minute, r)
		l.flush(context.Background(), time.Now())
		if got := <-r; got.err != nil {
			t.Errorf("got %v, want it stored", got.err)
		}
		l.answered(time.Now(), <-l.answers)
		l.calls.Wait()
	})
}
