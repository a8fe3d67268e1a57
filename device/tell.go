package device

import "time"

// teller decides when the register is told of its payments and refunds unasked.
// It is pure: it is given what there is to tell, says what is due at a time, and
// takes for told what it gave out.
//
// A final state is due at once and then after 1, 2, 4 … 60 s until it is no
// longer among what there is to tell (register-link §4 rule 9). A state that is
// not final is due at once where its rev was never told, and every T5 after
// that (register-link §2, T5).
type teller struct {
	tellings []*telling // in the engine's order
	told     map[StateID]told
}

type telling struct {
	state State
	due   time.Time
	wait  time.Duration // after the next time a final state is told
}

// told is the rev a register was given in a response, and when. It saves the
// response about something open from being followed by the same state.
type told struct {
	rev int64
	at  time.Time
}

func newTeller() *teller { return &teller{told: map[StateID]told{}} }

// update takes what there is to tell at now in place of what there was.
func (t *teller) update(now time.Time, states []State) {
	before := make(map[StateID]*telling, len(t.tellings))
	for _, old := range t.tellings {
		before[old.state.ID()] = old
	}
	t.tellings = t.tellings[:0:0]
	for _, s := range states {
		if t.told[s.ID()].rev < s.rev() {
			delete(t.told, s.ID()) // it decides nothing any more
		}
		next := before[s.ID()]
		if next == nil || next.state.rev() != s.rev() {
			next = t.begin(now, s)
		}
		t.tellings = append(t.tellings, next)
	}
	t.forget(now)
}

// forget drops what was told longer than T5 ago, which decides nothing either.
func (t *teller) forget(now time.Time) {
	for id, was := range t.told {
		if now.Sub(was.at) >= timeT5 {
			delete(t.told, id)
		}
	}
}

func (t *teller) begin(now time.Time, s State) *telling {
	n := &telling{state: s, due: now, wait: firstTellInterval}
	if was := t.told[s.ID()]; !s.final() && was.rev == s.rev() {
		n.due = was.at.Add(timeT5)
	}
	return n
}

// said notes a state that a response gave at now.
func (t *teller) said(now time.Time, s State) {
	if s.final() {
		return // rule 9: pushed until delivered, however often it was asked for
	}
	t.told[s.ID()] = told{rev: s.rev(), at: now}
	for _, n := range t.tellings {
		if n.state.ID() == s.ID() && n.state.rev() == s.rev() {
			n.due = now.Add(timeT5)
		}
	}
}

// again makes everything due at now, with the intervals from their start: after
// an initConnection and after the port was opened anew.
func (t *teller) again(now time.Time) {
	t.told = map[StateID]told{}
	for _, n := range t.tellings {
		n.due, n.wait = now, firstTellInterval
	}
}

// next gives out a state that is due at now, if there is one: an end before the
// heartbeats of what is still open, and else the one that has been due the longest.
// The caller sends it.
func (t *teller) next(now time.Time) (State, bool) {
	ended := func(n *telling) bool { return n.state.final() && !now.Before(n.due) }
	first := t.first(ended)
	if first == nil {
		first = t.first(func(n *telling) bool { return !now.Before(n.due) })
	}
	if first == nil {
		return State{}, false
	}
	first.due = now.Add(timeT5)
	if first.state.final() {
		first.due = now.Add(first.wait)
		first.wait = min(2*first.wait, lastTellInterval)
	}
	return first.state, true
}

// deadline is when next has something to give, or zero.
func (t *teller) deadline() time.Time {
	if first := t.first(func(*telling) bool { return true }); first != nil {
		return first.due
	}
	return time.Time{}
}

// first is the one of those that fit that has been due the longest.
func (t *teller) first(fits func(*telling) bool) *telling {
	var first *telling
	for _, n := range t.tellings {
		if fits(n) && (first == nil || n.due.Before(first.due)) {
			first = n
		}
	}
	return first
}
