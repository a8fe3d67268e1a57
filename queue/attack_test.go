package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A long outage leaves a backlog, and the box is started again: everything open is
// asked about, a few at a time, and a new sale does not wait for it.
func TestABacklogIsTakenUpWithoutAStorm(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		const n = 100
		backlog(t, path, n)
		for _, id := range ids(n) {
			bank.treatAs(id, behaviour{lost: true})
			bank.treatAs("F"+id, behaviour{lost: true})
		}
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "NEW")
		if _, took := a.until(t, "NEW", Paid, time.Second); took > 100*time.Millisecond {
			t.Errorf("the sale took %v", took)
		}
		time.Sleep(10 * time.Minute) // fake
		synctest.Wait()
		if got := bank.atOnce(); got > inDoubtAtOnce+1 {
			t.Errorf("%d requests at once, want %d and the sale's at the most", got, inDoubtAtOnce)
		}
		for _, id := range ids(n) {
			if bank.seen(id).inquiries == 0 || bank.refunded("F"+id) == 0 {
				t.Errorf("%s was never asked about, or its like never refunded", id)
			}
		}
	})
}

// backlog stores n payments and n refunds that were left under way long ago.
func backlog(t *testing.T, path string, n int) {
	t.Helper()
	store, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-24 * time.Hour)
	var b Batch
	for i, id := range ids(n) {
		p, _ := Begin(long, "lane-"+id, testCommand(id), time.Minute)
		p, _ = Policy{}.Step(long.Add(time.Minute), p, Tick{})
		paid, _ := Begin(long, "lane-"+id, testCommand("P"+id), time.Minute)
		paid = Policy{}.end(long, paid, testAnswer(VerdictPaid, Pay))
		paid.EndedSeq, paid.Delivered = int64(i+1), paid.Rev
		r, _ := BeginRefund(long, Refund{ID: "F" + id, Register: "lane1", PaymentRequestID: "P" + id, PaymentID: "A" + id, AmountMinor: 1, Currency: "SGD"}, true)
		b.Payments = append(b.Payments, Change[Payment]{New: p}, Change[Payment]{New: paid})
		b.Refunds = append(b.Refunds, Change[Refund]{New: r})
	}
	if err := errors.Join(store.Save(b), store.Close()); err != nil {
		t.Fatal(err)
	}
}

// A pay and its abort that come in together are saved together: nothing is sent.
func TestAnAbortThatComesInWithItsPayStopsIt(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		r, aborted := make(reply[Payment], 1), make(reply[Payment], 1)
		l.enqueue("lane1", testCommand("R1"), time.Minute, r)
		l.abort("lane1", "R1", aborted)
		l.flush(context.Background(), time.Now())
		for l.underWay > 0 {
			l.answered(time.Now(), <-l.answers)
			l.flush(context.Background(), time.Now())
		}
		l.calls.Wait()
		if got := bank.seen("R1"); got.pays != 0 {
			t.Errorf("the acquirer saw %+v, want no pay after the abort", got)
		}
		if row, err := l.lookUp("R1"); err != nil || row.State != Cancelled {
			t.Errorf("it is %s (%v), want cancelled", row.State, err)
		}
	})
}

// A reversal is not done while another refund of its payment is under way: that one
// may be refused yet, and then its part is to be given back too.
func TestAReversalWaitsForTheRefundsBeforeIt(t *testing.T) {
	for _, part := range []int64{1050, 400} {
		bubble(t, func(t *testing.T, path string, bank *acquirer) {
			a := start(t, path, bank)
			defer a.stop(t)
			a.pay(t, "lane1", "R1")
			a.until(t, "R1", Paid, time.Second)
			bank.treatAs("F1", slices.Repeat([]behaviour{{before: 10 * time.Second, say: VerdictRefused}}, 2)...)
			bank.refuse("F1")
			a.refund(t, partOf("F1", "R1", part))
			p, err := a.Abort(context.Background(), "lane1", "R1")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := a.row(t, "R1").Reversal; got != RefundPending {
				t.Errorf("the reversal is %s while %d are on their way back, and may not come", got, part)
			}
			a.untilRefund(t, "F1", RefundRefused, time.Minute)
			time.Sleep(time.Minute) // fake
			if got := bank.refunded(p.ReversalID()); got != 1050 {
				t.Errorf("%d were given back, want all of it", got)
			}
			if got := a.row(t, "R1").Reversal; got != RefundSuccess {
				t.Errorf("the reversal is %q in the end", got)
			}
		})
	}
}

// The agent's own refund ids are not to be had: a refund under one would stand in
// the way of the undoing.
func TestARefundUnderAReversalsIDIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		var illegal *CommandError
		_, err := a.EnqueueRefund(context.Background(), "lane1", partOf(reversalID("R1"), "R1", 1))
		if !errors.As(err, &illegal) {
			t.Errorf("got %v, want a *CommandError", err)
		}
	})
}

