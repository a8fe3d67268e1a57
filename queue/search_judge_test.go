package queue

import (
	"fmt"
	"time"
)

// answers are all that the call under way may end with.
func (s paymentSearch) answers(n paymentNode, emit func(step[paymentNode])) {
	for _, e := range s.ends(n) {
		after := n
		after.calling, after.arrived, after.seen = None, false, 0
		if e.loose {
			after.loose = n.now + s.policy.QuietTime
		}
		in := Answered{To: n.calling, Asked: n.asked, Answer: testAnswer(e.verdict, n.calling), Chance: 0.5}
		s.input(after, in, emit)
	}
}

// callEnd is a verdict, and whether the request may still arrive after it.
type callEnd struct {
	verdict Verdict
	loose   bool
}

func (s paymentSearch) ends(n paymentNode) []callEnd {
	switch n.calling {
	case Pay:
		return s.payEnds(n)
	case Inquire:
		return n.inquiryEnds()
	}
	return nil
}

func (s paymentSearch) payEnds(n paymentNode) []callEnd {
	list := []callEnd{{VerdictUnknown, true}, {VerdictOpen, true}, {VerdictInconsistent, true}}
	if !n.arrived {
		list = append(list, callEnd{VerdictNotSent, false}, callEnd{VerdictRefused, false})
	}
	if s.policy.ConfirmAnswers { // an old answer, played back
		list = append(list, callEnd{VerdictFailed, true}, callEnd{VerdictRefused, true}, callEnd{VerdictPaid, true})
	}
	switch n.ledger {
	case ledgerDone:
		list = append(list, callEnd{VerdictPaid, false})
	case ledgerNot:
		list = append(list, callEnd{VerdictFailed, false})
	}
	return list
}

// inquiryEnds: the ledger may have been asked at any moment since the question.
func (n paymentNode) inquiryEnds() []callEnd {
	list := []callEnd{{VerdictUnknown, false}, {VerdictNotSent, false}, {VerdictOpen, false}}
	for _, said := range []struct {
		in ledgerState
		v  Verdict
	}{
		{ledgerNone, VerdictNotFound}, {ledgerWorking, VerdictPending}, {ledgerWorking, VerdictInconsistent},
		{ledgerDone, VerdictPaid}, {ledgerNot, VerdictFailed}, {ledgerNot, VerdictCancelled},
	} {
		if n.seen&(1<<said.in) > 0 {
			list = append(list, callEnd{said.v, false})
		}
	}
	return list
}

// input has the machine decide, and goes on in three ways: the power fails before
// the row is saved, after it, or not.
func (s paymentSearch) input(n paymentNode, in Input, emit func(step[paymentNode])) {
	row, act := s.step(s.policy, n.clock(), n.row, in)
	s.found.note(string(n.row.State), string(row.State), in)
	name := s.found.name(n.clock(), in, string(row.State), act)
	next := n
	next.row, next.unnoted = row, false
	if _, ok := in.(Abort); ok {
		next.aborted = true
	}
	if broken := s.judge(n, next, in, act); broken != "" {
		emit(step[paymentNode]{name: name, broken: broken})
		return
	}
	emit(step[paymentNode]{name: name, next: s.act(next, act)})
	emit(step[paymentNode]{name: name + "; but the power fails before it is saved", next: n.powerless()})
	emit(step[paymentNode]{name: name + "; but the power fails once it is saved", next: next.powerless()})
}

// judge holds one step against the promises.
func (s paymentSearch) judge(was, is paymentNode, in Input, act Action) string {
	row := is.row
	switch {
	case (row.State == Failed || row.State == Cancelled) && is.ledger != ledgerNot && (is.ledger != ledgerNone || is.mayArrive()):
		return fmt.Sprintf("P3: %s, and the ledger has or may have a charge", row.State)
	case row.State == Paid && is.ledger != ledgerDone:
		return "paid, and the ledger has no charge"
	case act == Pay:
		if broken := s.judgePay(was, is); broken != "" {
			return broken
		}
	case is.aborted && row.AbortAt.IsZero() && row.State == Paid:
		return "the abort is forgotten"
	case row.State == Paid && is.aborted && row.Reversal == "" && !s.policy.KeepLateAborts:
		return "the money was taken although it was aborted, and is not undone"
	case row.KnownFrom() == FromPerson && (row.Reversal == RefundPending || act != None):
		return "a person's word starts something"
	case s.policy.KeepLateAborts && row.Reversal != "":
		return "late aborts are kept, and this one is undone"
	}
	if broken := judgeRow(was.row, row, is.clock()); broken != "" {
		return broken
	}
	return judgeFinal(was.row, row, in)
}

