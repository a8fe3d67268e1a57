package queue

import (
	"context"
	"testing"
	"time"
)

// The box was started anew, and the first start is cut short before a row is saved:
// the second one still knows that the window's age can't be known.
func TestAStartThatIsCutShortLeavesTheBootToTheNext(t *testing.T) {
	ctx := context.Background()
	store := openStore(t, storePath(t))
	row, _ := Begin(time.Now(), "lane1", testCommand("R1"), time.Hour)
	if err := store.Save(Batch{Payments: []Change[Payment]{{New: row}}}); err != nil {
		t.Fatal(err)
	}
	if err := store.noteBoot(ctx, 1); err != nil { // another boot
		t.Fatal(err)
	}
	for range 2 {
		l, err := newLoop(testOptions(store, newAcquirer()))
		if err != nil {
			t.Fatal(err)
		}
		if got := l.payments["R1"].row.State; got != Unresolved {
			t.Fatalf("after a boot the payment is %s, want %s", got, Unresolved)
		}
	}
}

// Once the rows are saved, the boot is noted: a restart in the same boot may pay.
func TestABootIsNotedOnceItsRowsAreSaved(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		a.stop(t)
		store := openStore(t, path)
		anew, boot, err := store.newBoot(context.Background())
		if err != nil || anew || boot != 0 {
			t.Errorf("the next start sees a new boot: %v, %d to note (%v)", anew, boot, err)
		}
	})
}
