package queue

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// An old copy of the store is put back. What it holds as open is asked about and told;
// what came after it is "never stored", and a register that sends it again, as it may,
// is charged once and given back once: the ids are the same.
func TestAnOldCopyThatIsPutBackChargesNothingTwice(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		bank.treatAs("OPEN", behaviour{mute: true})
		a := start(t, path, bank, func(o *Options) { o.Grace = 0 })
		a.pay(t, "lane1", "OPEN")
		time.Sleep(time.Second) // fake
		a.stop(t)
		copied, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}

		a = start(t, path, bank)
		open, _ := a.until(t, "OPEN", Paid, time.Minute)
		a.pay(t, "lane1", "LATER")
		later, _ := a.until(t, "LATER", Paid, time.Second)
		a.refund(t, partOf("F1", "LATER", 400))
		a.untilRefund(t, "F1", Refunded, time.Second)
		for _, p := range []Payment{open, later} {
			if _, err := a.Deliver(ctx, p.ID, p.Rev); err != nil {
				t.Fatal(err)
			}
		}
		a.stop(t)
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}

		b := start(t, path, bank)
		defer b.stop(t)
		again, _ := b.until(t, "OPEN", Paid, time.Minute)
		if again.Rev < open.Rev {
			t.Errorf("told again in rev %d, which is stale to a register that knows %d", again.Rev, open.Rev)
		}
		if _, err := b.Payment(ctx, "LATER"); !errors.Is(err, ErrNotFound) {
			t.Fatalf("what came after the copy: %v", err)
		}
		b.pay(t, "lane1", "LATER")
		b.until(t, "LATER", Paid, time.Second)
		b.refund(t, partOf("F1", "LATER", 400))
		b.untilRefund(t, "F1", Refunded, time.Second)
		for _, id := range []string{"OPEN", "LATER"} {
			if got := bank.seen(id).charges; got != 1 {
				t.Errorf("%s was charged %d times", id, got)
			}
		}
		if got := bank.refunded("F1"); got != 400 || len(bank.refunds) != 1 {
			t.Errorf("%d were given back, in %d refunds", got, len(bank.refunds))
		}
	})
}
