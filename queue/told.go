package queue

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// lastEnded returns what of a register's ended last. A payment that went over to
// another register since is not its own any more; nothing older is looked for.
//
// Where rows were lost, the newest end may be among them: what ended before is not
// called the last, until something has ended since.
func (l *loop) lastEnded(register string) (Record, error) {
	record, err := l.lastKnown(register)
	if !l.rowsLost(time.Now()) {
		return record, err
	}
	if errors.Is(err, ErrNotFound) || err == nil && record.endedAt().Before(l.lostAt) {
		return Record{}, ErrDoubtful
	}
	return record, err
}

// lastKnown is lastEnded as far as this store knows.
func (l *loop) lastKnown(register string) (Record, error) {
	last, ok := l.last[register]
	if !ok {
		return Record{}, ErrNotFound
	}
	if last.Refund {
		row, err := l.lookUpRefund(last.ID)
		if err == nil && row.Register != register {
			err = ErrNotFound
		}
		return Record{Refund: &row}, err
	}
	row, err := l.lookUp(last.ID)
	if err == nil && row.Register != register {
		err = ErrNotFound
	}
	return Record{Payment: &row}, err
}

// untold lists what a register is yet to be told, as it is on the disk.
func (l *loop) untold(register string) []Record {
	var list []Record
	for _, p := range l.lanes.of[register] {
		if !p.fresh() && !p.row.toldOf() {
			row := p.saved
			row.Register = register // saved lazily
			list = append(list, Record{Payment: &row})
		}
	}
	for _, r := range l.refunds {
		if r.row.Register == register && !r.fresh() && !r.row.Closed() && !r.row.Reversal {
			row := r.saved
			row.Register = register // saved lazily
			list = append(list, Record{Refund: &row})
		}
	}
	slices.SortFunc(list, func(a, b Record) int {
		if c := a.since().Compare(b.since()); c != 0 {
			return c
		}
		return strings.Compare(a.id(), b.id())
	})
	return list
}

func (r Record) endedAt() time.Time {
	if r.Refund != nil {
		return r.Refund.EndedAt
	}
	return r.Payment.EndedAt
}

func (r Record) since() time.Time {
	if r.Refund != nil {
		return r.Refund.ReceivedAt
	}
	return r.Payment.ReceivedAt
}

func (r Record) id() string {
	if r.Refund != nil {
		return r.Refund.ID
	}
	return r.Payment.ID
}

// noteTold has the journal tell, once a revision, that an end was put on the line.
func (l *loop) noteTold(now time.Time, id string, refund bool, rev int64) {
	note := func(e *entry, present int64, final bool) {
		if final && present == rev && e.toldRev != rev {
			e.toldRev = rev
			e.journal = append(e.journal, Event{id, now, EventTold, ""})
		}
	}
	if it := l.refunds[id]; refund && it != nil {
		note(it.base(), it.saved.Rev, it.saved.State.Final())
	}
	if p := l.payments[id]; !refund && p != nil {
		note(p.base(), p.saved.Rev, p.saved.State.Final())
	}
}

// afterHints takes what came in, and the hints that wait before it: it may be the delivery
// of an end, of which a hint says that it was told.
func (l *loop) afterHints(hints <-chan func(*loop), fn func(*loop)) {
	for len(hints) > 0 { // nobody else takes them
		(<-hints)(l)
	}
	fn(l)
}
