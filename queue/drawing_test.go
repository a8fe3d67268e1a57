package queue

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"
)

// drawingDepth is deep enough for every change of state to be met.
const drawingDepth = 4

// TestTheDrawingIsTheMachine compares the arrows of the package comment with the
// changes of state that the search meets: none is missing, and none is made up.
func TestTheDrawingIsTheMachine(t *testing.T) {
	drawn := arrows(t)
	f := searchAll(rightMachine(), drawingDepth)
	for c := range f.changes {
		if !drawn[c] {
			t.Errorf("%s → %s happens, and is not in the package comment", c.was, c.is)
		}
	}
	for c := range drawn {
		if !strings.HasSuffix(c.was, "begin") && !f.changes[c] {
			t.Errorf("%s → %s is in the package comment, and does not happen", c.was, c.is)
		}
	}
	if len(drawn) < 20 {
		t.Errorf("only %d arrows are drawn: %v", len(drawn), drawn)
	}
}

// arrows reads the lines "was → is, is   why" of the package comment.
func arrows(t *testing.T) map[change]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	list := map[change]bool{}
	for line := range strings.Lines(file.Doc.Text()) {
		was, rest, ok := strings.Cut(line, "→")
		if !ok {
			continue
		}
		targets, _, _ := strings.Cut(strings.TrimSpace(rest), "  ") // then why
		for _, is := range strings.Split(targets, ",") {
			list[refundsToo(change{strings.TrimSpace(was), strings.TrimSpace(is)})] = true
		}
	}
	return list
}

// refundsToo: "refund sending → asking" stays within refunds.
func refundsToo(c change) change {
	if strings.HasPrefix(c.was, "refund ") {
		c.is = "refund " + c.is
	}
	return c
}

// TestEveryStateMeetsEveryInput gives every input to rows in every state, as the
// search meets them, also inputs that no worker would give it there. Whatever
// comes, a final state is never left, no attempt begins after the window, after an
// abort or after a refusal, and the revision tells whether something changed.
func TestEveryStateMeetsEveryInput(t *testing.T) {
	met := map[pair]bool{}
	rows := rowsOfEveryState()
	for _, p := range searchPolicies() {
		for _, row := range rows {
			for _, after := range []time.Duration{0, time.Second, time.Hour} {
				now := simEpoch().Add(after)
				for _, in := range everyInput(now) {
					met[pair{string(row.State), kindOf(in)}] = true
					next, act := p.Step(now, row, in)
					judgeAnything(t, row, next, now, in, act)
				}
			}
		}
	}
	states := []State{Received, Sending, Unresolved, Paid, Failed, Cancelled}
	for _, state := range states {
		for _, in := range everyInput(time.Time{}) {
			if !met[pair{string(state), kindOf(in)}] {
				t.Errorf("%s never met %+v", state, kindOf(in))
			}
		}
	}
	t.Logf("%d rows, %d pairs of state and input", len(rows), len(met))
}

// TestEveryStateOfARefundMeetsEveryInput is the same for a refund.
func TestEveryStateOfARefundMeetsEveryInput(t *testing.T) {
	p, now := searchPolicies()[0], simEpoch()
	for _, row := range refundsOfEveryState() {
		for _, in := range everyInput(now) {
			next, act := p.StepRefund(now, row, in)
			changed := next.told() != row.told()
			switch {
			case changed != (next.Rev == row.Rev+1) || !changed && next.Rev != row.Rev:
				t.Errorf("%+v by %+v: rev goes from %d to %d", row, in, row.Rev, next.Rev)
			case row.State.Final() && (next != row || act != None):
				t.Errorf("%+v by %+v: a final state is left: %+v %s", row, in, next, act)
			case act == GiveBack && next.Attempts != row.Attempts+1:
				t.Errorf("%+v by %+v: an attempt that is not counted", row, in)
			case next.AmountMinor != row.AmountMinor || next.ID != row.ID || next.PaymentID != row.PaymentID:
				t.Errorf("%+v by %+v: the content changes", row, in)
			case act != None && next.State == RefundWaiting:
				t.Errorf("%+v by %+v: %s, and it is not its turn", row, in, act)
			}
		}
	}
}

