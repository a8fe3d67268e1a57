package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble time stands still while anything runs: a loop that spins never gets to
// the end of these.

// An outcome that comes in after the word to stop, while another call is under way, is
// waited for without turning in circles.
func TestTheEndWaitsForACallAndDoesNotSpin(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("MUTE", behaviour{mute: true})
		bank.treatAs("SOON", behaviour{after: time.Second})
		a := start(t, path, bank)
		a.pay(t, "lane1", "MUTE")
		a.pay(t, "lane2", "SOON")
		synctest.Wait()
		a.stop(t) // SOON ends a second into the grace, MUTE never does
	})
}

// A delivery that waits to be saved on a full disk waits with everything else.
func TestADeliveryThatCannotBeSavedDoesNotSpin(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		p, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.store.write.Exec("pragma query_only = 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Deliver(context.Background(), "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * lazily) // fake
		if _, err := a.store.write.Exec("pragma query_only = 0"); err != nil {
			t.Fatal(err)
		}
	})
}
