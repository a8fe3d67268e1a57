package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

// The word to stop comes while an attempt waits for its save: nothing is sent any more,
// and a start after it may send it.
func TestNothingIsSentAfterTheWordToStop(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		r := make(reply[Payment], 1)
		l.enqueue("lane1", testCommand("R1"), time.Minute, r)
		l.stopping = true
		l.flush(context.Background(), time.Now())
		l.answered(time.Now(), <-l.answers)
		l.calls.Wait()
		if got := bank.seen("R1"); got != (seen{}) {
			t.Errorf("the acquirer saw %+v after the word to stop", got)
		}
		if got := <-r; got.err != nil || l.payments["R1"].row.State != Received {
			t.Errorf("answered %v, and the payment is %s, want stored and received", got.err, l.payments["R1"].row.State)
		}
	})
}

// An update finds the row as it was, attempts and all, or nothing is written.
func TestASaveSeesThatAnAttemptWasMadeMeanwhile(t *testing.T) {
	s := openStore(t, storePath(t))
	p, _ := Begin(time.UnixMilli(1_750_000_000_000), "lane1", testCommand("R1"), time.Minute)
	if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err != nil {
		t.Fatal(err)
	}
	old, next := p, p
	old.Attempts, old.OpenAttempts = 2, 2
	next.Attempts, next.OpenAttempts = 3, 3
	if err := s.Save(Batch{Payments: []Change[Payment]{{Old: old, New: next}}}); !errors.Is(err, errChanged) {
		t.Errorf("got %v, want errChanged", err)
	}
	r, _ := BeginRefund(p.ReceivedAt, Refund{ID: "F1", AmountMinor: 1, Currency: "SGD"}, true)
	if err := s.Save(Batch{Refunds: []Change[Refund]{{New: r}}}); err != nil {
		t.Fatal(err)
	}
	wrong, more := r, r
	wrong.Attempts, more.Attempts = 2, 3
	if err := s.Save(Batch{Refunds: []Change[Refund]{{Old: wrong, New: more}}}); !errors.Is(err, errChanged) {
		t.Errorf("a refund: got %v, want errChanged", err)
	}
}
