package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flush saves what has changed, in one commit where it can, and then does and
// says what was waiting for it. What can't be saved is neither done nor said.
func (l *loop) flush(ctx context.Context, now time.Time) {
	for again := true; again; again = l.mustSave(now) { // a save may begin something new: a reversal
		if l.mustSave(now) {
			l.save(now)
		}
		touched := l.touched
		l.touched = nil
		for _, it := range touched {
			it.base().touched = false
			switch {
			case it.base().dropped:
			case it.fresh(), it.unsaved() && !it.lazy():
				l.touch(it)
			default:
				l.settle(ctx, now, it)
			}
		}
	}
}

// mustSave reports whether something is to be saved now. A new command is always
// tried at once, for a register waits; the rest keeps the pause after a failure.
func (l *loop) mustSave(now time.Time) bool {
	paused := now.Before(l.retryAt)
	if !l.lazyFrom.IsZero() && !now.Before(l.lazyFrom.Add(lazily)) && !paused {
		return true
	}
	for _, it := range l.touched {
		awaited := it.fresh() && len(it.base().asked) > 0
		if awaited || !paused && it.unsaved() && !it.lazy() {
			return true
		}
	}
	return !paused && (len(l.bury) > 0 || !l.retryAt.IsZero() && len(l.touched) > 0)
}

// save commits every unsaved row: all in one commit, and if that fails each on
// its own, so that one row that can't be written does not hold up the others. Where
// it is no row that fails, but somebody who reads, that was waited for once: a round
// that waits for it again and again has the watchdog end the agent.
func (l *loop) save(now time.Time) {
	var batch []item
	for _, it := range l.touched {
		if it.unsaved() {
			batch = append(batch, it)
		}
	}
	err := l.commit(now, batch)
	if err == nil {
		l.lazyFrom = time.Time{}
		return
	}
	l.failing, l.retryAt = true, now.Add(saveAgain)
	for _, it := range batch {
		if len(batch) > 1 && !errors.Is(err, errRead) {
			err = l.commit(now, []item{it})
		}
		if err != nil {
			it.base().dropReady()
			l.notSaved(now, it, err)
		}
	}
}

func (l *loop) commit(now time.Time, items []item) error {
	var b Batch
	for id, receivedAt := range l.bury {
		b.Bury = append(b.Bury, Burial{id, receivedAt})
	}
	for _, it := range items {
		it.put(&b)
	}
	if len(l.away) >= putAwayAt && !l.failing && len(items) > 0 && !now.Before(l.awayAt) {
		b.PutAway = l.away[:min(len(l.away), putAwayMost)]
	}
	began := time.Now()
	if err := l.saveWithReserve(now, &b, items); err != nil {
		l.ends.failed++
		return err
	}
	if l.o.Saved != nil {
		l.o.Saved(time.Since(began))
	}
	l.away = l.away[len(b.PutAway):]
	if l.said && len(items) > 0 {
		l.said = false
		l.o.Logger.Info("the store can be written again")
	}
	l.failing, l.retryAt = false, time.Time{}
	clear(l.bury)
	for _, it := range items {
		l.committed(now, it)
	}
	return nil
}

// saveWithReserve saves, and on a full disk gives the ballast back and tries once
// more: for what is under way, not for new payments. What is to be put away can wait,
// and stands in nobody's way: where that fails the rest is saved without it.
func (l *loop) saveWithReserve(now time.Time, b *Batch, items []item) error {
	err := l.o.Store.Save(*b)
	if err != nil && len(b.PutAway) > 0 && !errors.Is(err, errRead) {
		b.PutAway, l.awayAt = nil, now.Add(putAwayAgain)
		why := err
		if err = l.o.Store.Save(*b); err == nil && !isFull(why) {
			l.o.Logger.Error("closed payments could not be put away, and stay where they are; check the disk", "err", why)
		}
	}
	if !isFull(err) || slices.ContainsFunc(items, item.fresh) || !dropBallast(l.o.Store.path) {
		return err
	}
	l.o.Logger.Warn("the disk is full; the reserve was given up to finish what is under way")
	return l.o.Store.Save(*b)
}

// committed notes that an item's row is on the disk, and wakes who may want to
// see it.
func (l *loop) committed(now time.Time, it item) {
	it.base().journal = nil
	switch it := it.(type) {
	case *payment:
		visible := it.row.Rev != it.saved.Rev || it.row.Register != it.saved.Register
		it.commit()
		l.noteEnded(Ended{it.row.Register, it.row.ID, it.row.EndedSeq, false})
		if visible {
			l.o.Changed(it.row.Register)
		}
	case *refund:
		visible := it.row.Rev != it.saved.Rev
		it.commit()
		if it.row.Reversal {
			l.reversed(now, it.row)
			return
		}
		l.noteEnded(Ended{it.row.Register, it.row.ID, it.row.EndedSeq, true})
		if visible {
			l.o.Changed(it.row.Register)
		}
	}
}

