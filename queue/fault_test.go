package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

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
		refused.ExtendInfo = strings.Repeat("x", 60_000)
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
		bank.paymentID = func(string) string { return strings.Repeat("9", 60_000) }
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

// One row that can't be written does not hold up the others of its commit.
func TestARowThatCannotBeWrittenHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		bank.treatAs("R1", behaviour{after: time.Second})
		bank.treatAs("R2", behaviour{after: time.Second})
		a.pay(t, "lane1", "R1")
		a.pay(t, "lane2", "R2")
		synctest.Wait()
		if _, err := a.store.write.Exec("update payment set rev = 70 where id = 'R1'"); err != nil { // by someone else
			t.Fatal(err)
		}
		a.until(t, "R2", Paid, 2*time.Second)
	})
}
