package queue

import (
	"context"
	"time"
)

// flush saves what has changed, in one commit where it can, and then does and
// says what was waiting for it. What can't be saved is neither done nor said.
func (l *loop) flush(ctx context.Context, now time.Time) {
	if l.mustSave(now) {
		l.save(now)
	}
	touched := l.touched
	l.touched = nil
	for _, e := range touched {
		if e.saved.ID == "" { // refused by the store; whoever asked knows
			continue
		}
		e.touched = false
		if e.row != e.saved && !e.lazy() {
			l.touch(e)
			continue
		}
		l.settle(ctx, now, e)
	}
}

// mustSave reports whether something is to be saved now. A new command is always
// tried at once, for a register waits; the rest keeps the pause after a failure.
func (l *loop) mustSave(now time.Time) bool {
	if !l.lazyFrom.IsZero() && !now.Before(l.lazyFrom.Add(lazily)) {
		return true
	}
	paused := now.Before(l.retryAt)
	for _, e := range l.touched {
		if e.saved.ID == "" || !paused && e.row != e.saved && !e.lazy() {
			return true
		}
	}
	return !paused && len(l.bury) > 0
}

// save commits every unsaved row: all in one commit, and if that fails each on
// its own, so that one row that can't be written does not hold up the others.
func (l *loop) save(now time.Time) {
	var batch []*entry
	for _, e := range l.touched {
		if e.row != e.saved {
			batch = append(batch, e)
		}
	}
	err := l.commit(batch)
	if err == nil {
		l.retryAt, l.lazyFrom = time.Time{}, time.Time{}
		return
	}
	l.retryAt = now.Add(saveAgain)
	if !l.lazyFrom.IsZero() {
		l.lazyFrom = now
	}
	for _, e := range batch {
		if len(batch) > 1 {
			err = l.commit([]*entry{e})
		}
		if err != nil {
			l.notSaved(e, err)
		}
	}
}

func (l *loop) commit(batch []*entry) error {
	changes := make([]Change, len(batch))
	for i, e := range batch {
		changes[i] = Change{Old: e.saved, New: e.row}
	}
	if err := l.o.Store.Save(changes, l.bury); err != nil {
		return err
	}
	clear(l.bury)
	for _, e := range batch {
		l.saved(e)
	}
	return nil
}

// saved notes that e's row is on the disk, and wakes who may want to see it.
func (l *loop) saved(e *entry) {
	visible := e.row.Rev != e.saved.Rev
	e.saved = e.row
	if e.row.PaymentID != "" {
		l.known.add(e.row.PaymentID, e.row.ID)
	}
	if e.row.EndedSeq > l.last[e.row.Register].seq {
		l.last[e.row.Register] = ending{e.row.ID, e.row.EndedSeq}
	}
	if visible {
		l.o.Changed(e.row.Register)
	}
}

// notSaved deals with a row that could not be written. A payment under way stays
// as it is in the store's eyes and is tried again. A new command is refused; but
// a failed commit may still turn up after a crash, so it counts as "not stored"
// only once a later commit has buried it.
func (l *loop) notSaved(e *entry, err error) {
	l.o.Logger.Error("the store can't be written; check the disk: space, permissions, health",
		"paymentRequestId", e.row.ID, "err", err)
	if e.saved.ID != "" {
		return
	}
	delete(l.entries, e.row.ID)
	l.bury[e.row.ID] = millis(e.row.ReceivedAt)
	refusal := ErrDoubtful
	if l.commit(nil) == nil {
		refusal = ErrNotStored
	}
	for _, r := range e.asked {
		r.send(Payment{}, refusal)
	}
}

// settle does what was waiting for e's row to be saved: tell who asked, act, and
// file it under the time at which it is due next, or forget it once it is closed.
func (l *loop) settle(ctx context.Context, now time.Time, e *entry) {
	for _, r := range e.asked {
		r.send(e.row, nil)
	}
	e.asked = nil
	if e.act != None {
		l.perform(ctx, e)
	}
	l.agenda.put(e)
	switch {
	case e.row != e.saved: // lazily: it travels with the next commit
		l.touch(e)
		if l.lazyFrom.IsZero() {
			l.lazyFrom = now
		}
	case e.row.Closed():
		delete(l.entries, e.row.ID)
	}
}

// saveRest writes what is unsaved when the worker ends.
func (l *loop) saveRest() {
	l.save(time.Now())
	for _, e := range l.touched {
		if e.row != e.saved && !e.lazy() {
			l.o.Logger.Error("ended with an unsaved row; the payment will be asked about at the next start",
				"paymentRequestId", e.row.ID)
		}
	}
}

// untilWake is how long nothing will happen by itself.
func (l *loop) untilWake(now time.Time) time.Duration {
	next := now.Add(time.Hour)
	if len(l.agenda) > 0 && !l.stopping {
		next = earlier(next, l.agenda[0].wake)
	}
	if len(l.touched)+len(l.bury) > 0 && !l.retryAt.IsZero() {
		next = earlier(next, l.retryAt)
	}
	if !l.lazyFrom.IsZero() {
		next = earlier(next, l.lazyFrom.Add(lazily))
	}
	return max(next.Sub(now), 0)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
