package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func (a *agent) refund(t *testing.T, c RefundCommand) Refund {
	t.Helper()
	r, err := a.EnqueueRefund(context.Background(), "lane1", c)
	if err != nil {
		t.Fatalf("refund %s: %v", c.ID, err)
	}
	return r
}

// untilRefund lets fake time pass until a refund is in state.
func (a *agent) untilRefund(t *testing.T, id string, state RefundState, most time.Duration) Refund {
	t.Helper()
	from := time.Now()
	for {
		synctest.Wait()
		r, err := a.Refund(context.Background(), id)
		if err != nil {
			t.Fatalf("refund %s: %v", id, err)
		}
		if r.State == state {
			return r
		}
		if r.State.Final() || time.Since(from) > most {
			t.Fatalf("refund %s is %s after %v, want %s", id, r.State, time.Since(from), state)
		}
		time.Sleep(50 * time.Millisecond) // fake
	}
}

func partOf(id, payment string, minor int64) RefundCommand {
	return RefundCommand{ID: id, PaymentRequestID: payment, AmountMinor: minor, Currency: "SGD"}
}

// An abort that comes while the money is being taken: paid, final, and given back
// in full under an id of its own, once.
func TestAnAbortThatComesTooLateIsRefunded(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: 2 * time.Second})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		p, err := a.Abort(context.Background(), "lane1", "R1")
		if err != nil || p.AbortAt.IsZero() || p.State.Final() {
			t.Fatalf("abort: %+v (%v)", p, err)
		}
		a.until(t, "R1", Paid, 10*time.Second)
		synctest.Wait()
		p = a.row(t, "R1")
		if p.Reversal != RefundSuccess {
			t.Errorf("its reversal is %q, want SUCCESS", p.Reversal)
		}
		if got := bank.refunded(p.ReversalID()); got != p.AmountMinor {
			t.Errorf("%d given back, want %d", got, p.AmountMinor)
		}
		wantUntold(t, a, "lane1", "R1") // the reversal is told as part of the payment
	})
}

// The plug is pulled after every commit of a late abort; the money comes back
// once, whatever was on the disk by then.
func TestALateAbortSurvivesARestartAtAnyPoint(t *testing.T) {
	for after := time.Duration(0); after <= 6*time.Second; after += 500 * time.Millisecond {
		bubble(t, func(t *testing.T, path string, bank *acquirer) {
			bank.treatAs("R1", behaviour{after: 2 * time.Second})
			id := reversalID("R1")
			bank.treatAs(id, behaviour{before: time.Second, after: time.Second})
			a := start(t, path, bank, func(o *Options) { o.Grace = 0 })
			a.pay(t, "lane1", "R1")
			if _, err := a.Abort(context.Background(), "lane1", "R1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after) // fake
			a.stop(t)
			b := start(t, path, bank)
			defer b.stop(t)
			deadline := time.Now().Add(5 * time.Minute)
			for b.row(t, "R1").Reversal != RefundSuccess && time.Now().Before(deadline) {
				time.Sleep(100 * time.Millisecond) // fake
			}
			if got := bank.refunded(id); got != 1050 || b.row(t, "R1").Reversal != RefundSuccess {
				t.Errorf("after %v: %d given back, the reversal is %q", after, got, b.row(t, "R1").Reversal)
			}
		})
	}
}

func TestWhatAbortAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		never, err := a.Abort(ctx, "lane1", "NEVER")
		if err != nil || never.State != Cancelled || !never.NeverPaid() {
			t.Errorf("an id never seen: %+v (%v)", never, err)
		}
		a.pay(t, "lane1", "R1")
		paid, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.Deliver(ctx, "R1", paid.Rev); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Abort(ctx, "lane1", "R1"); !errors.Is(err, ErrTooLate) {
			t.Errorf("after delivery: %v, want ErrTooLate", err)
		}
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		if _, err := b.Enqueue(ctx, "lane1", testCommand("NEVER"), 0); !errors.Is(err, ErrAborted) {
			t.Errorf("pay after the abort of an id never seen, and a restart: %v, want ErrAborted", err)
		}
		if _, err := b.Abort(ctx, "lane1", "R1"); !errors.Is(err, ErrTooLate) {
			t.Errorf("after delivery and restart: %v, want ErrTooLate", err)
		}
		if bank.seen("NEVER").pays != 0 {
			t.Error("an aborted id was paid")
		}
	})
}

func TestLateAbortsAreKeptWhereTheShopWantsThat(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: time.Second})
		a := start(t, path, bank, func(o *Options) { o.Policy.KeepLateAborts = true })
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		if _, err := a.Abort(context.Background(), "lane1", "R1"); err != nil {
			t.Fatal(err)
		}
		p, _ := a.until(t, "R1", Paid, 5*time.Second)
		if p.Reversal != "" || len(bank.refunds) != 0 {
			t.Errorf("reversal %q, refunds %v; want none", p.Reversal, bank.refunds)
		}
	})
}

// Parts may be refunded until nothing is left; a refused refund frees its part.
func TestRefundsNeverExceedWhatWasPaid(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1") // 10.50
		a.until(t, "R1", Paid, time.Second)
		bank.treatAs("F2", behaviour{say: VerdictRefused}, behaviour{say: VerdictRefused})
		a.refund(t, partOf("F1", "R1", 1000))
		a.untilRefund(t, "F1", Refunded, time.Second)
		a.refund(t, partOf("F2", "R1", 50))
		a.untilRefund(t, "F2", RefundRefused, time.Second)
		if _, err := a.EnqueueRefund(ctx, "lane1", partOf("F3", "R1", 51)); !errors.Is(err, ErrExceeds) {
			t.Errorf("one more than is left: %v, want ErrExceeds", err)
		}
		rest := a.refund(t, RefundCommand{ID: "F4", PaymentRequestID: "R1", Full: true})
		if rest.AmountMinor != 50 {
			t.Errorf("everything left is %d, want 50", rest.AmountMinor)
		}
		a.untilRefund(t, "F4", Refunded, time.Second)
		if _, err := a.EnqueueRefund(ctx, "lane1", RefundCommand{ID: "F5", PaymentRequestID: "R1", Full: true}); !errors.Is(err, ErrExceeds) {
			t.Errorf("when nothing is left: %v, want ErrExceeds", err)
		}
	})
}

func TestWhatARefundIsAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		bank.treatAs("R2", behaviour{say: VerdictFailed})
		a.pay(t, "lane1", "R1")
		p, _ := a.until(t, "R1", Paid, time.Second)
		a.pay(t, "lane1", "R2")
		a.until(t, "R2", Failed, time.Second)
		a.refund(t, partOf("F1", "R1", 100))
		a.untilRefund(t, "F1", Refunded, time.Second)
		a.refund(t, partOf("F1", "R1", 100)) // a repeat starts nothing
		byAcquirer := RefundCommand{ID: "F6", PaymentID: p.PaymentID, AmountMinor: 1, Currency: "SGD"}
		if r := a.refund(t, byAcquirer); r.PaymentRequestID != "R1" {
			t.Errorf("by the acquirer's id: %+v", r)
		}
		yen := partOf("F7", "R1", 1)
		yen.Currency = "JPY"
		var illegal *CommandError
		for _, c := range []struct {
			name string
			c    RefundCommand
			want error
		}{
			{"the same id, another amount", partOf("F1", "R1", 101), ErrInconsistent},
			{"a payment never seen", partOf("F8", "NONE", 1), ErrNotFound},
			{"a payment that failed", partOf("F9", "R2", 1), ErrNotPaid},
		} {
			if _, err := a.EnqueueRefund(ctx, "lane1", c.c); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		if _, err := a.EnqueueRefund(ctx, "lane1", yen); !errors.As(err, &illegal) {
			t.Errorf("another currency: %v", err)
		}
		if got := bank.seen("F1").pays; got != 1 {
			t.Errorf("%d refund requests for F1, want 1", got)
		}
	})
}

// A lost answer to a refund: the identical request again, across a restart, and
// the money comes back once.
func TestALostRefundIsRepeatedAndGivenOnce(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("F1", behaviour{mute: true}, behaviour{mute: true})
		a := start(t, path, bank, func(o *Options) { o.Grace = 0 })
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		a.refund(t, partOf("F1", "R1", 400))
		time.Sleep(35 * time.Second) // fake: the first gave up, the second hangs
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		b.untilRefund(t, "F1", Refunded, time.Minute)
		if got := bank.refunded("F1"); got != 400 || bank.seen("F1").pays != 3 {
			t.Errorf("%d given back in %d requests, want 400 in 3", got, bank.seen("F1").pays)
		}
	})
}

func TestRefundsOfOnePaymentGoOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		for _, id := range []string{"F1", "F2", "F3"} {
			bank.treatAs(id, behaviour{before: 10 * time.Second})
			a.refund(t, partOf(id, "R1", 100))
			time.Sleep(time.Second) // fake
		}
		if got := bank.atOnce(); got != 1 {
			t.Errorf("%d requests at once, want 1", got)
		}
		a.untilRefund(t, "F3", Refunded, time.Minute)
		if got := bank.atOnce(); got != 1 {
			t.Errorf("%d requests at once, want 1", got)
		}
	})
}

// A refund is told until it is delivered, and is the register's last result.
func TestARefundIsToldUntilDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		p, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.Deliver(ctx, "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		a.refund(t, partOf("F1", "R1", 100))
		r := a.untilRefund(t, "F1", Refunded, time.Second)
		wantUntold(t, a, "lane1", "F1")
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		wantUntold(t, b, "lane1", "F1")
		last, err := b.LastEnded(ctx, "lane1")
		if err != nil || last.Refund == nil || last.Refund.ID != "F1" {
			t.Errorf("the last end is %+v (%v)", last, err)
		}
		if _, err := b.DeliverRefund(ctx, "F1", r.Rev); err != nil {
			t.Fatal(err)
		}
		wantUntold(t, b, "lane1")
	})
}

func TestTotalsAddUpByTheTimeOfTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		from := time.Now()
		for _, id := range []string{"R1", "R2"} {
			a.pay(t, "lane1", id)
			a.until(t, id, Paid, time.Second)
		}
		a.pay(t, "lane2", "R3")
		a.until(t, "R3", Paid, time.Second)
		a.refund(t, partOf("F1", "R1", 300))
		a.untilRefund(t, "F1", Refunded, time.Second)
		bank.treatAs("R4", behaviour{lost: true})
		a.pay(t, "lane1", "R4")
		sums, open, err := a.Totals(context.Background(), "lane1", from, time.Now().Add(time.Second))
		want := []Sum{{Currency: "SGD", PaidCount: 2, PaidMinor: 2100, RefundedCount: 1, RefundMinor: 300}}
		if err != nil || !slices.Equal(sums, want) || !slices.Equal(open, []string{"R4"}) {
			t.Errorf("totals %+v, open %v (%v); want %+v, [R4]", sums, open, err, want)
		}
		if sums, _, err := a.Totals(context.Background(), "lane1", from.Add(-time.Hour), from); err != nil || len(sums) != 0 {
			t.Errorf("the hour before: %+v (%v)", sums, err)
		}
	})
}
