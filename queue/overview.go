package queue

import (
	"context"
	"slices"
	"strings"
	"time"
)

// oldestShown is how many of what is open an Overview names.
const oldestShown = 5

// Overview is what is not closed, at a glance: as the worker holds it, or as a
// [View] finds it.
type Overview struct {
	Open     int // payments and refunds that are not final
	InWindow int // of Open: payments inside their window
	InDoubt  int // of Open: payments whose window is over and whose outcome is open

	Oldest     []Brief   // of Open, the oldest first, at most five
	WindowEnds time.Time // the latest end of a window that is not over; zero: none
	RefundedAt time.Time // when the newest open refund was stored; zero: none

	Undelivered map[string]int // ends that a register has not stored, by register
}

// Brief is what is open, in few words.
type Brief struct {
	ID          string
	Refund      bool
	Register    string
	State       string
	InDoubt     bool
	AmountMinor int64 // minor units
	Currency    string
	ReceivedAt  time.Time
}

// payment counts a payment's row in.
func (o *Overview) payment(p Payment) {
	if p.State.Final() {
		o.told(p.Register, p.toldOf())
		return
	}
	if p.InDoubt {
		o.InDoubt++
	} else {
		o.InWindow++
		o.WindowEnds = later(o.WindowEnds, p.Deadline)
	}
	o.open(Brief{p.ID, false, p.Register, string(p.State), p.InDoubt, p.AmountMinor, p.Currency, p.ReceivedAt})
}

// refund counts a refund's row in. A reversal is told with its payment.
func (o *Overview) refund(r Refund) {
	if r.State.Final() {
		o.told(r.Register, r.Closed())
		return
	}
	o.RefundedAt = later(o.RefundedAt, r.ReceivedAt)
	o.open(Brief{r.ID, true, r.Register, string(r.State), false, r.AmountMinor, r.Currency, r.ReceivedAt})
}

func (o *Overview) told(register string, told bool) {
	if told {
		return
	}
	if o.Undelivered == nil {
		o.Undelivered = map[string]int{}
	}
	o.Undelivered[register]++
}

// open keeps the oldest few in order, whatever the order in which they come.
func (o *Overview) open(b Brief) {
	o.Open++
	at, _ := slices.BinarySearchFunc(o.Oldest, b, func(x, y Brief) int {
		if c := x.ReceivedAt.Compare(y.ReceivedAt); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	if at < oldestShown {
		o.Oldest = slices.Insert(o.Oldest, at, b)
		o.Oldest = o.Oldest[:min(len(o.Oldest), oldestShown)]
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Watched is how the worker is, for those who watch it.
type Watched struct {
	Overview
	Writable bool  // false from a failed write until one succeeds
	UnderWay int   // calls that are not answered yet
	LastSeq  int64 // rises with every end that is learnt

	Ended         map[State]int64       // payments that ended since the start, by how
	EndedRefunds  map[RefundState]int64 // the same of refunds, reversals among them
	CommitsFailed int64                 // commits that the disk refused, since the start
}

// Watch looks at everything the worker has in hand.
func (w *Worker) Watch(ctx context.Context) (Watched, error) {
	return ask(ctx, w, func(l *loop, r reply[Watched]) { r.send(l.watched(), nil) })
}

func (l *loop) watched() Watched {
	out := Watched{
		Writable: !l.failing, UnderWay: l.underWay, LastSeq: l.lastSeq, CommitsFailed: l.ends.failed,
		Ended: map[State]int64{}, EndedRefunds: map[RefundState]int64{},
	}
	for state, n := range l.ends.payments {
		out.Ended[state] = n
	}
	for state, n := range l.ends.refunds {
		out.EndedRefunds[state] = n
	}
	for _, p := range l.payments {
		out.payment(p.row)
	}
	for _, r := range l.refunds {
		out.refund(r.row)
	}
	return out
}

// ends counts, since the start, what ended and how, and what the disk refused.
type ends struct {
	payments map[State]int64
	refunds  map[RefundState]int64
	failed   int64
}

func (e *ends) note(it item) {
	switch it := it.(type) {
	case *payment:
		if e.payments == nil {
			e.payments = map[State]int64{}
		}
		e.payments[it.row.State]++
	case *refund:
		if e.refunds == nil {
			e.refunds = map[RefundState]int64{}
		}
		e.refunds[it.row.State]++
	}
}