func refundsOfEveryState() []Refund {
	row := Refund{ID: "F1", PaymentRequestID: "R1", AmountMinor: 1050, Currency: "SGD"}
	waiting, _ := BeginRefund(simEpoch(), row, false)
	sending, _ := BeginRefund(simEpoch(), row, true)
	p := searchPolicies()[0]
	asked := Answered{To: GiveBack, Asked: simEpoch(), Answer: testAnswer(VerdictOpen, GiveBack)}
	asking, _ := p.StepRefund(simEpoch(), sending, asked)
	list := []Refund{waiting, sending, asking}
	for _, v := range []Verdict{VerdictRefunded, VerdictFailed} {
		over, _ := p.StepRefund(simEpoch(), asking, Answered{To: InquireRefund, Answer: testAnswer(v, InquireRefund)})
		list = append(list, over)
	}
	return list
}

// rowsOfEveryState are rows that the search meets, some of every shape.
func rowsOfEveryState() []Payment {
	var rows []Payment
	seen := map[paymentKey]bool{}
	s := paymentSearch{machine: rightMachine(), policy: searchPolicies()[0],
		found: &found{changes: map[change]bool{}, pairs: map[pair]bool{}}}
	collect := collector{paymentSearch: s, each: func(n *paymentNode) {
		k := s.key(&paymentNode{row: n.row, outside: outside{now: n.now}})
		if !seen[k] && !n.down {
			seen[k] = true
			rows = append(rows, n.row)
		}
	}}
	explore(collect, s.begin(false), 4, s.found)
	explore(collect, s.beginInDoubt(), 3, s.found)
	return rows
}

// collector is a search that shows every state it comes to.
type collector struct {
	paymentSearch
	each func(*paymentNode)
}

func (c collector) check(n *paymentNode) string {
	c.each(n)
	return ""
}

// everyInput is one of each input there is.
func everyInput(now time.Time) []Input {
	list := []Input{
		Tick{}, Tick{Calling: true}, Restart{}, Restart{NewBoot: true}, Abort{}, Turn{},
		Resolve{Paid: true, By: "Ann", Reason: "seen", Seen: now}, Resolve{By: "Ann", Reason: "seen", Seen: now},
		Reversed{RefundPending}, Reversed{RefundSuccess}, Reversed{RefundFailed},
	}
	for _, to := range []Action{Pay, Inquire, GiveBack, InquireRefund} {
		for _, v := range append(slices.Clone(verdicts), VerdictRefunded) {
			list = append(list, Answered{To: to, Asked: now, Answer: testAnswer(v, to), Chance: 0.5})
		}
	}
	return list
}

// judgeAnything holds what must be true whatever was put in.
func judgeAnything(t *testing.T, was, is Payment, now time.Time, in Input, act Action) {
	t.Helper()
	changed := is.told() != was.told()
	switch {
	case changed && is.Rev != was.Rev+1 || !changed && is.Rev != was.Rev:
		t.Errorf("%+v by %+v: rev goes from %d to %d, changed: %v", was, in, was.Rev, is.Rev, changed)
	case was.State.Final() && (is.State != was.State || is.Result != was.Result || act != None):
		t.Errorf("%+v by %+v: a final state is left: %+v %s", was, in, is, act)
	case act == Pay && (!now.Before(was.Deadline) || !was.AbortAt.IsZero() || was.PayNoMore):
		t.Errorf("%+v by %+v: an attempt that may not be", was, in)
	case act == Pay && is.Attempts != was.Attempts+1:
		t.Errorf("%+v by %+v: an attempt that is not counted", was, in)
	case !is.State.Final() && (is.Due.IsZero() || is.Next == None):
		t.Errorf("%+v by %+v: nothing is due: %+v", was, in, is)
	case is.Command != was.Command || is.ReceivedAt != was.ReceivedAt || is.Register != was.Register:
		t.Errorf("%+v by %+v: the command changes", was, in)
	}
}
