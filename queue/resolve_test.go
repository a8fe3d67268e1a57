package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// silent is a gateway that nothing comes back from, at once or at the time-out.
type silent struct {
	*acquirer
	quick bool
}

func (s silent) Inquire(ctx context.Context, p Payment) Answer {
	s.begin(p.ID, s.inquiries)
	defer s.end()
	if !s.quick {
		<-ctx.Done()
	}
	return Answer{Verdict: VerdictUnknown, Why: "no answer"}
}

func annSaw(paid bool) Resolve {
	return Resolve{Paid: paid, By: "Ann Tan", Reason: "in the portal", Seen: time.Now()}
}

// inDoubt is an agent with R1 in doubt, its one attempt given up for good.
func inDoubt(t *testing.T, path string, bank *acquirer, change ...func(*Options)) *agent {
	t.Helper()
	bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 200)...)
	a := start(t, path, silent{bank, true}, change...)
	a.pay(t, "lane1", "R1")
	time.Sleep(5 * time.Minute) // fake
	if p := a.row(t, "R1"); !p.InDoubt {
		t.Fatalf("R1 is %s", p.State)
	}
	return a
}

// A person's word ends a payment in doubt, durably and as what it is; and from then on
// nobody is called about it, whatever happens.
func TestAPersonsWordEndsWhatIsInDoubtAndCallsNobody(t *testing.T) {
	for _, paid := range []bool{true, false} {
		bubble(t, func(t *testing.T, path string, bank *acquirer) {
			a := inDoubt(t, path, bank)
			before := bank.seen("R1")
			p, err := a.Resolve(context.Background(), "R1", annSaw(paid))
			want := map[bool]State{true: Paid, false: Failed}[paid]
			if err != nil || p.State != want || p.KnownFrom() != FromPerson || p.Result.Message != "Ann Tan: in the portal" {
				t.Fatalf("got %s %+v, %v", p.State, p.Result, err)
			}
			if at, err := a.Deliver(context.Background(), "R1", p.Rev); err != nil || at.State != want {
				t.Errorf("the register is told %s, %v", at.State, err)
			}
			time.Sleep(3 * time.Hour) // fake
			a.stop(t)
			a = start(t, path, silent{bank, true})
			defer a.stop(t)
			time.Sleep(3 * time.Hour)
			if got := a.row(t, "R1"); got.State != want || got.KnownFrom() != FromPerson {
				t.Errorf("after a restart it is %s %+v", got.State, got.Result)
			}
			if got := bank.seen("R1"); got != before {
				t.Errorf("the acquirer was called: %+v, before %+v", got, before)
			}
			story, err := a.store.Story(context.Background(), "R1")
			told := slices.ContainsFunc(story, func(e Event) bool {
				return e.Kind == EventResolved && strings.Contains(e.Text, string(want)+": Ann Tan: in the portal: seen 2")
			})
			if err != nil || !told || slices.ContainsFunc(story, func(e Event) bool { return e.Kind == EventOutcome }) {
				t.Errorf("the story: %v, %v", story, err)
			}
		})
	}
}

// The money of a payment that was called off and that a person calls paid is not given
// back by the agent, and the register hears that.
func TestAPersonsWordStartsNoRefund(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := inDoubt(t, path, bank)
		if _, err := a.Abort(context.Background(), "lane1", "R1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p, err := a.Resolve(context.Background(), "R1", annSaw(true))
		if err != nil || p.Reversal != RefundFailed {
			t.Fatalf("reversal %q, %v", p.Reversal, err)
		}
		time.Sleep(time.Hour) // fake
		a.stop(t)
		a = start(t, path, silent{bank, true})
		defer a.stop(t)
		time.Sleep(time.Hour)
		if list, err := a.store.RefundsOf(context.Background(), "R1"); err != nil || len(list) > 0 {
			t.Errorf("refunds: %v, %v", list, err)
		}
	})
}