// judgePay: P4, and no attempt after an abort.
func (s paymentSearch) judgePay(was, is paymentNode) string {
	switch {
	case was.calling != None:
		return "an attempt while a call is under way"
	case is.aborted:
		return "an attempt after the abort"
	case is.booted:
		return "P4: an attempt after another boot"
	case is.now >= is.deadline && !is.setBack:
		return "P4: an attempt after the window"
	case is.row.PayNoMore:
		return "an attempt after a refusal"
	case is.row.State != Sending || is.row.OpenAttempts < 1 || is.row.Attempts != was.row.Attempts+1:
		return "an attempt that the row does not speak of"
	}
	return ""
}

// judgeRow: what the store's table demands of a row, and that nothing is forgotten.
func judgeRow(was, row Payment, now time.Time) string {
	switch {
	case row.Rev < was.Rev || row.Rev > was.Rev+1 || (row.Rev > was.Rev) != (row.told() != was.told()):
		return fmt.Sprintf("the revision goes from %d to %d", was.Rev, row.Rev)
	case row.OpenAttempts < 0 || row.OpenAttempts > row.Attempts:
		return fmt.Sprintf("%d of %d attempts are open", row.OpenAttempts, row.Attempts)
	case row.State == Received && row.OpenAttempts != 0:
		return "nothing left, and attempts are open"
	case row.InDoubt && row.State != Unresolved:
		return "in doubt, and not unresolved"
	case row.Reversal != "" && (row.State != Paid || row.AbortAt.IsZero()):
		return "a reversal of what was not taken, or not aborted"
	case row.State.Final() != row.Due.IsZero() || row.State.Final() != (row.Next == None):
		return "nothing is due and it is open, or something is and it is not"
	case row.Due.Sub(now) > time.Hour+time.Minute:
		return "due in more than an hour"
	}
	return ""
}

// judgeFinal: what is final is never left.
func judgeFinal(was, row Payment, in Input) string {
	_, undone := in.(Reversed)
	if was.State.Final() && (row.State != was.State || row.Result != was.Result) {
		return "a final state is left"
	}
	if was.Reversal != "" && row.Reversal != was.Reversal && !undone {
		return "the reversal changes by itself"
	}
	return ""
}

// check: from here on the world is honest, and the payment must end, and agree
// with the ledger. Nothing that was late arrives any more.
func (s paymentSearch) check(at *paymentNode) string {
	n := *at
	if n.down || n.calling != None {
		return ""
	}
	n.adrift, n.loose = false, 0
	const enough = 80
	for range enough {
		if n.row.State.Final() {
			return s.agrees(n)
		}
		n.now += left(n.row.Due, n.clock()) * time.Second
		row, act := s.step(s.policy, n.clock(), n.row, Tick{})
		if n.row = row; act == None {
			continue
		}
		if act == Pay && n.ledger == ledgerNone {
			n.ledger = ledgerDone
		}
		if n.ledger == ledgerWorking {
			n.ledger = ledgerNot
		}
		v := [...]Verdict{ledgerNone: VerdictNotFound, ledgerDone: VerdictPaid, ledgerNot: VerdictFailed}[n.ledger]
		asked := n.clock()
		n.now += time.Second
		n.row, _ = s.step(s.policy, n.clock(), n.row, Answered{To: act, Asked: asked, Answer: testAnswer(v, act), Chance: 0.5})
	}
	return fmt.Sprintf("P8: an honest acquirer is asked %d times, and it does not end: %s", enough, n.row.State)
}

func (s paymentSearch) agrees(n paymentNode) string {
	if (n.row.State == Paid) != (n.ledger == ledgerDone) {
		return fmt.Sprintf("ends as %s, and the ledger says %d", n.row.State, n.ledger)
	}
	return ""
}
