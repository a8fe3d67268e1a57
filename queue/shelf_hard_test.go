package queue

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Putting away fails, as where a page of the large table can't be written: no sale is
// refused for it, and when it can be written again everything is put away.
func TestWhatCannotBePutAwayStandsInNobodysWay(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		if _, err := a.store.write.Exec(`create trigger sick before insert on payment_closed
			begin select raise(abort, 'a page can not be written'); end`); err != nil {
			t.Fatal(err)
		}
		const n = 3*putAwayAt + 5
		a.sellTo(t, 1, n)
		if open, closed := shelves(t, a.store); open != n || closed != 0 {
			t.Errorf("%d at hand and %d put away, want %d and none", open, closed, n)
		}
		if _, err := a.store.write.Exec("drop trigger sick"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(putAwayAgain) // fake
		for i := range 3 {
			id := fmt.Sprintf("AFTER%d", i)
			a.pay(t, "lane2", id)
			a.until(t, id, Paid, time.Second)
		}
		synctest.Wait()
		if open, closed := shelves(t, a.store); open+closed != n+3 || closed < 3*putAwayAt {
			t.Errorf("%d at hand and %d put away of %d", open, closed, n+3)
		}
	})
}

// An ID is stored once, also where the first is put away.
func TestAnIDThatIsPutAwayCannotBeStoredAgain(t *testing.T) {
	s := openStore(t, storePath(t))
	p, _ := Begin(time.UnixMilli(1_750_000_000_000), "lane1", testCommand("R1"), time.Minute)
	closed := Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
	closed.EndedSeq, closed.Delivered = 1, closed.Rev
	if err := s.Save(Batch{Payments: []Change[Payment]{{New: closed}}, PutAway: []string{"R1"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err == nil {
		t.Error("a payment was stored under the id of one that is put away")
	}
	if open, closed := shelves(t, s); open != 0 || closed != 1 {
		t.Errorf("%d at hand and %d put away, want none and 1", open, closed)
	}
}

// An agent that is started again and again tells of it, and not without end; how it
// ended is told in any case.
func TestAStoryHasAnEnd(t *testing.T) {
	s := openStore(t, storePath(t))
	at := time.UnixMilli(1_750_000_000_000)
	p, _ := Begin(at, "lane1", testCommand("R1"), time.Minute)
	r, _ := BeginRefund(at, Refund{ID: "F1", PaymentRequestID: "R1", AmountMinor: 1, Currency: "SGD"}, true)
	save := func(b Batch) {
		t.Helper()
		if err := s.Save(b); err != nil {
			t.Fatal(err)
		}
	}
	save(Batch{
		Payments: []Change[Payment]{{Payment{}, p, []Event{{"R1", at, EventStored, ""}}}},
		Refunds:  []Change[Refund]{{Refund{}, r, []Event{{"F1", at, EventStored, ""}}}},
	})
	const starts = 3000
	for range starts {
		save(Batch{
			Payments: []Change[Payment]{{p, p, []Event{{"R1", at, EventRestart, "unresolved"}}}},
			Refunds:  []Change[Refund]{{r, r, []Event{{"F1", at, EventRestart, "sending"}}}},
		})
	}
	save(Batch{
		Payments: []Change[Payment]{{p, p, []Event{{"R1", at, EventOutcome, "paid"}}}},
		Refunds:  []Change[Refund]{{r, r, []Event{{"F1", at, EventOutcome, "refunded"}}}},
	})
	for _, id := range []string{"R1", "F1"} {
		story, err := s.Story(t.Context(), id)
		if err != nil || len(story) < 100 || len(story) > starts/4 ||
			story[0].Kind != EventStored || story[len(story)-1].Kind != EventOutcome {
			t.Errorf("%s: %d lines of %d (%v), the last of them %+v", id, len(story), starts, err, story[max(0, len(story)-1):])
		}
	}
}

// What of a register's ended last is known of what is put away, too, in whatever order
// that was done.
func TestTheLastEndIsKnownOfWhatIsPutAway(t *testing.T) {
	s := openStore(t, storePath(t))
	at := time.UnixMilli(1_750_000_000_000)
	for _, seq := range []int64{3, 7, 5} {
		id := fmt.Sprintf("R%d", seq)
		p, _ := Begin(at, "lane1", testCommand(id), time.Minute)
		p = Policy{}.end(at, p, testAnswer(VerdictPaid, Pay))
		p.EndedSeq, p.Delivered = seq, p.Rev
		if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}, PutAway: []string{id}}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.LastEnded(t.Context())
	if err != nil || len(last) != 1 || last[0] != (Ended{"lane1", "R7", 7, false}) {
		t.Errorf("got %+v (%v), want R7", last, err)
	}
}