// A refund that another register asks about by sending it again is told to that one,
// at once.
func TestARefundBelongsToTheRegisterThatSentItLast(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		a.refund(t, partOf("F1", "R1", 100))
		a.untilRefund(t, "F1", Refunded, time.Second)
		for len(a.changed) > 0 {
			<-a.changed
		}
		if _, err := a.EnqueueRefund(context.Background(), "lane2", partOf("F1", "R1", 100)); err != nil {
			t.Fatal(err)
		}
		wantUntold(t, a, "lane1", "R1")
		wantUntold(t, a, "lane2", "F1")
		woken := map[string]bool{}
		for len(a.changed) > 0 {
			woken[<-a.changed] = true
		}
		if !woken["lane1"] || !woken["lane2"] {
			t.Errorf("woken: %v, want both registers", woken)
		}
		if last, err := a.LastEnded(context.Background(), "lane2"); err != nil || last.Refund == nil || last.Refund.ID != "F1" {
			t.Errorf("the last end of lane2 is %+v (%v)", last, err)
		}
	})
}

// Two payments whose answers come in together name one paymentId: it can't be both's.
func TestOnePaymentIDIsNotBelievedTwiceInOneCommit(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.paymentID = func(string) string { return "AR1" }
		l := newTestLoop(t, path, bank)
		for _, id := range []string{"R1", "R2"} {
			l.enqueue("lane-"+id, testCommand(id), time.Minute, make(reply[Payment], 1))
		}
		l.flush(context.Background(), time.Now())
		first, second := <-l.answers, <-l.answers
		l.answered(time.Now(), first)
		l.answered(time.Now(), second)
		if got := second.it.(*payment).row.State; got != Sending {
			t.Errorf("the second is %s on the strength of the first's paymentId", got)
		}
		l.calls.Wait()
	})
}

// A question that comes in with its pay is not answered "never stored": it will be.
func TestWhatIsAboutToBeStoredIsNotCalledUnknown(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		l := newTestLoop(t, path, bank)
		l.enqueue("lane1", testCommand("R1"), time.Minute, make(reply[Payment], 1))
		if _, err := l.lookUp("R1"); !errors.Is(err, ErrDoubtful) {
			t.Errorf("got %v, want ErrDoubtful", err)
		}
		l.flush(context.Background(), time.Now())
		if _, err := l.lookUp("R1"); err != nil {
			t.Errorf("stored, and %v", err)
		}
		l.answered(time.Now(), <-l.answers)
		l.flush(context.Background(), time.Now())
		l.enqueueRefund("lane1", partOf("F1", "R1", 1), make(reply[Refund], 1))
		if _, err := l.lookUpRefund("F1"); !errors.Is(err, ErrDoubtful) {
			t.Errorf("a refund: got %v, want ErrDoubtful", err)
		}
		l.calls.Wait()
	})
}

// What is open is told too: that it is in doubt is news.
func TestWhatIsOpenIsUntoldToo(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 100)...)
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		wantUntold(t, a, "lane1", "R1")
		a.until(t, "R1", Unresolved, 121*time.Second)
		wantUntold(t, a, "lane1", "R1")
	})
}

// The clock was set back while the agent was down, behind the deadlines of a backlog:
// what is in doubt blocks no register, though its turn has not come.
func TestABacklogBlocksNoRegisterAfterAClockStep(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		store, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		tomorrow := time.Now().Add(24 * time.Hour)
		var b Batch
		for _, id := range ids(2 * inDoubtAtOnce) {
			bank.treatAs(id, behaviour{lost: true})
			p, _ := Begin(tomorrow, "lane1", testCommand(id), time.Minute)
			p, _ = Policy{}.Step(tomorrow.Add(time.Minute), p, Tick{})
			b.Payments = append(b.Payments, Change[Payment]{New: p})
		}
		if err := errors.Join(store.Save(b), store.Close()); err != nil {
			t.Fatal(err)
		}
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "NEW")
		a.until(t, "NEW", Paid, time.Second)
		time.Sleep(time.Minute) // fake
		for _, id := range ids(2 * inDoubtAtOnce) {
			if bank.seen(id).inquiries == 0 {
				t.Errorf("%s waits for a clock that was set back", id)
			}
		}
	})
}

// That an end was told stands in the story once for each revision, and costs no commit
// of its own.
func TestTheStorySaysWhatTheRegisterWasTold(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.paid(t, "R1")
		before := commits(t, path)
		for _, rev := range []int64{p.Rev, p.Rev, p.Rev - 1, p.Rev + 1} {
			a.Told("R1", false, rev)
			a.Told("R1", true, rev) // of a refund by that name there is none
		}
		time.Sleep(time.Minute) // fake
		if got := commits(t, path) - before; got != 0 {
			t.Errorf("%d commits for what was told", got)
		}
		if _, err := a.Deliver(ctx, "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lazily + time.Second) // fake
		story, err := a.store.Story(ctx, "R1")
		if err != nil || len(story) < 2 || story[len(story)-1].Kind != EventDelivered || story[len(story)-2].Kind != EventTold ||
			slices.ContainsFunc(story[:len(story)-2], func(e Event) bool { return e.Kind == EventTold }) {
			t.Errorf("the story is %+v (%v), want told once, and then delivered", story, err)
		}
	})
}
