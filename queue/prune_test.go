package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// Receipts and messages go from what is closed and old, and from nothing else; what
// tells a repeat from a new payment stays.
func TestPruningTakesTheReceiptsOfTheOldAndClosedAlone(t *testing.T) {
	s := openStore(t, storePath(t))
	now := time.UnixMilli(1_800_000_000_000)
	row := func(id string, age time.Duration, change func(*Payment)) Payment {
		p, _ := Begin(now.Add(-age), "lane1", testCommand(id), time.Minute)
		a := testAnswer(VerdictPaid, Pay)
		a.CashierReceipt, a.CustomerReceipt, a.Result.Message = "cashier", "customer", "thank you"
		p = Policy{}.end(now.Add(-age), p, a)
		p.EndedSeq, p.Delivered = 1, p.Rev
		change(&p)
		return p
	}
	nothing := func(*Payment) {}
	rows := map[string]Payment{
		"OLD":         row("OLD", 2*time.Hour, nothing),
		"YOUNG":       row("YOUNG", time.Minute, nothing),
		"UNDELIVERED": row("UNDELIVERED", 2*time.Hour, func(p *Payment) { p.Delivered = 0 }),
		"UNDONE":      row("UNDONE", 2*time.Hour, func(p *Payment) { p.AbortAt, p.Reversal = now, RefundPending }),
	}
	var b Batch
	for _, p := range rows {
		b.Payments = append(b.Payments, Change[Payment]{New: p})
	}
	if err := s.Save(b); err != nil {
		t.Fatal(err)
	}
	if next, err := s.prunePayments(context.Background(), "", now.Add(-time.Hour)); err != nil || next != "" {
		t.Fatalf("to go on at %q (%v), want the table's end", next, err)
	}
	slim := rows["OLD"]
	slim.CashierReceipt, slim.CustomerReceipt, slim.Result.Message = "", "", ""
	rows["OLD"] = slim
	for id, want := range rows {
		got, err := s.Payment(context.Background(), id)
		if err != nil || string(got.CashierReceipt) != string(want.CashierReceipt) ||
			string(got.CustomerReceipt) != string(want.CustomerReceipt) || got.Result != want.Result ||
			got.PaymentID != want.PaymentID || got.Command != want.Command || got.Rev != want.Rev {
			t.Errorf("%s is %+v (%v), want %+v", id, got, err, want)
		}
	}
}

// The pruning goes on where it stopped, until it has seen all of a table that is
// longer than its step.
func TestPruningGoesThroughALongTable(t *testing.T) {
	s := openStore(t, storePath(t))
	const n = 2*pruneStep + 7
	now := time.UnixMilli(1_800_000_000_000)
	var b Batch
	for _, id := range ids(n) {
		p, _ := Begin(now, "lane1", testCommand(id), time.Minute)
		p = Policy{}.end(now, p, Answer{Verdict: VerdictFailed, Result: Result{"F", "PAYMENT_FAIL", "no"}})
		p.EndedSeq, p.Delivered = 1, p.Rev
		b.Payments = append(b.Payments, Change[Payment]{New: p})
	}
	if err := s.Save(b); err != nil {
		t.Fatal(err)
	}
	cursor := ""
	for step := 1; ; step++ {
		var err error
		if cursor, err = s.prunePayments(context.Background(), cursor, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if cursor == "" {
			if step != 3 {
				t.Errorf("done after %d steps, want 3", step)
			}
			break
		}
	}
	for _, id := range ids(n) {
		if p, err := s.Payment(context.Background(), id); err != nil || p.Result.Message != "" {
			t.Fatalf("%s was passed over: %q (%v)", id, p.Result.Message, err)
		}
	}
}

// A box whose clock came up in 2040 finds everything older than any retention. Nothing
// is thrown away by a clock that is not believed; by one that is set right, it is.
func TestAClockThatIsNotBelievedThrowsNothingAway(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		var believed atomic.Bool
		a := start(t, path, bank, func(o *Options) {
			o.Retention, o.ClockBelieved = time.Hour, believed.Load
		})
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		p, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.Deliver(ctx, "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ believed, kept bool }{{false, true}, {true, false}} {
			believed.Store(c.believed)
			time.Sleep(3 * time.Hour) // fake
			story, err := a.store.Story(ctx, "R1")
			if err != nil || (len(story) > 0) != c.kept {
				t.Errorf("believed %v: a story of %d events (%v), want it kept: %v", c.believed, len(story), err, c.kept)
			}
		}
	})
}
