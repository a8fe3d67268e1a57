package queue

import (
	"time"
)

// searchWindow is the payment window in the search; everything else is seconds too.
const searchWindow = 3 * time.Second

// paymentSearch searches the life of a payment.
type paymentSearch struct {
	machine
	policy Policy
	found  *found
}

// ledgerState is what the acquirer knows of a payment or refund.
type ledgerState uint8

// The states of the ledger.
const (
	ledgerNone    ledgerState = iota
	ledgerWorking             // it arrived, and the outcome is open
	ledgerDone                // the money was taken, or given back
	ledgerNot                 // it was not, and never will be
)

// outside is everything but the row: what the machine can't see.
type outside struct {
	now     time.Duration // true time
	offset  time.Duration // of the machine's clock
	down    bool
	calling Action
	asked   time.Time // by the machine's clock
	arrived bool      // the request under way has
	seen    uint8     // in which states the ledger was since the question under way was asked
	adrift  bool      // a request was under way when the power failed
	loose   time.Duration
	ledger  ledgerState
}

// clock is the machine's time.
func (o outside) clock() time.Time { return simEpoch().Add(o.now + o.offset) }

// mayArrive reports whether a copy of a request that nobody waits for any more may
// still arrive; soon includes the one under way.
func (o outside) mayArrive() bool {
	return o.adrift || o.now < o.loose || (o.calling == Pay || o.calling == GiveBack) && !o.arrived
}

// paymentNode is a payment and its surroundings.
type paymentNode struct {
	row Payment
	outside
	aborted  bool          // the abort is on the disk
	booted   bool          // another boot since it was stored
	unnoted  bool          // and no row was saved in it
	setBack  bool          // the clock was set back since, without a boot
	deadline time.Duration // of the window, true time
}

// paymentKey is all of a node that can still matter: times count from now, and
// once they are over it does not matter for how long.
type paymentKey struct {
	state                                                    State
	next                                                     Action
	status                                                   string
	reversal                                                 RefundStatus
	inDoubt, abort, payNoMore, pending, future, person       bool
	down, arrived, adrift, aborted, booted, unnoted, setBack bool
	tries, open                                              int
	due, deadline, quiet, loose, trueDeadline                time.Duration
	calling                                                  Action
	seen                                                     uint8
	quietAsked                                               bool
	ledger                                                   ledgerState
}

func (s paymentSearch) key(n *paymentNode) paymentKey {
	now, p := n.clock(), &n.row
	k := paymentKey{
		state: p.State, next: p.Next, status: p.Result.Status, reversal: p.Reversal,
		inDoubt: p.InDoubt, abort: !p.AbortAt.IsZero(), payNoMore: p.PayNoMore, pending: p.Pending,
		future: now.Before(p.ReceivedAt), person: p.KnownFrom() == FromPerson,
		down: n.down, arrived: n.arrived, adrift: n.adrift, aborted: n.aborted, booted: n.booted, unnoted: n.unnoted, setBack: n.setBack,
		tries: min(p.tries(), 6), // from there on the pauses are the longest
		open:  min(p.OpenAttempts, 2),
		due:   left(p.Due, now), deadline: left(p.Deadline, now), quiet: left(p.QuietFrom.Add(s.policy.QuietTime), now),
		loose: max(n.loose-n.now, 0), trueDeadline: max(n.deadline-n.now, 0),
		calling: n.calling, seen: n.seen, ledger: n.ledger,
	}
	if n.calling == Inquire {
		k.quietAsked = p.quiet(n.asked, s.policy.QuietTime)
	}
	return k
}

// left is how long it is until at, in whole seconds: the search's clock has no
// others, so a part of one counts as one.
func left(at, now time.Time) time.Duration {
	if at.IsZero() || !now.Before(at) {
		return 0
	}
	return (at.Sub(now) + time.Second - 1) / time.Second
}

func (s paymentSearch) begin(lost bool) paymentNode {
	n := paymentNode{deadline: searchWindow}
	first := Begin
	if lost {
		first, n.loose = BeginAsking, s.policy.QuietTime
	}
	row, act := first(n.clock(), "lane1", testCommand("R1"), searchWindow)
	n.row = row
	return s.act(n, act)
}

