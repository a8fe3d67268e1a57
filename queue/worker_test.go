package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnOrdinarySaleIsTwoCommits(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.row0(t)
		before := commits(t, path)
		first := a.pay(t, "lane1", "R1")
		if first.State != Sending || first.Rev != 1 {
			t.Errorf("the answer to pay is %s rev %d, want sending rev 1", first.State, first.Rev)
		}
		p, _ := a.until(t, "R1", Paid, time.Second)
		if got := commits(t, path) - before; got != 2 {
			t.Errorf("the sale took %d commits, want 2", got)
		}
		if p.Rev != 2 || p.PaymentID != "AR1" || p.Result.Code != "SUCCESS" {
			t.Errorf("the outcome is %+v", p)
		}
	})
}

// row0 waits until the worker has started.
func (a *agent) row0(t *testing.T) {
	t.Helper()
	if _, err := a.Payment(context.Background(), "NONE"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
}

// P2: whoever reads the file the moment pay is answered finds the payment there,
// and the acquirer was not asked for money before.
func TestAnAnswerToPayMeansStored(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		r := make(reply[Payment], 1)
		l.enqueue("lane1", testCommand("R1"), time.Minute, r)
		if len(r) != 0 || bank.seen("R1").pays != 0 {
			t.Errorf("answered (%d) or paid (%d) before the commit", len(r), bank.seen("R1").pays)
		}
		l.flush(context.Background(), time.Now())
		if got := <-r; got.err != nil {
			t.Fatal(got.err)
		}
		if _, err := l.o.Store.Payment(context.Background(), "R1"); err != nil {
			t.Errorf("answered, but the store says %v", err)
		}
		l.answered(time.Now(), <-l.answers)
		l.calls.Wait()
	})
}

func TestALostAnswerIsResubmittedAndChargedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{mute: true}, behaviour{lost: true})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		_, took := a.until(t, "R1", Paid, 100*time.Second)
		if got := bank.seen("R1"); got != (seen{charges: 1, pays: 3}) {
			t.Errorf("the acquirer saw %+v; want 1 charge, 3 pays, no inquiry", got)
		}
		if took < 90*time.Second || took > 92*time.Second {
			t.Errorf("paid after %v; two time-outs of 45 s and two short pauses were due", took)
		}
	})
}

// P4 and P3: after the window the agent asks, never pays, and says "not paid"
// only when the quiet time is over.
func TestAfterTheWindowTheAgentOnlyAsks(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 3)...)
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Unresolved, 121*time.Second)
		pays := bank.seen("R1").pays
		_, took := a.until(t, "R1", Failed, 5*time.Minute)
		if got := bank.seen("R1").pays; got != pays {
			t.Errorf("%d pay requests after the window", got-pays)
		}
		if took < 45*time.Second {
			t.Errorf("not paid is said %v after the window; the last attempt was given up later than that", took)
		}
	})
}

func TestARequestThatArrivesLateIsFoundOut(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 3)...)
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Unresolved, 121*time.Second)
		bank.mu.Lock()
		bank.charges["R1"] = 1
		bank.mu.Unlock()
		a.until(t, "R1", Paid, time.Minute)
	})
}

// The worker is dropped with the call under way, as by a power cut, and a new one
// takes the row up: it asks, and finds the charge.
func TestRestartWhileSendingAsksFirst(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{mute: true})
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		b.until(t, "R1", Paid, time.Second)
		if got := bank.seen("R1"); got != (seen{charges: 1, pays: 1, inquiries: 1}) {
			t.Errorf("the acquirer saw %+v; want one of each", got)
		}
	})
}

func TestRepeatsStartNothing(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		for range 20 { // P1, and P6: asking changes nothing
			a.pay(t, "lane1", "R1")
			a.row(t, "R1")
		}
		paid, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.Deliver(context.Background(), "R1", paid.Rev); err != nil {
			t.Fatal(err)
		}
		a.stop(t)
		b := start(t, path, bank) // closed: not in memory any more
		defer b.stop(t)
		if got := b.pay(t, "lane1", "R1"); got.State != Paid || got.Rev != paid.Rev {
			t.Errorf("a repeat after a restart says %s rev %d, want paid rev %d", got.State, got.Rev, paid.Rev)
		}
		other := testCommand("R1")
		other.AmountMinor++
		if _, err := b.Enqueue(context.Background(), "lane1", other, 0); !errors.Is(err, ErrInconsistent) {
			t.Errorf("another amount under the same id: %v, want ErrInconsistent", err)
		}
		if got := bank.seen("R1").pays; got != 1 {
			t.Errorf("%d pay requests, want 1", got)
		}
	})
}

func TestOnePaymentInsideItsWindowPerRegister(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 100)...)
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		var busy *BusyError
		if _, err := a.Enqueue(context.Background(), "lane1", testCommand("R2"), 0); !errors.As(err, &busy) ||
			!slices.Equal(busy.Open, []string{"R1"}) {
			t.Errorf("got %v, want busy with R1", err)
		}
		a.pay(t, "lane2", "R3") // another register is free
		a.until(t, "R1", Unresolved, 121*time.Second)
		a.pay(t, "lane1", "R2") // and so is lane1, with R1 in doubt
		a.until(t, "R2", Paid, time.Second)
	})
}

