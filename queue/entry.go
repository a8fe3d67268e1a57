package queue

import (
	"context"
	"log/slog"
	"time"
)

// entry is what the loop keeps of a payment or refund beside its row.
type entry struct {
	act     Action        // to be performed once the row is saved
	calling Action        // under way
	ready   *readied      // the request of act, while the row is being saved; nil: there is none
	asked   []func(error) // who is told, of success or refusal, once the row is saved
	news    []string      // for the log, once the row is saved and nobody waits for it
	journal []Event       // what happened since the last save
	toldRev int64         // the end was told in that rev, and the journal knows
	inDoubt bool          // the call under way counts among inDoubtAtOnce
	touched bool          // in loop.touched
	dropped bool          // let go of: closed, or not stored
	again   time.Time     // what follows from it could not be begun: not before; zero: it could
	resume  time.Time     // read from the store then, and yet to be taken up in its turn; zero: it was
	wake    time.Time     // in the agenda under it
	index   int           // in the agenda; -1: not there
}

func (e *entry) base() *entry { return e }

// tell tells who asked that the row is saved, or why not.
func (e *entry) tell(err error) {
	for _, tell := range e.asked {
		tell(err)
	}
	e.asked = nil
}

// note keeps a word for the log until the row is saved: to write it takes time that
// somebody waits for, and before it would say too much.
func (e *entry) note(word string) { e.news = append(e.news, word) }

// held is a row as the machine left it, and as it is on the disk.
type held[R comparable] struct{ row, saved R }

func (h *held[R]) unsaved() bool { return h.row != h.saved }
func (h *held[R]) commit()       { h.saved = h.row }

// fresh reports whether the row was never stored.
func (h *held[R]) fresh() bool {
	var zero R
	return h.saved == zero
}

// item is a payment or a refund in the hands of the loop.
type item interface {
	base() *entry
	key() string // its ID
	unsaved() bool
	fresh() bool
	commit()

	// lazy reports whether all that is unsaved may be lost without harm: whom it
	// belongs to, and that it was delivered. Losing either repeats a message.
	lazy() bool
	// step lets the machine decide.
	step(p Policy, now time.Time, in Input) Action
	// ending is where the item's end is noted, nil while it is open.
	ending() *Ending
	closed() bool
	// wakeAt is when time alone changes something, or the zero time for never.
	wakeAt() time.Time
	// patient reports whether it takes its turn among those in doubt.
	patient() bool
	// inTime reports whether an action may still be begun.
	inTime(act Action, now time.Time) bool
	// call returns the action as a call to the gateway, on the saved row.
	call(g Gateway, act Action) Call
	// put adds what is to be saved to a batch.
	put(b *Batch)
	log() slog.Attr
}

// payment is a payment in the hands of the loop.
type payment struct {
	entry
	held[Payment]
}

func (p *payment) key() string { return p.row.ID }

func (p *payment) lazy() bool {
	row := p.row
	row.Delivered, row.Register = p.saved.Delivered, p.saved.Register
	return row == p.saved
}

func (p *payment) step(policy Policy, now time.Time, in Input) (act Action) {
	was := p.row
	p.row, act = policy.Step(now, p.row, in)
	p.journal = append(p.journal, storyOfPayment(now, was, p.row, in, act)...)
	return act
}

func (p *payment) ending() *Ending {
	if !p.row.State.Final() {
		return nil
	}
	return &p.row.Ending
}

func (p *payment) closed() bool { return p.row.Closed() }

func (p *payment) wakeAt() time.Time {
	due := p.row.Due
	if p.calling != None {
		due = time.Time{}
	}
	if p.row.State.Final() {
		return p.again
	}
	if !p.resume.IsZero() {
		return p.resume
	}
	if p.row.InDoubt {
		return due
	}
	return earlier(p.row.Deadline, due)
}

func (p *payment) patient() bool { return p.row.State == Unresolved }

// inTime is P4 once more: the save may have taken the rest of the window, or an
// abort may have been saved with it.
func (p *payment) inTime(act Action, now time.Time) bool {
	return act != Pay || p.row.State == Sending && now.Before(p.row.Deadline)
}

func (p *payment) call(g Gateway, act Action) Call {
	row := p.saved
	if act == Pay {
		return func(ctx context.Context) Answer { return g.Pay(row)(ctx) }
	}
	return func(ctx context.Context) Answer { return g.Inquire(ctx, row) }
}

func (p *payment) put(b *Batch) {
	b.Payments = append(b.Payments, Change[Payment]{p.saved, p.row, p.journal})
}

func (p *payment) log() slog.Attr { return slog.Any("payment", p.row) }

// refund is a refund in the hands of the loop.
type refund struct {
	entry
	held[Refund]
}

func (r *refund) key() string { return r.row.ID }

func (r *refund) lazy() bool {
	row := r.row
	row.Delivered, row.Register = r.saved.Delivered, r.saved.Register
	return row == r.saved
}

func (r *refund) step(policy Policy, now time.Time, in Input) (act Action) {
	was := r.row
	r.row, act = policy.StepRefund(now, r.row, in)
	r.journal = append(r.journal, storyOfRefund(now, was, r.row, in, act)...)
	return act
}

func (r *refund) ending() *Ending {
	if !r.row.State.Final() {
		return nil
	}
	return &r.row.Ending
}

func (r *refund) closed() bool { return r.row.Closed() }

func (r *refund) wakeAt() time.Time {
	if r.row.State == RefundWaiting || r.calling != None {
		return time.Time{}
	}
	if !r.resume.IsZero() {
		return r.resume
	}
	return r.row.Due
}

// patient: a refund's customer waits only for its first attempt.
func (r *refund) patient() bool {
	return r.row.Attempts > 1 || r.row.Inquiries > 0 || !r.resume.IsZero()
}

func (r *refund) inTime(Action, time.Time) bool { return true }

func (r *refund) call(g Gateway, act Action) Call {
	row := r.saved
	if act == GiveBack {
		return func(ctx context.Context) Answer { return g.Refund(ctx, row) }
	}
	return func(ctx context.Context) Answer { return g.InquireRefund(ctx, row) }
}

func (r *refund) put(b *Batch) {
	b.Refunds = append(b.Refunds, Change[Refund]{r.saved, r.row, r.journal})
}

func (r *refund) log() slog.Attr { return slog.Any("refund", r.row) }

// earlier is the earlier of two times, where the zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