// beginInDoubt is a payment whose window ended with nobody having answered: nothing is
// asked at this moment, and for a second more its attempt may arrive.
func (s paymentSearch) beginInDoubt() paymentNode {
	n := s.begin(false)
	const gaveUp = searchWindow - time.Second
	for _, e := range []struct {
		at time.Duration
		in Input
	}{
		{gaveUp, Answered{To: Pay, Answer: testAnswer(VerdictUnknown, Pay), Chance: 0.5}},
		{searchWindow, Tick{}},
		{searchWindow, Answered{To: Inquire, Answer: testAnswer(VerdictUnknown, Inquire), Chance: 0.5}},
	} {
		n.now = e.at
		if a, ok := e.in.(Answered); ok {
			a.Asked = n.clock()
			e.in = a
		}
		n.row, _ = Policy.Step(s.policy, n.clock(), n.row, e.in)
	}
	n.calling, n.loose = None, gaveUp+s.policy.QuietTime
	return n
}

// act performs an action on a row that is on the disk.
func (s paymentSearch) act(n paymentNode, act Action) paymentNode {
	if act != None {
		n.calling, n.asked, n.arrived, n.seen = act, n.clock(), false, 1<<n.ledger
	}
	return n
}

// moves are all that can happen next.
func (s paymentSearch) moves(from *paymentNode, emit func(step[paymentNode])) {
	n := *from
	n.behindItsBack(func(name string, o outside) {
		next := n
		next.outside = o
		emit(step[paymentNode]{name: name, next: next})
	})
	if n.down {
		s.restarts(n, emit)
		return
	}
	later := n
	later.now += time.Second
	s.input(later, Tick{Calling: n.calling != None}, emit)
	if !n.row.State.Final() && left(n.row.Due, n.clock()) == 0 && n.calling == None {
		s.input(n, Tick{}, emit)
	}
	if n.row.AbortAt.IsZero() {
		s.input(n, Abort{}, emit)
	}
	if n.row.Reversal == RefundPending {
		s.input(n, Reversed{RefundSuccess}, emit)
		s.input(n, Reversed{RefundFailed}, emit)
	}
	s.answers(n, emit)
	s.persons(n, emit)
	emit(step[paymentNode]{name: "the power fails", next: n.powerless()})
}

// persons: somebody looks the payment up at the acquirer, and records what they see
// there now. Of what is open there they say nothing; they are honest, and hasty.
func (s paymentSearch) persons(n paymentNode, emit func(step[paymentNode])) {
	if n.ledger == ledgerWorking {
		return
	}
	s.input(n, Resolve{Paid: n.ledger == ledgerDone, By: "Ann", Reason: "seen", Seen: n.clock(), Calling: n.calling != None}, emit)
}

func (n paymentNode) powerless() paymentNode {
	n.outside = n.outside.powerless()
	return n
}

func (o outside) powerless() outside {
	o.adrift = o.adrift || (o.calling == Pay || o.calling == GiveBack) && !o.arrived
	o.down, o.calling, o.arrived, o.seen = true, None, false, 0
	return o
}

// behindItsBack is what network and acquirer do: a request arrives, and the
// acquirer makes up its mind.
func (o outside) behindItsBack(emit func(string, outside)) {
	to := func(name string, l ledgerState) {
		next := o
		next.ledger = l
		if next.calling != None {
			next.seen |= 1 << l
		}
		if o.ledger == ledgerNone && !o.adrift && o.now >= o.loose {
			next.arrived = true // it can only have been the one under way
		}
		emit(name, next)
	}
	switch {
	case o.ledger == ledgerNone && o.mayArrive():
		to("a request arrives", ledgerWorking)
		to("a request arrives and is carried out", ledgerDone)
		to("a request arrives and is declined", ledgerNot)
	case o.ledger == ledgerWorking:
		to("it is carried out", ledgerDone)
		to("it is declined", ledgerNot)
	}
	if o.down {
		later := o
		later.now += time.Second
		emit("a second passes", later)
	}
}

// restarts are all ways in which the agent may start again.
func (s paymentSearch) restarts(n paymentNode, emit func(step[paymentNode])) {
	for _, boot := range []bool{false, true} {
		if n.unnoted && !boot {
			continue
		}
		for _, by := range clockSteps(boot) {
			up := n
			up.outside = n.restart(by, s.policy.QuietTime)
			up.booted, up.unnoted = n.booted || boot, boot
			up.setBack = n.setBack || by < 0 && !boot
			s.input(up, Restart{NewBoot: boot}, emit)
		}
	}
}

// clockSteps are what a clock may do meanwhile. After a boot the machine does not
// look at it.
func clockSteps(boot bool) []time.Duration {
	if boot {
		return []time.Duration{0}
	}
	return []time.Duration{0, -time.Second, -time.Hour, time.Hour}
}

// restart brings the agent up: what was adrift counts as given up now.
func (o outside) restart(by, quiet time.Duration) outside {
	o.offset += by
	o.down = false
	if o.adrift {
		o.adrift, o.loose = false, max(o.loose, o.now+quiet)
	}
	return o
}