// P7: forty payments in doubt at an acquirer that never answers about them; a new
// sale goes through as if they were not there.
func TestStuckPaymentsDelayNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		for _, id := range ids(40) {
			bank.treatAs(id, slices.Repeat([]behaviour{{lost: true}}, 1000)...)
			a.pay(t, "lane"+id, id)
		}
		a.until(t, "R039", Unresolved, 121*time.Second)
		time.Sleep(time.Minute) // fake
		bank.mu.Lock()
		bank.most = 0
		bank.mu.Unlock()
		a.pay(t, "lane1", "NEW")
		if _, took := a.until(t, "NEW", Paid, time.Second); took > 100*time.Millisecond {
			t.Errorf("the sale took %v", took)
		}
		time.Sleep(10 * time.Minute) // fake
		if got := bank.atOnce(); got > inDoubtAtOnce+1 {
			t.Errorf("%d requests at once", got)
		}
		for _, id := range ids(40) {
			if bank.seen(id).inquiries == 0 {
				t.Errorf("%s was never asked about", id)
			}
		}
	})
}

// P8: the end is told until it is delivered, in the revision that is the present one.
func TestAnEndIsUntoldUntilDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		if _, err := a.Deliver(ctx, "NONE", 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("delivered of an unknown id: %v", err)
		}
		p, _ := a.until(t, "R1", Paid, time.Second)
		if _, err := a.Deliver(ctx, "R1", p.Rev-1); err != nil {
			t.Errorf("delivered of an old rev: %v", err)
		}
		if _, err := a.Deliver(ctx, "R1", p.Rev+97); err != nil {
			t.Errorf("delivered of a rev that never was: %v", err)
		}
		wantUntold(t, a, "lane1", "R1")
		wantUntold(t, a, "lane2")
		a.stop(t)
		a = start(t, path, bank)
		wantUntold(t, a, "lane1", "R1")
		if _, err := a.Deliver(ctx, "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		wantUntold(t, a, "lane1")
		a.stop(t)
		a = start(t, path, bank)
		defer a.stop(t)
		wantUntold(t, a, "lane1")
		if last, err := a.LastEnded(ctx, "lane1"); err != nil || last.Payment.ID != "R1" {
			t.Errorf("the last end of lane1 is %+v (%v)", last, err)
		}
		if _, err := a.LastEnded(ctx, "lane2"); !errors.Is(err, ErrNotFound) {
			t.Errorf("the last end of lane2: %v", err)
		}
	})
}

func TestOnlyAnEndCanBeDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{lost: true})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		if _, err := a.Deliver(context.Background(), "R1", 1); !errors.Is(err, ErrNotFinal) {
			t.Errorf("got %v, want ErrNotFinal", err)
		}
	})
}

func TestAPaymentBelongsToTheRegisterThatSentItLast(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		a.pay(t, "lane2", "R1")
		wantUntold(t, a, "lane1")
		wantUntold(t, a, "lane2", "R1")
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		wantUntold(t, b, "lane2", "R1")
	})
}

func wantUntold(t *testing.T, a *agent, register string, want ...string) {
	t.Helper()
	synctest.Wait()
	list, err := a.Untold(context.Background(), register)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.id())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s is yet to be told %v, want %v", register, got, want)
	}
}

// An answer with another payment's paymentId is an old one played back.
func TestAPaymentIDOfAnotherPaymentIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		a.stop(t)
		bank.paymentID = func(string) string { return "AR1" }
		b := start(t, path, bank)
		defer b.stop(t)
		b.pay(t, "lane1", "R2")
		time.Sleep(30 * time.Second) // fake
		if p := b.row(t, "R2"); p.State != Sending {
			t.Fatalf("R2 is %s on the strength of R1's paymentId", p.State)
		}
		bank.mu.Lock()
		bank.paymentID = func(id string) string { return "A" + id }
		bank.mu.Unlock()
		b.until(t, "R2", Paid, 10*time.Second)
	})
}

func TestAtTheEndCallsUnderWayMayFinish(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{before: 3 * time.Second})
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		a.cancel()
		synctest.Wait()
		if _, err := a.Enqueue(context.Background(), "lane2", testCommand("R2"), 0); !errors.Is(err, ErrStopping) {
			t.Errorf("a new payment after the word to stop: %v", err)
		}
		from := time.Now()
		time.AfterFunc(3*time.Second+lastWords/2, func() { wantUntold(t, a, "lane1", "R1") })
		a.stop(t)
		if took := time.Since(from); took != 3*time.Second+lastWords {
			t.Errorf("stopped after %v, want the 3s of the call and a moment to tell", took)
		}
		store := openStore(t, path)
		if p, err := store.Payment(context.Background(), "R1"); err != nil || p.State != Paid {
			t.Errorf("the outcome that came in the grace is %s (%v)", p.State, err)
		}
	})
}

func TestAtTheEndAHangingCallIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{lost: true})
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		from := time.Now()
		a.stop(t)
		if took := time.Since(from); took != 4*time.Second {
			t.Errorf("stopped after %v, want the grace of 4s", took)
		}
	})
}