// notSaved deals with a row that could not be written. What is under way stays as
// it is in the store's eyes and is tried again. A new command is refused; but a
// failed commit may still turn up after a crash, so it counts as "not stored" only
// once a later commit has buried it.
func (l *loop) notSaved(now time.Time, it item, err error) {
	if errors.Is(err, errChanged) {
		l.fatal = fmt.Errorf("another program writes to the store: %w; stop it, and start posagent again", err)
		return
	}
	if isDamage(err) { // no try mends it, and a start does
		l.damaged(err)
	}
	if !l.said {
		l.said = true
		l.o.Logger.Error("the store can't be written; check the disk: space, permissions, health",
			"id", it.key(), "err", err)
	}
	if !it.fresh() { // under way: it is tried again, and who asked does not wait for that
		it.base().tell(ErrDoubtful)
		return
	}
	if len(it.base().asked) == 0 { // the agent's own
		return
	}
	l.drop(it)
	refusal := ErrDoubtful
	if !errors.Is(err, errRead) && l.commit(now, nil) == nil {
		refusal = ErrNotStored
	}
	it.base().tell(refusal)
}

// drop forgets a new item that was not stored, and notes what is to be buried.
func (l *loop) drop(it item) {
	it.base().dropped = true
	switch it := it.(type) {
	case *payment:
		delete(l.payments, it.row.ID)
		l.lanes.leave(it, it.row.Register)
		l.bury[it.row.ID] = millis(it.row.ReceivedAt)
	case *refund:
		delete(l.refunds, it.row.ID)
		l.bury[it.row.ID] = millis(it.row.ReceivedAt)
	}
}

// settle does what was waiting for an item's row to be saved: tell who asked,
// act, and file it under the time at which it is due next, or forget it once it
// is closed.
func (l *loop) settle(ctx context.Context, now time.Time, it item) {
	e := it.base()
	e.tell(nil)
	if e.act != None {
		l.perform(ctx, it)
	}
	l.tellLog(it)
	l.agenda.put(it)
	switch {
	case it.unsaved(): // lazily: it travels with the next commit
		l.touch(it)
		if l.lazyFrom.IsZero() {
			l.lazyFrom = now
		}
	case it.closed():
		l.forget(now, it)
	default:
		l.follow(now, it)
	}
}

// tellLog writes down what became of an item whose row is saved.
func (l *loop) tellLog(it item) {
	for _, word := range it.base().news {
		l.o.Logger.Info(word, it.log())
	}
	it.base().news = nil
}

// forget lets go of what is closed. It may still wait for its turn somewhere, and by
// then another item may stand for the same row.
func (l *loop) forget(now time.Time, it item) {
	it.base().dropped = true
	switch it := it.(type) {
	case *payment:
		delete(l.payments, it.row.ID)
		l.lanes.leave(it, it.row.Register)
		l.away = append(l.away, it.row.ID)
	case *refund:
		delete(l.refunds, it.row.ID)
	}
	l.follow(now, it)
}

// saveRest writes what is unsaved when the worker ends.
func (l *loop) saveRest() {
	l.save(time.Now())
	for _, it := range l.touched {
		if !it.unsaved() || it.lazy() {
			l.tellLog(it)
		} else {
			l.o.Logger.Error("ended with an unsaved row; it will be asked about at the next start", "id", it.key())
		}
	}
}

// untilWake is how long nothing will happen by itself.
func (l *loop) untilWake(now time.Time) time.Duration {
	next := now.Add(time.Hour)
	if !l.stopping {
		if len(l.agenda) > 0 {
			next = earlier(next, l.agenda[0].base().wake)
		}
		next = earlier(next, l.pruner.next)
	}
	if len(l.touched)+len(l.bury) > 0 {
		next = earlier(next, l.retryAt)
	}
	if l.stopping && l.underWay == 0 && !l.newsAt.IsZero() { // a call's end wakes by itself
		next = earlier(next, l.newsAt.Add(lastWords))
	}
	if !l.lazyFrom.IsZero() { // it waits with the rest where the store can't be written
		next = earlier(next, later(l.lazyFrom.Add(lazily), l.retryAt))
	}
	return max(next.Sub(now), 0)
}
