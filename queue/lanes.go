package queue

import "time"

// lanes finds the payments in the loop's hands by their register: with ten thousand
// in doubt after an outage no register waits for a look at those of the others.
type lanes struct {
	of map[string]map[string]*payment // by register and ID

	// window has every payment that may be inside its window, and some that were: few
	// at any time, while what is in doubt may be many.
	window map[string]*payment
}

func newLanes() lanes {
	return lanes{of: map[string]map[string]*payment{}, window: map[string]*payment{}}
}

func (l *lanes) enter(p *payment) {
	register := p.row.Register
	if l.of[register] == nil {
		l.of[register] = map[string]*payment{}
	}
	l.of[register][p.row.ID] = p
	if !pastWindow(p.row) {
		l.window[p.row.ID] = p
	}
}

// leave takes a payment out from under the register that it was entered under.
func (l *lanes) leave(p *payment, register string) {
	delete(l.of[register], p.row.ID)
	if len(l.of[register]) == 0 {
		delete(l.of, register)
	}
	delete(l.window, p.row.ID)
}

// inWindow calls fn with every payment of a register that is inside its window.
func (l *lanes) inWindow(register string, now time.Time, fn func(p *payment)) {
	for id, p := range l.window {
		switch {
		case pastWindow(p.row):
			delete(l.window, id)
		case p.row.Register == register && now.Before(p.row.Deadline):
			fn(p)
		}
	}
}

// pastWindow reports whether a payment is past its window for good, whatever a clock
// that was set back makes of its deadline.
func pastWindow(row Payment) bool { return row.State.Final() || row.InDoubt }
