package device

import (
	"slices"
	"testing"
	"time"
)

func paidState(id string, rev int64) State {
	return State{Payment: &PaymentState{PaymentRequestID: id, PaymentStatus: PaymentSuccess, Final: true, Rev: rev}}
}

func openState(id string, rev int64) State {
	return State{Payment: &PaymentState{PaymentRequestID: id, PaymentStatus: PaymentProcessing, Rev: rev}}
}

func refundedState(id string, rev int64) State {
	return State{Refund: &RefundState{RefundRequestID: id, RefundStatus: RefundSuccess, Final: true, Rev: rev}}
}

// toldWithin lists when, in seconds from now, the teller gave something out.
func toldWithin(teller *teller, now time.Time, d time.Duration) []int {
	var at []int
	for due := teller.deadline(); !due.IsZero() && !due.After(now.Add(d)); due = teller.deadline() {
		if due.Before(now) {
			due = now
		}
		if _, ok := teller.next(due); ok {
			at = append(at, int(due.Sub(now)/time.Second))
		}
	}
	return at
}

func TestFinalStateIsToldAtEverLongerIntervals(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2)})
	want := []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
	if got := toldWithin(teller, start, 250*time.Second); !slices.Equal(got, want) {
		t.Errorf("told after %v s, want %v", got, want)
	}
}

func TestDeliveredStateIsToldNoMore(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2)})
	toldWithin(teller, start, 10*time.Second)
	teller.update(start.Add(10*time.Second), nil)
	if due := teller.deadline(); !due.IsZero() {
		t.Errorf("due at %v", due)
	}
}

func TestRaisedRevIsToldAtOnceAndFromTheShortestInterval(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2)})
	toldWithin(teller, start, 100*time.Second)
	later := start.Add(100 * time.Second)
	teller.update(later, []State{paidState("R1", 3)})
	if got, want := toldWithin(teller, later, 5*time.Second), []int{0, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("told after %v s, want %v", got, want)
	}
}

func TestUnchangedStateKeepsItsIntervals(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2)})
	toldWithin(teller, start, 4*time.Second)
	now := start.Add(4 * time.Second)
	teller.update(now, []State{paidState("R1", 2)})
	if got, want := toldWithin(teller, now, 5*time.Second), []int{3}; !slices.Equal(got, want) {
		t.Errorf("told after %v s, want %v", got, want)
	}
}

func TestOpenPaymentIsRepeatedEveryT5(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{openState("R1", 1)})
	if got, want := toldWithin(teller, start, 35*time.Second), []int{0, 10, 20, 30}; !slices.Equal(got, want) {
		t.Errorf("told after %v s, want %v", got, want)
	}
}

func TestOpenPaymentToldByAResponseWaitsForT5(t *testing.T) {
	for name, steps := range map[string][]func(*teller){
		"response first": {
			func(tl *teller) { tl.said(start, openState("R1", 1)) },
			func(tl *teller) { tl.update(start, nil) },
			func(tl *teller) { tl.update(start, []State{openState("R1", 1)}) },
		},
		"row first": {
			func(tl *teller) { tl.update(start, []State{openState("R1", 1)}) },
			func(tl *teller) { tl.said(start, openState("R1", 1)) },
		},
	} {
		teller := newTeller()
		for _, step := range steps {
			step(teller)
		}
		if got, want := toldWithin(teller, start, 15*time.Second), []int{10}; !slices.Equal(got, want) {
			t.Errorf("%s: told after %v s, want %v", name, got, want)
		}
		teller.update(start.Add(15*time.Second), []State{openState("R1", 2)})
		if _, ok := teller.next(start.Add(15 * time.Second)); !ok {
			t.Errorf("%s: a rev that was never told is not due at once", name)
		}
	}
}

func TestFinalStateToldByAResponseIsStillPushed(t *testing.T) {
	teller := newTeller()
	teller.said(start, paidState("R1", 2))
	teller.update(start, []State{paidState("R1", 2)})
	teller.said(start, paidState("R1", 2))
	if _, ok := teller.next(start); !ok {
		t.Error("not due: a response is not a delivery")
	}
}

// What a response said is kept for as long as it decides something: while the same
// state, or a look that is older than the response, may still come.
func TestWhatWasToldIsForgottenOnceThereIsSomethingNewer(t *testing.T) {
	teller := newTeller()
	teller.said(start, openState("R1", 2))
	for _, older := range []State{openState("R1", 1), openState("R1", 2)} {
		teller.update(start, []State{older})
		if got := teller.told[older.ID()].rev; got != 2 {
			t.Errorf("after a look at rev %d rev %d is known as told, want 2", older.rev(), got)
		}
	}
	if due, want := teller.deadline(), start.Add(timeT5); !due.Equal(want) {
		t.Errorf("due at %v, want %v", due, want)
	}
	teller.update(start, []State{paidState("R1", 3)})
	if len(teller.told) > 0 {
		t.Errorf("still kept: %v", teller.told)
	}
}

func TestInitConnectionMakesEverythingDue(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2), openState("R2", 1)})
	teller.said(start, openState("R2", 1))
	toldWithin(teller, start, 40*time.Second)
	now := start.Add(40 * time.Second)
	teller.again(now)
	if got, want := toldWithin(teller, now, 4*time.Second), []int{0, 0, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("told after %v s, want %v", got, want)
	}
}

func TestStatesAreToldInTurn(t *testing.T) {
	teller := newTeller()
	teller.update(start, []State{paidState("R1", 2), paidState("R2", 2), openState("R3", 1)})
	var got []string
	for state, ok := teller.next(start); ok; state, ok = teller.next(start) {
		got = append(got, state.ID().ID)
	}
	if want := []string{"R1", "R2", "R3"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Forty payments in doubt, all due, do not stand in the way of an outcome.
func TestAnEndIsToldBeforeTheHeartbeats(t *testing.T) {
	teller := newTeller()
	var states []State
	for i := range 40 {
		states = append(states, openState("D"+string(rune('A'+i)), 1))
	}
	teller.update(start, states)
	later := start.Add(time.Minute)
	teller.update(later, append(states, paidState("R1", 2)))
	if s, ok := teller.next(later); !ok || s.ID().ID != "R1" {
		t.Errorf("first told is %v (%v), want R1", s.ID(), ok)
	}
	if s, ok := teller.next(later); !ok || s.ID().ID == "R1" {
		t.Errorf("then told is %v (%v), want a heartbeat", s.ID(), ok)
	}
}
