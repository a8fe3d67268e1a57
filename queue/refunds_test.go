package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Two refunds come in together, and the first one can't be stored: the second does
// not wait for it.
func TestARefundDoesNotWaitForOneThatWasNotStored(t *testing.T) {
	store := openStore(t, storePath(t))
	now := time.Now()
	row, _ := Begin(now, "lane1", testCommand("R1"), time.Minute)
	paid := Answered{To: Pay, Asked: now, Answer: Answer{Verdict: VerdictPaid, PaymentID: "A1"}}
	row, _ = Policy{}.Step(now, row, paid)
	row.EndedSeq = 1
	if err := store.Save(Batch{Payments: []Change[Payment]{{New: row}}}); err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(testOptions(store, newAcquirer()))
	if err != nil {
		t.Fatal(err)
	}
	l.flush(context.Background(), now)
	(&agent{store: store}).full(t)
	first, second := make(reply[Refund], 1), make(reply[Refund], 1)
	tooLong := RefundCommand{ID: "F1", PaymentRequestID: "R1", AmountMinor: 10, Currency: "SGD", Memo: strings.Repeat("x", 600_000)}
	l.enqueueRefund("lane1", tooLong, first)
	l.enqueueRefund("lane1", partOf("F2", "R1", 10), second)
	l.flush(context.Background(), now)
	if got := <-first; !errors.Is(got.err, ErrNotStored) {
		t.Errorf("the first is answered with %v, want ErrNotStored", got.err)
	}
	if got := <-second; got.err != nil || got.value.State != RefundWaiting {
		t.Errorf("the second is %+v (%v)", got.value, got.err)
	}
	if got := l.refunds["F2"].saved.State; got != RefundSending {
		t.Fatalf("the second refund is %s on the disk, want %s", got, RefundSending)
	}
	<-l.answers // its call has ended
	l.calls.Wait()
}
