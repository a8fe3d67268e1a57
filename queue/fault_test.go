package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// full makes the disk full for the store: SQLite may take no further page.
func (a *agent) full(t *testing.T) {
	t.Helper()
	var pages int
	if err := a.store.write.QueryRow("pragma page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	a.limit(t, pages)
}

func (a *agent) limit(t *testing.T, pages int) {
	t.Helper()
	if _, err := a.store.write.Exec(fmt.Sprintf("pragma max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
}

// A sale that can't be stored is refused, leaves no trace, and costs nobody
// anything; when there is room again the same id is taken.
func TestOnAFullDiskNewPaymentsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.row0(t)
		a.full(t)
		refused := testCommand("R2")
		refused.ExtendInfo = strings.Repeat("x", 600_000)
		if _, err := a.Enqueue(context.Background(), "lane1", refused, 0); !errors.Is(err, ErrNotStored) {
			t.Fatalf("got %v, want ErrNotStored", err)
		}
		if _, err := a.Payment(context.Background(), "R2"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a refused payment: %v, want ErrNotFound", err)
		}
		if bank.seen("R2").pays != 0 {
			t.Error("a payment that was not stored was sent")
		}
		a.limit(t, 100_000)
		if _, err := a.Enqueue(context.Background(), "lane1", refused, 0); err != nil {
			t.Fatal(err)
		}
		a.until(t, "R2", Paid, time.Second)
	})
}

// An outcome that can't be stored is retried and not told.
func TestAnOutcomeThatCannotBeStoredIsNotToldUntilItIs(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: time.Second})
		bank.paymentID = func(string) string { return strings.Repeat("9", 600_000) }
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		a.full(t)
		time.Sleep(20 * time.Second) // fake
		if p := a.row(t, "R1"); p.State != Sending {
			t.Fatalf("told %s, which is not on the disk", p.State)
		}
		if bank.seen("R1").charges != 1 {
			t.Fatal("the acquirer was never reached")
		}
		a.limit(t, 100_000)
		a.until(t, "R1", Paid, 5*time.Second)
		if got := bank.seen("R1").pays; got != 1 {
			t.Errorf("%d pay requests, want 1", got)
		}
	})
}

// On a full disk the reserve lets a payment under way be finished; a new one is
// refused meanwhile.
func TestTheReserveFinishesWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: time.Second})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		a.full(t)
		big := testCommand("R2")
		big.ExtendInfo = strings.Repeat("x", 600_000)
		if _, err := a.Enqueue(context.Background(), "lane2", big, 0); !errors.Is(err, ErrNotStored) {
			t.Errorf("a new payment: %v, want ErrNotStored", err)
		}
		a.until(t, "R1", Paid, 2*time.Second)
	})
}

// While even the burial of a failed commit fails, the agent does not know whether
// the payment is stored, and says so.
func TestAStoreThatTakesNothingLeavesANewPaymentDoubtful(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.row0(t)
		if _, err := a.store.write.Exec("pragma query_only = 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Enqueue(context.Background(), "lane1", testCommand("R1"), 0); !errors.Is(err, ErrDoubtful) {
			t.Errorf("got %v, want ErrDoubtful", err)
		}
		if _, err := a.Payment(context.Background(), "R1"); !errors.Is(err, ErrDoubtful) {
			t.Errorf("asked about it: %v, want ErrDoubtful", err)
		}
		if _, err := a.store.write.Exec("pragma query_only = 0"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // fake
		if _, err := a.Payment(context.Background(), "R1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("after it healed: %v, want ErrNotFound", err)
		}
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
	})
}

// A commit that takes the rest of the window: the attempt is not made (P4).
func TestAnAttemptIsNotMadeWhenItsSaveTookTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		r := make(reply[Payment], 1)
		l.enqueue("lane1", testCommand("R1"), time.Second, r)
		time.Sleep(2 * time.Second) // fake: the disk is slow
		l.flush(context.Background(), time.Now())
		l.answered(time.Now(), <-l.answers)
		l.calls.Wait()
		if got := bank.seen("R1").pays; got != 0 {
			t.Errorf("%d pay requests after the window", got)
		}
		l.tickDue(time.Now())
		if p := l.payments["R1"].row; p.State != Failed || p.Result.Code != codeNotConnected {
			t.Errorf("the payment is %s %s, want failed: nothing was sent", p.State, p.Result.Code)
		}
	})
}

func newTestLoop(t *testing.T, path string, bank *acquirer) *loop {
	t.Helper()
	store, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	l, err := newLoop(testOptions(store, bank))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Two rows in one commit, of which one can't be written: the other is.
func TestOneBadRowOfACommitDoesNotTakeTheOthersWithIt(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		for _, id := range []string{"R1", "R2"} {
			r := make(reply[Payment], 1)
			l.enqueue("lane-"+id, testCommand(id), time.Minute, r)
		}
		l.flush(context.Background(), time.Now())
		a, b := <-l.answers, <-l.answers
		if _, err := l.o.Store.write.Exec("update payment_open set rev = 70 where id = 'R1'"); err != nil { // by someone else
			t.Fatal(err)
		}
		l.answered(time.Now(), a)
		l.answered(time.Now(), b)
		l.flush(context.Background(), time.Now())
		l.calls.Wait()
		if p, err := l.o.Store.Payment(context.Background(), "R2"); err != nil || p.State != Paid {
			t.Errorf("R2 is %s (%v), want paid", p.State, err)
		}
		if l.payments["R1"].saved.State != Sending {
			t.Error("R1 counts as saved")
		}
	})
}
