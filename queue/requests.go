package queue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// enqueue takes a register's command; register-link §4 rules 1–3, 7 and 8.
func (l *loop) enqueue(register string, c Command, window time.Duration, r reply[Payment]) {
	row, err := l.find(c.ID)
	switch {
	case err == nil && row.NeverPaid():
		r.send(Payment{}, ErrAborted)
	case err == nil:
		l.repeat(l.inHand(row), register, c, r)
	case !errors.Is(err, ErrNotFound):
		r.send(Payment{}, err)
	case l.stopping:
		r.send(Payment{}, ErrStopping)
	default:
		l.begin(register, c, window, r)
	}
}

// find returns the row of an ID, in the loop's hands or on the disk. It may be
// one that is about to be stored.
func (l *loop) find(id string) (Payment, error) {
	if p := l.payments[id]; p != nil {
		return p.row, nil
	}
	return l.read(id)
}

// inHand takes a row that was found into the loop's hands.
func (l *loop) inHand(row Payment) *payment {
	if p := l.payments[row.ID]; p != nil {
		l.touch(p)
		return p
	}
	return l.enter(row, row)
}

// repeat answers a command seen before with its payment's row, once it is saved.
func (l *loop) repeat(p *payment, register string, c Command, r reply[Payment]) {
	if p.row.Command != c {
		r.send(Payment{}, ErrInconsistent)
		return
	}
	if p.row.Register != register {
		l.move(p, register)
	}
	if !p.fresh() && !p.lazy() { // a change that is not saved yet is not told
		row := p.saved
		row.Register = register
		r.send(row, nil)
		return
	}
	p.onceSaved(r)
}

// move gives a payment to another register: it is that one's to be told from now
// on.
func (l *loop) move(p *payment, register string) {
	before := p.row.Register
	p.row.Register, p.row.Delivered = register, 0
	l.lanes.leave(p, before)
	l.lanes.enter(p)
	if p.row.EndedSeq > 0 {
		l.noteEnded(Ended{register, p.row.ID, p.row.EndedSeq, false})
	}
	l.o.Changed(before)
	l.o.Changed(register)
}

// onceSaved sends the row, or why it could not be saved.
func (p *payment) onceSaved(r reply[Payment]) {
	p.asked = append(p.asked, func(err error) {
		if err != nil {
			r.send(Payment{}, err)
			return
		}
		r.send(p.row, nil)
	})
}

func (l *loop) begin(register string, c Command, window time.Duration, r reply[Payment]) {
	now := time.Now()
	if open := l.inWindow(register, now); len(open) > 0 {
		r.send(Payment{}, &BusyError{open})
		return
	}
	first := Begin
	if l.rowsLost(now) {
		first = BeginAsking
	}
	row, act := first(now, register, c, window)
	p := l.enter(row, Payment{})
	p.act, p.journal = act, []Event{stored(row)}
	l.makeReady(now, p)
	p.onceSaved(r)
	p.note("stored")
}

// inWindow returns the register's payments that are open inside their window. One in
// doubt is past it, whatever a clock that was set back makes of its deadline.
func (l *loop) inWindow(register string, now time.Time) []string {
	var open []string
	l.lanes.inWindow(register, now, func(p *payment) { open = append(open, p.row.ID) })
	slices.Sort(open)
	return open
}

// openPayments returns the register's payments whose outcome is open.
func (l *loop) openPayments(register string) []string {
	var open []string
	for id, p := range l.lanes.of[register] {
		if !p.saved.State.Final() {
			open = append(open, id)
		}
	}
	slices.Sort(open)
	return open
}

// lookUp returns the row of an ID as it is on the disk. One that is about to be
// stored is neither there nor never stored.
func (l *loop) lookUp(id string) (Payment, error) {
	if p := l.payments[id]; p != nil {
		if p.fresh() {
			return Payment{}, ErrDoubtful
		}
		row := p.saved
		row.Register = p.row.Register // saved lazily
		return row, nil
	}
	row, err := l.read(id)
	if errors.Is(err, ErrNotFound) && l.rowsLost(time.Now()) {
		err = ErrDoubtful
	}
	return row, err
}

// read returns what the disk says, as far as it can be believed.
func (l *loop) read(id string) (Payment, error) {
	if _, doubtful := l.bury[id]; doubtful {
		return Payment{}, ErrDoubtful
	}
	ctx := context.Background()
	if isNew, err := l.o.Store.isNew(ctx, id); isNew || err != nil {
		return Payment{}, l.readable(cmp.Or(err, ErrNotFound), id)
	}
	row, err := l.o.Store.Payment(ctx, id)
	return row, l.readable(err, id)
}

// readable turns an error of the store into what a register may be told.
func (l *loop) readable(err error, id string) error {
	if err == nil || errors.Is(err, ErrNotFound) {
		return err
	}
	l.o.Logger.Error("the store can't be read; check the disk", "id", id, "err", err)
	return ErrDoubtful
}

// abort records a wish; register-link §4 rule 7.
func (l *loop) abort(register, id string, r reply[Payment]) {
	now := time.Now()
	row, err := l.find(id)
	switch {
	case errors.Is(err, ErrNotFound) && l.rowsLost(now):
		r.send(Payment{}, ErrDoubtful)
		return
	case errors.Is(err, ErrNotFound):
		r.send(l.neverPay(now, register, id))
		return
	case err != nil || row.NeverPaid():
		r.send(row, err)
		return
	}
	p := l.inHand(row)
	if row.State == Paid && row.AbortAt.IsZero() && row.Delivered == row.Rev {
		r.send(Payment{}, ErrTooLate)
		return
	}
	l.step(now, p, Abort{})
	p.onceSaved(r)
}

// neverPay marks an ID that was never seen: a pay command that comes later is
// refused.
func (l *loop) neverPay(now time.Time, register, id string) (Payment, error) {
	a := Aborted{ID: id, Register: register, At: millis(now)}
	if err := l.o.Store.Save(Batch{Aborted: []Aborted{a}}); err != nil {
		l.o.Logger.Error("the store can't be written; check the disk: space, permissions, health", "id", id, "err", err)
		return Payment{}, ErrDoubtful // a mark that turns up after a crash does no harm
	}
	return a.payment(), nil
}

// deliver closes the end of a payment; register-link §4 rule 9.
func (l *loop) deliver(id string, rev int64) (Payment, error) {
	row, err := l.lookUp(id)
	if err != nil {
		return Payment{}, err
	}
	if !row.State.Final() {
		return Payment{}, ErrNotFinal
	}
	p := l.payments[id]
	if p == nil || p.row.Rev != rev || p.saved.Rev != rev { // closed already, or another state than the present one
		return row, nil
	}
	if p.row.Delivered != rev {
		p.row.Delivered = rev
		p.journal = append(p.journal, Event{id, time.Now(), EventDelivered, ""})
	}
	l.touch(p)
	return p.row, nil
}

func (l *loop) health() Health {
	h := Health{Writable: !l.failing}
	for _, p := range l.payments {
		if !p.row.State.Final() {
			h.Open++
		}
		if p.row.InDoubt {
			h.InDoubt++
		}
	}
	for _, r := range l.refunds {
		if !r.row.State.Final() {
			h.Open++
		}
	}
	return h
}
