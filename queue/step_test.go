package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var verdicts = []Verdict{
	VerdictPaid, VerdictFailed, VerdictCancelled, VerdictOpen, VerdictPending, VerdictRefused,
	VerdictInconsistent, VerdictNotFound, VerdictUnknown, VerdictNotSent,
}

// history is what happened to a payment, kept beside the machine and judged by
// rules that don't use it.
type history struct {
	now, lastUncertain time.Time // when an attempt that may have left was last given up
	calling            Action
	began              time.Time
	mayHaveLeft        bool
	uncertain          int // attempts that may still take effect
}

// TestNoHistoryBreaksAPromise plays random histories and holds every step against
// P3 (not paid is said only when known), P4 (no attempt after the window) and the
// finality of what was said.
func TestNoHistoryBreaksAPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			InquiryInterval: 3 * time.Second,
			QuietTime:       time.Duration(rapid.IntRange(1, 60).Draw(t, "quiet")) * time.Second,
			AskAfterTimeout: rapid.Bool().Draw(t, "ask"),
		}
		h := history{now: time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC), mayHaveLeft: true, uncertain: 1}
		row, act := Begin(h.now, "lane1", testCommand("R1"), time.Duration(rapid.IntRange(1, 60).Draw(t, "window"))*time.Second)
		h.perform(t, row, act)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			was := row
			in := h.next(t)
			row, act = p.Step(h.now, row, in)
			h.judge(t, p, was, row, in, act)
			h.perform(t, row, act)
		}
	})
}

// next draws what happens: time passes, the call under way ends, or the plug is
// pulled.
func (h *history) next(t *rapid.T) Input {
	h.now = h.now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
	switch {
	case rapid.IntRange(0, 9).Draw(t, "plug") == 0:
		h.calling = None
		if h.uncertain > 0 {
			h.lastUncertain = h.now
		}
		return Restart{}
	case rapid.IntRange(0, 19).Draw(t, "wish") == 0:
		return Abort{}
	case h.calling != None && rapid.Bool().Draw(t, "ends"):
		in := Answered{To: h.calling, Asked: h.began, Chance: rapid.Float64Range(0, 0.999).Draw(t, "chance"),
			Answer: testAnswer(rapid.SampledFrom(verdicts).Draw(t, "verdict"), h.calling)}
		h.calling = None
		if in.To == Pay {
			h.payEnded(in.Answer.Verdict)
		}
		return in
	}
	return Tick{Calling: h.calling != None}
}

func (h *history) payEnded(v Verdict) {
	if v == VerdictNotSent || v == VerdictRefused {
		h.uncertain--
		return
	}
	h.lastUncertain = h.now
}

func (h *history) perform(t *rapid.T, row Payment, act Action) {
	if act == None {
		return
	}
	if h.calling != None {
		t.Fatalf("%s begun while %s is under way", act, h.calling)
	}
	h.calling, h.began = act, h.now
	if act == Pay && row.Attempts > 1 {
		h.uncertain++
	}
}

func (h *history) judge(t *rapid.T, p Policy, was, row Payment, in Input, act Action) {
	if was.State.Final() && (row.State != was.State || row.Result != was.Result || act != None) {
		t.Fatalf("a final row changed: %+v to %+v, %s", was, row, act)
	}
	if row.State == Paid && !row.AbortAt.IsZero() && row.Reversal == "" {
		t.Fatalf("an aborted payment was taken and is not undone: %+v", row)
	}
	if act == Pay && !row.AbortAt.IsZero() {
		t.Fatalf("an attempt after an abort: %+v", row)
	}
	if act == Pay && !h.now.Before(was.Deadline) {
		t.Fatalf("P4: an attempt at %v, the window ended %v", h.now, was.Deadline)
	}
	if row.Rev < was.Rev || row.Rev > was.Rev+1 {
		t.Fatalf("rev went from %d to %d", was.Rev, row.Rev)
	}
	if !row.State.Final() && act == None && h.calling == None && row.Due.IsZero() {
		t.Fatalf("nothing is due and nothing is under way: the payment is forgotten: %+v", row)
	}
	if row.State != was.State && (row.State == Failed || row.State == Cancelled) && !h.knownUnpaid(p, in) {
		t.Fatalf("P3: %s is said without being known, after %+v (uncertain attempts: %d)", row.State, in, h.uncertain)
	}
}

// knownUnpaid are the only three ways to know that no money was taken.
func (h *history) knownUnpaid(p Policy, in Input) bool {
	a, ok := in.(Answered)
	if ok && slices.Contains([]Verdict{VerdictFailed, VerdictCancelled}, a.Answer.Verdict) {
		return true
	}
	if h.uncertain == 0 && (!ok || a.To == Pay) { // also after an abort
		return true // provably nothing left
	}
	quiet := h.uncertain == 0 || !a.Asked.Before(h.lastUncertain.Add(p.QuietTime))
	return ok && a.To == Inquire && a.Answer.Verdict == VerdictNotFound && quiet
}

func TestTheLastWordIsAboutThePayment(t *testing.T) {
	open := Payment{Result: Result{"U", "PAYMENT_IN_PROGRESS", ""}}
	refused := Payment{PayNoMore: true, Result: Result{"F", "RISK_REJECT", ""}}
	question := Result{"S", "SUCCESS", ""}
	unknownOrder := Result{"F", "DPOS_PAYMENT_ORDER_NOT_EXIST", ""}
	for _, c := range []struct {
		name string
		row  Payment
		a    Answer
		want Result
	}{
		{"paid takes the answer's", open, Answer{Verdict: VerdictPaid, Result: question}, question},
		{"not paid: an inquiry's S is not said", open, Answer{Verdict: VerdictFailed, Result: question}, Result{}},
		{"not paid: a refusal stays", refused, Answer{Verdict: VerdictFailed, Result: unknownOrder}, refused.Result},
		{"not paid: an F is said", open, Answer{Verdict: VerdictFailed, Result: unknownOrder}, unknownOrder},
	} {
		if got := lastWord(c.row, c.a); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReceiptsCannotBePrinted(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		got := sprintf(format, struct{ R Receipt }{"PAN 4111"})
		if containsAny(got, "4111", "34313131") {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func sprintf(format string, v any) string { return fmt.Sprintf(format, v) }

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
