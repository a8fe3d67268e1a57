package queue

import (
	"fmt"
	"time"
)

// refundSearch searches the life of a refund.
type refundSearch struct {
	machine
	policy Policy
	found  *found
}

// refundNode is a refund and its surroundings.
type refundNode struct {
	row Refund
	outside
}

// refundKey is all of a node that can still matter.
type refundKey struct {
	state                 RefundState
	next                  Action
	status, id            string
	down, arrived, adrift bool
	tries, open           int
	due, quiet, loose     time.Duration
	calling               Action
	seen                  uint8
	quietAsked            bool
	ledger                ledgerState
}

func (s refundSearch) key(n *refundNode) refundKey {
	now, r := n.clock(), &n.row
	return refundKey{
		state: r.State, next: r.Next, status: r.Result.Status, id: r.RefundID,
		down: n.down, arrived: n.arrived, adrift: n.adrift,
		tries: min(r.tries(), 6), open: min(r.OpenAttempts, 2),
		due: left(r.Due, now), quiet: left(r.QuietFrom.Add(s.policy.QuietTime), now), loose: max(n.loose-n.now, 0),
		calling: n.calling, seen: n.seen, ledger: n.ledger,
		quietAsked: n.calling == GiveBack && !n.asked.Before(r.QuietFrom.Add(s.policy.QuietTime)),
	}
}

func (s refundSearch) begin(turn bool) refundNode {
	var n refundNode
	row, act := BeginRefund(n.clock(), Refund{ID: "F1", PaymentRequestID: "R1", AmountMinor: 1050, Currency: "SGD"}, turn)
	n.row = row
	return s.act(n, act)
}

func (s refundSearch) act(n refundNode, act Action) refundNode {
	if act != None {
		n.calling, n.asked, n.arrived, n.seen = act, n.clock(), false, 1<<n.ledger
	}
	return n
}

func (s refundSearch) moves(from *refundNode, emit func(step[refundNode])) {
	n := *from
	n.behindItsBack(func(name string, o outside) {
		emit(step[refundNode]{name: name, next: refundNode{n.row, o}})
	})
	if n.down {
		for _, by := range []time.Duration{0, -time.Hour, time.Hour} {
			s.input(refundNode{n.row, n.restart(by, s.policy.QuietTime)}, Restart{}, emit)
		}
		return
	}
	later := n
	later.now += time.Second
	s.input(later, Tick{Calling: n.calling != None}, emit)
	if !n.row.State.Final() && left(n.row.Due, n.clock()) == 0 && n.calling == None {
		s.input(n, Tick{}, emit)
	}
	if n.row.State == RefundWaiting {
		s.input(n, Turn{}, emit)
	}
	s.answers(n, emit)
	emit(step[refundNode]{name: "the power fails", next: refundNode{n.row, n.powerless()}})
}

// refundEnd is how a call may end, and whether the request may still arrive.
type refundEnd struct {
	answer Answer
	loose  bool
}

func (s refundSearch) answers(n refundNode, emit func(step[refundNode])) {
	for _, e := range n.ends() {
		after := n
		after.calling, after.arrived, after.seen = None, false, 0
		if e.loose {
			after.loose = n.now + s.policy.QuietTime
		}
		s.input(after, Answered{To: n.calling, Asked: n.asked, Answer: e.answer, Chance: 0.5}, emit)
	}
}

func (n refundNode) ends() []refundEnd {
	to := n.calling
	end := func(v Verdict, loose bool) refundEnd { return refundEnd{testAnswer(v, to), loose} }
	switch to {
	case GiveBack:
		return n.giveBackEnds(end)
	case InquireRefund:
		list := []refundEnd{end(VerdictUnknown, false), end(VerdictNotSent, false), end(VerdictOpen, false), end(VerdictNotFound, false)}
		if n.seen&(1<<ledgerDone) > 0 {
			list = append(list, end(VerdictRefunded, false))
		}
		if n.seen&(1<<ledgerNot) > 0 {
			list = append(list, end(VerdictFailed, false))
		}
		return list
	}
	return nil
}