// What a person says is not taken where the agent or time may still know better.
func TestAPersonsWordIsNotTakenWhereMoreMayCome(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 200)...)
		a := start(t, path, silent{acquirer: bank})
		defer a.stop(t)
		refused := func(in Resolve, want error) {
			t.Helper()
			if _, err := a.Resolve(context.Background(), "R1", in); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		refused(annSaw(true), ErrNotFound)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		refused(annSaw(true), ErrNotInDoubt)
		time.Sleep(136 * time.Second) // fake: the attempt under way at the window's end is given up by then
		for !a.mayBeAsked(t) {
			time.Sleep(100 * time.Millisecond)
		}
		refused(annSaw(true), ErrAsking)
		for a.mayBeAsked(t) {
			time.Sleep(100 * time.Millisecond)
		}
		var soon *TooSoonError
		if _, err := a.Resolve(context.Background(), "R1", annSaw(false)); !errors.As(err, &soon) {
			t.Fatalf("got %v, want a TooSoonError", err)
		}
		for _, in := range []Resolve{{Reason: "x"}, {By: "Ann"}, {By: "Ann", Reason: "two\nlines"}, {By: "Ann", Reason: "x", Seen: time.Now().Add(time.Hour)}} {
			var wrong *CommandError
			if _, err := a.Resolve(context.Background(), "R1", in); !errors.As(err, &wrong) {
				t.Errorf("%+v: got %v, want a CommandError", in, err)
			}
		}
		time.Sleep(time.Until(soon.Until))
		for a.mayBeAsked(t) {
			time.Sleep(100 * time.Millisecond)
		}
		if p, err := a.Resolve(context.Background(), "R1", annSaw(false)); err != nil || p.State != Failed {
			t.Fatalf("got %s, %v", p.State, err)
		}
		refused(annSaw(true), ErrFinal)
	})
}

// mayBeAsked reports whether R1 is being asked about at this moment.
func (a *agent) mayBeAsked(t *testing.T) bool {
	t.Helper()
	synctest.Wait()
	calling, err := ask(context.Background(), a.Worker, func(l *loop, r reply[bool]) { r.send(l.payments["R1"].calling != None, nil) })
	must(t, err)
	return calling
}

// Without an agent the store itself takes the word, under the same rules, and one
// more: an attempt that was under way when the power failed is in no row.
func TestAStoreTakesAPersonsWordWhereNoAgentRuns(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := inDoubt(t, path, bank)
		a.stop(t)
		s, err := Open(path)
		must(t, err)
		defer s.Close()
		o := testOptions(s, bank)
		row, err := s.Payment(context.Background(), "R1")
		must(t, err)
		early := annSaw(false)
		early.Seen = row.Deadline.Add(o.PayTimeout + o.Policy.QuietTime - time.Second)
		var soon *TooSoonError
		if _, err := s.Resolve(context.Background(), o.Policy, o.PayTimeout, "R1", early); !errors.As(err, &soon) {
			t.Errorf("got %v, want a TooSoonError", err)
		}
		if now, err := s.Payment(context.Background(), "R1"); err != nil || now != row {
			t.Errorf("refused, and the row is changed: %+v", now)
		}
		p, err := s.Resolve(context.Background(), o.Policy, o.PayTimeout, "R1", annSaw(false))
		if err != nil || p.State != Failed || p.EndedSeq != 1 {
			t.Fatalf("got %s, seq %d, %v", p.State, p.EndedSeq, err)
		}
		if stored, err := s.Payment(context.Background(), "R1"); err != nil || stored.State != Failed || stored.Rev != row.Rev+1 {
			t.Errorf("stored: %+v, %v", stored, err)
		}
	})
}

// An acquirer that uses a code of the agent's own is not taken for a person.
func TestNoAnswerIsTakenForAPersonsWord(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, answering{bank})
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		if p, _ := a.until(t, "R1", Paid, time.Second); p.KnownFrom() != FromAcquirer || p.Result.Code != "ACQUIRER_AGENT_RESOLVED" {
			t.Errorf("got %+v, from %s", p.Result, p.KnownFrom())
		}
	})
}

type answering struct{ *acquirer }

func (a answering) Pay(p Payment) Call {
	call := a.acquirer.Pay(p)
	return func(ctx context.Context) Answer {
		answer := call(ctx)
		answer.Result.Code = codeResolved
		return answer
	}
}
