package queue

import (
	"testing"
	"time"
)

// Finding out has no end: whatever the acquirer says that leaves it open, a payment in
// doubt is asked about within the hour, after any number of inquiries, and a refund is
// sent or asked about.
func TestNothingThatIsOpenIsEverGivenUp(t *testing.T) {
	policy := Policy{InquiryInterval: 3 * time.Second, QuietTime: 45 * time.Second}
	for _, verdict := range []Verdict{VerdictOpen, VerdictPending, VerdictUnknown, VerdictNotSent, VerdictInconsistent, VerdictRefused} {
		now := time.UnixMilli(1_750_000_000_000)
		p, _ := Begin(now, "lane1", testCommand("R1"), time.Minute)
		p, _ = policy.Step(now, p, Answered{To: Pay, Asked: now, Answer: testAnswer(VerdictUnknown, Pay)})
		now = p.Deadline
		for n := range 20_000 {
			next, act := policy.Step(now, p, Tick{})
			if p = next; act != Inquire {
				t.Fatalf("%s: %q after %d inquiries, want another", verdict, act, n)
			}
			p, _ = policy.Step(now, p, Answered{To: act, Asked: now, Answer: testAnswer(verdict, act), Chance: 0.5})
			if pause := p.Due.Sub(now); p.State.Final() || pause < 0 || pause > inquiryForever {
				t.Fatalf("%s: %s after %d inquiries, and asked again in %v", verdict, p.State, n, pause)
			}
			now = p.Due
		}
	}
	for _, verdict := range []Verdict{VerdictOpen, VerdictUnknown, VerdictNotSent, VerdictInconsistent, VerdictNotFound} {
		for _, named := range []string{"", "B1"} { // by the acquirer, or not
			now := time.UnixMilli(1_750_000_000_000)
			r, act := BeginRefund(now, Refund{ID: "F1", AmountMinor: 1}, true)
			for n := range 20_000 {
				if act == None {
					t.Fatalf("%s: nothing after %d calls", verdict, n)
				}
				answer := testAnswer(verdict, act)
				answer.RefundID = named
				r, _ = policy.StepRefund(now, r, Answered{To: act, Asked: now, Answer: answer, Chance: 0.5})
				if pause := r.Due.Sub(now); r.State.Final() || pause < 0 || pause > inquiryForever {
					t.Fatalf("refund, %s: %s after %d calls, and again in %v", verdict, r.State, n, pause)
				}
				now = r.Due
				r, act = policy.StepRefund(now, r, Tick{})
			}
		}
	}
}