func (n refundNode) giveBackEnds(end func(Verdict, bool) refundEnd) []refundEnd {
	nameless := end(VerdictOpen, true)
	nameless.answer.RefundID = ""
	list := []refundEnd{end(VerdictUnknown, true), nameless}
	if !n.arrived {
		list = append(list, end(VerdictNotSent, false))
	}
	switch n.ledger {
	case ledgerNone: // refused at the door
		list = append(list, end(VerdictRefused, false))
	case ledgerWorking:
		list = append(list, end(VerdictOpen, true))
	case ledgerDone:
		list = append(list, end(VerdictRefunded, false))
	case ledgerNot:
		list = append(list, end(VerdictRefused, false))
	}
	return list
}

func (s refundSearch) input(n refundNode, in Input, emit func(step[refundNode])) {
	row, act := s.refund(s.policy, n.clock(), n.row, in)
	s.found.note("refund "+string(n.row.State), "refund "+string(row.State), in)
	name := s.found.name(n.clock(), in, string(row.State), act)
	next := refundNode{row, n.outside}
	if broken := s.judge(n, next, act); broken != "" {
		emit(step[refundNode]{name: name, broken: broken})
		return
	}
	emit(step[refundNode]{name: name, next: s.act(next, act)})
	emit(step[refundNode]{name: name + "; but the power fails before it is saved", next: refundNode{n.row, n.powerless()}})
	emit(step[refundNode]{name: name + "; but the power fails once it is saved", next: refundNode{row, n.powerless()}})
}

func (s refundSearch) judge(was, is refundNode, act Action) string {
	row := is.row
	switch {
	case row.State == RefundRefused && is.ledger != ledgerNot && (is.ledger != ledgerNone || is.mayArrive()):
		return "a refund is told as refused, and was or may be given"
	case row.State == Refunded && is.ledger != ledgerDone:
		return "a refund is told as given, and was not"
	case act != None && was.calling != None:
		return "two calls at once"
	case was.row.State.Final() && row != was.row:
		return "a final state is left"
	case row.Rev < was.row.Rev || row.Rev > was.row.Rev+1 || (row.Rev > was.row.Rev) != (row.told() != was.row.told()):
		return fmt.Sprintf("the revision goes from %d to %d", was.row.Rev, row.Rev)
	case row.OpenAttempts < 0 || row.OpenAttempts > row.Attempts:
		return fmt.Sprintf("%d of %d attempts are open", row.OpenAttempts, row.Attempts)
	case !row.State.Final() && row.State != RefundWaiting && row.Due.IsZero():
		return "nothing is due, and it is open"
	}
	return ""
}

// check: from here on the world is honest, and the refund must end, and agree
// with the ledger.
func (s refundSearch) check(at *refundNode) string {
	n := *at
	if n.down || n.calling != None {
		return ""
	}
	n.adrift, n.loose = false, 0
	const enough = 80
	for range enough {
		if n.row.State.Final() {
			break
		}
		n.now += left(n.row.Due, n.clock()) * time.Second
		in := Input(Tick{})
		if n.row.State == RefundWaiting {
			in = Turn{}
		}
		row, act := s.refund(s.policy, n.clock(), n.row, in)
		if n.row = row; act == None {
			continue
		}
		if n.ledger == ledgerNone && act == GiveBack || n.ledger == ledgerWorking {
			n.ledger = ledgerDone
		}
		asked := n.clock()
		n.now += time.Second
		n.row, _ = s.refund(s.policy, n.clock(), n.row, Answered{To: act, Asked: asked, Answer: n.honest(act), Chance: 0.5})
	}
	if !n.row.State.Final() || (n.row.State == Refunded) != (n.ledger == ledgerDone) {
		return fmt.Sprintf("in an honest world it ends as %s, and the ledger says %d", n.row.State, n.ledger)
	}
	return ""
}

func (n refundNode) honest(act Action) Answer {
	v := [...]Verdict{ledgerNone: VerdictNotFound, ledgerDone: VerdictRefunded, ledgerNot: VerdictFailed}[n.ledger]
	if act == GiveBack && v == VerdictFailed {
		v = VerdictRefused
	}
	return testAnswer(v, act)
}
