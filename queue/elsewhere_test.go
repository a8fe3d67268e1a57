package queue

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"
)

// wantElsewhere sends to an acquirer, and compares what it may not know.
func wantElsewhere(t *testing.T, path, acquirer string, want ...string) {
	t.Helper()
	s := openStore(t, path)
	ids, err := s.SendTo(t.Context(), acquirer)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(ids)); !slices.Equal(got, want) {
		t.Errorf("sent to %s: %q is elsewhere, want %q", acquirer, got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// saveAll saves rows as they are.
func saveAll(t *testing.T, path string, rows ...Payment) {
	t.Helper()
	s := openStore(t, path)
	for _, p := range rows {
		if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func begun(id string) Payment {
	p, _ := Begin(time.Now(), "lane1", testCommand(id), time.Minute)
	return p
}

// Each payment is known to the acquirer it was sent to, however often that changes;
// what never left, and what has ended, is nobody's.
func TestAStoreKnowsWhatWasSentToWhom(t *testing.T) {
	path := storePath(t)
	wantElsewhere(t, path, "one")
	unsent := begun("UNSENT")
	unsent.State, unsent.OpenAttempts = Received, 0
	saveAll(t, path, begun("R1"), unsent, paidRow("PAID"))
	wantElsewhere(t, path, "one")
	wantElsewhere(t, path, "two", "R1")
	saveAll(t, path, begun("R2"))
	wantElsewhere(t, path, "two", "R1")
	wantElsewhere(t, path, "three", "R1", "R2")
	wantElsewhere(t, path, "one", "R2")
	wantElsewhere(t, path, "two", "R1")
}

func paidRow(id string) Payment {
	p := Policy{}.end(time.Now(), begun(id), testAnswer(VerdictPaid, Pay))
	p.EndedSeq = 1
	return p
}

func refundOf(id string) Refund {
	return Refund{ID: id, PaymentRequestID: "R1", PaymentID: "A1", Register: "lane1", AmountMinor: 1, Currency: "SGD"}
}

// A refund that was sent is not sent to another acquirer either.
func TestARefundBelongsToItsAcquirer(t *testing.T) {
	path := storePath(t)
	wantElsewhere(t, path, "one")
	s := openStore(t, path)
	r, _ := BeginRefund(time.Now(), refundOf("F1"), true)
	waits, _ := BeginRefund(time.Now(), refundOf("F2"), false)
	if err := s.Save(Batch{Refunds: []Change[Refund]{{New: r}, {New: waits}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantElsewhere(t, path, "two", "F1")
}

// A store of a version before knows of no acquirer: what is open counts as sent to
// the present one. A number that a bit fell out of is none.
func TestAnUnknownAcquirerIsThePresentOne(t *testing.T) {
	path := storePath(t)
	saveAll(t, path, begun("R1"))
	wantElsewhere(t, path, "one")
	s := openStore(t, path)
	if _, err := s.write.Exec("update fact set value = value | (1 << 20) | (1 << 21) where name = 'acquirer'"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantElsewhere(t, path, "one")
	wantElsewhere(t, path, "two", "R1")
}

// A salvage does not forget who was sent what.
func TestASalvageKeepsTheAcquirers(t *testing.T) {
	path := storePath(t)
	wantElsewhere(t, path, "one")
	fill(t, path, 400)
	wantElsewhere(t, path, "one")
	spoil(t, path, 40*pageBytes, []byte("damaged damaged damaged"))
	s := openStore(t, path)
	if _, salvaged := s.Salvaged(); !salvaged {
		t.Fatal("it was not salvaged")
	}
	ids, err := s.SendTo(t.Context(), "two")
	if err != nil || len(ids) < 50 {
		t.Errorf("%d payments are elsewhere (%v)", len(ids), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Where it can't be noted that the acquirer changed, all that is open may be another's.
func TestWithoutRoomAllThatIsOpenIsElsewhere(t *testing.T) {
	path := storePath(t)
	saveAll(t, path, begun("R1"), paidRow("PAID"))
	s := openStore(t, path)
	ids, err := s.sentBefore(t.Context(), acquirerMark("one"))
	if !errors.Is(err, ErrUnnoted) || len(ids) != 1 || !ids["R1"] {
		t.Errorf("%v, %v", ids, err)
	}
	if ids, err := s.sentBefore(t.Context(), 0); !errors.Is(err, ErrUnnoted) || len(ids) != 0 {
		t.Errorf("no acquirer was known: %v, %v", ids, err)
	}
}
