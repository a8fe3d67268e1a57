package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// enqueue takes a register's command; register-link §4 rules 1–3 and 8.
func (l *loop) enqueue(register string, c Command, window time.Duration, r reply) {
	if e := l.entries[c.ID]; e != nil {
		l.repeat(e, register, c, r)
		return
	}
	row, err := l.lookUp(c.ID)
	switch {
	case err == nil:
		l.repeat(l.enter(row, row), register, c, r)
	case !errors.Is(err, ErrNotFound):
		r.send(Payment{}, err)
	case l.stopping:
		r.send(Payment{}, ErrStopping)
	default:
		l.begin(register, c, window, r)
	}
}

// repeat answers a command seen before with its payment's row, once it is saved.
func (l *loop) repeat(e *entry, register string, c Command, r reply) {
	l.touch(e)
	if e.row.Command != c {
		r.send(Payment{}, ErrInconsistent)
		return
	}
	if e.row.Register != register {
		e.row.Register, e.row.Delivered = register, 0
	}
	if e.saved.ID != "" && !e.lazy() { // a change that can't be saved just now is not told
		row := e.saved
		row.Register = register
		r.send(row, nil)
		return
	}
	e.asked = append(e.asked, r)
}

func (l *loop) begin(register string, c Command, window time.Duration, r reply) {
	now := time.Now()
	if open := l.inWindow(register, now); len(open) > 0 {
		r.send(Payment{}, &BusyError{open})
		return
	}
	row, act := Begin(now, register, c, window)
	e := l.enter(row, Payment{})
	e.act, e.asked = act, []reply{r}
	l.o.Logger.Info("payment sending", "payment", row)
}

// inWindow returns the register's payments that are open inside their window.
func (l *loop) inWindow(register string, now time.Time) []string {
	var open []string
	for id, e := range l.entries {
		if e.row.Register == register && !e.row.State.Final() && now.Before(e.row.Deadline) {
			open = append(open, id)
		}
	}
	slices.Sort(open)
	return open
}

// lookUp returns the row of an ID as it is on the disk.
func (l *loop) lookUp(id string) (Payment, error) {
	if e := l.entries[id]; e != nil && e.saved.ID != "" {
		return e.saved, nil
	}
	if _, doubtful := l.bury[id]; doubtful {
		return Payment{}, ErrDoubtful
	}
	row, err := l.o.Store.Payment(context.Background(), id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		l.o.Logger.Error("the store can't be read; check the disk", "paymentRequestId", id, "err", err)
		return Payment{}, ErrDoubtful
	}
	return row, err
}

func (l *loop) lastEnded(register string) (Payment, error) {
	last, ok := l.last[register]
	if !ok {
		return Payment{}, ErrNotFound
	}
	return l.lookUp(last.id)
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
	e := l.entries[id]
	if e == nil || e.row.Rev != rev { // closed already, or another state than the present one
		return row, nil
	}
	e.row.Delivered = rev
	l.touch(e)
	return e.row, nil
}

func (l *loop) untold(register string) []Payment {
	var list []Payment
	for _, e := range l.entries {
		if e.row.Register == register && e.saved.ID != "" && !e.row.Closed() {
			row := e.saved
			row.Register = register // saved lazily
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b Payment) int {
		if c := a.ReceivedAt.Compare(b.ReceivedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// sane makes an answer fit to be written down, and turns away one that names a
// paymentId of another payment: an old answer that was played back (antom-api §3).
func (l *loop) sane(row Payment, a Answer) Answer {
	if a.Result.Status != "" && a.Result.Status != "S" && a.Result.Status != "F" {
		a.Result.Status = "U"
	}
	if owner := l.known.owner(a.PaymentID); owner != "" && owner != row.ID {
		l.o.Logger.Error("an answer names the paymentId of another payment and is not believed; "+
			"somebody on the network may be playing back old answers",
			"paymentRequestId", row.ID, "paymentId", a.PaymentID, "belongsTo", owner)
		return Answer{Verdict: VerdictUnknown, Why: "its paymentId belongs to " + owner}
	}
	return a
}
