package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reversal's id is the payment's alone and the same for ever: a program that makes
// another of it after an update would give the money back twice.
func TestAReversalsIDIsThePaymentsAloneAndForEver(t *testing.T) {
	if got, want := reversalID("R03_20260823_000117"), "RV_2944d9751c30b0017482df357bdf3033c5d6e70a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	seen := map[string]string{}
	for _, id := range append(ids(1000), "R", "R0", "R00", strings.Repeat("R", 63), strings.Repeat("R", 64)) {
		rv := reversalID(id)
		if other := seen[rv]; other != "" {
			t.Errorf("%s and %s have one reversal", id, other)
		}
		seen[rv] = id
		if !isReversalID(rv) || len(rv) > 64 {
			t.Errorf("%s is no id of a reversal", rv)
		}
	}
}

// The refunds of a payment go in the order in which they came.
func TestRefundsOfOnePaymentGoInTheirOrder(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		for _, id := range []string{"F9", "F5", "F7", "F1"} {
			bank.treatAs(id, behaviour{before: 10 * time.Second})
			a.refund(t, partOf(id, "R1", 100))
			time.Sleep(time.Second) // fake
		}
		for _, id := range []string{"F9", "F5", "F7"} {
			a.untilRefund(t, id, Refunded, time.Minute)
			synctest.Wait()
			if got := bank.refunded("F1"); got != 0 {
				t.Fatalf("F1, the last to come, was given back before %s was over", id)
			}
		}
		a.untilRefund(t, "F1", Refunded, time.Minute)
	})
}

// A "delivered" of another rev than the present one closes nothing, opens nothing
// again, and leaves nothing that can't be stored.
func TestADeliveryOfAnotherRevChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.paid(t, "R1")
		deliver := func(rev int64) {
			t.Helper()
			if got, err := a.Deliver(ctx, "R1", rev); err != nil || got.Delivered > got.Rev {
				t.Errorf("delivered of rev %d: %+v (%v)", rev, got, err)
			}
		}
		deliver(p.Rev + 97)
		time.Sleep(lazily + time.Second) // fake: what is lazy is written
		if h, err := a.Health(ctx); err != nil || !h.Writable {
			t.Errorf("after a rev that never was: %+v (%v)", h, err)
		}
		wantUntold(t, a, "lane1", "R1")
		deliver(p.Rev)
		deliver(p.Rev - 1) // an older one, late
		wantUntold(t, a, "lane1")
	})
}

// While a late abort is being undone nothing is left for others: what the refunds before
// it leave is its own.
func TestNothingIsLeftForOthersWhileAPaymentIsUndone(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		bank.treatAs("F1", behaviour{before: 10 * time.Second})
		a.refund(t, partOf("F1", "R1", 400))
		p, err := a.Abort(ctx, "lane1", "R1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.EnqueueRefund(ctx, "lane1", partOf("F2", "R1", 1)); !errors.Is(err, ErrExceeds) {
			t.Errorf("another refund meanwhile: %v, want ErrExceeds", err)
		}
		a.untilRefund(t, "F1", Refunded, time.Minute)
		time.Sleep(time.Minute) // fake
		if got := bank.refunded(p.ReversalID()); got != 650 || a.row(t, "R1").Reversal != RefundSuccess {
			t.Errorf("%d given back by the reversal, which is %s; want 650", got, a.row(t, "R1").Reversal)
		}
	})
}
