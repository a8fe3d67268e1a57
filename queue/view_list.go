package queue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Filter says which payments and refunds are to be listed: those that fit all of
// what is set.
type Filter struct {
	State    string    // a [State] or [RefundState]; empty: any
	Open     bool      // only what is not final
	InDoubt  bool      // only payments whose window is over and whose outcome is open
	Since    time.Time // only what was stored then or later
	Register string    // its name; empty: any
	ID       string    // a part of the id, in capitals or not; empty: any
	Limit    int       // at most so many, the newest; 0: all

	// Amount says whether an amount is one of those asked for; nil: any is.
	Amount func(minor int64, currency string) bool
}

// Listing is what was found.
type Listing struct {
	Records []Record // newest first
	More    int      // how many further ones fit and are beyond the limit
	Damaged []Damage // rows among those asked for that can't be believed
	Partial bool     // a part of the store can't be read: there may be more
}

// Damage is a row that is not as it was written.
type Damage struct {
	ID     string // as far as it can be believed
	Refund bool
	Err    error // ErrDamaged, or SQLite's own word
}

// List returns the payments and refunds that fit, newest first. IDs that were
// aborted before they were ever paid are among them as cancelled payments
// ([Payment.NeverPaid]). A damaged row is named beside the good ones.
func (v *View) List(ctx context.Context, f Filter) (Listing, error) {
	return look(v, func(r reader) (Listing, error) {
		l := lister{reader: r, filter: f}
		err := l.find(ctx)
		if err == nil {
			err = l.load(ctx)
		}
		return l.out, err
	})
}

// match is a row that fits.
type match struct {
	id       string
	at       int64 // milliseconds
	minor    int64
	currency string
	refund   bool
}

// lister finds first and reads then: few of a table's rows are wanted whole.
type lister struct {
	reader
	filter Filter
	found  []match
	count  int
	out    Listing
}

func (l *lister) find(ctx context.Context) error {
	tables := []string{"payment", "refund"}
	if f := l.filter; !f.Open && !f.InDoubt && f.Amount == nil && (f.State == "" || f.State == string(Cancelled)) {
		tables = append(tables, "aborted")
	}
	for _, table := range tables {
		whole, err := l.walk(ctx, table, func(p piece) error { return l.findIn(ctx, table, p) })
		if err != nil {
			return err
		}
		l.out.Partial = l.out.Partial || !whole
	}
	l.keepNewest()
	l.out.More = l.count - len(l.found)
	return nil
}

// findIn notes the rows of a piece that fit.
func (l *lister) findIn(ctx context.Context, table string, p piece) error {
	where, args := l.filter.condition(table)
	rows, err := rowsOf(ctx, l.read, func(row scanner) (match, error) {
		m := match{refund: table == "refund"}
		err := row.Scan(&m.id, &m.at, &m.minor, &m.currency)
		return m, err
	}, "select id, "+whenAndHowMuch(table)+" from "+table+" where id > ? and id <= ?"+where, append([]any{p.after, p.upTo}, args...)...)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(m match) bool {
		return l.filter.Amount != nil && !l.filter.Amount(m.minor, m.currency)
	})
	l.count += len(rows)
	l.found = append(l.found, rows...)
	if l.filter.Limit > 0 && len(l.found) > l.filter.Limit+pieceRows {
		l.keepNewest()
	}
	return nil
}

// keepNewest sorts what was found and lets go of what is beyond the limit.
func (l *lister) keepNewest() {
	slices.SortFunc(l.found, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.at, a.at), strings.Compare(a.id, b.id))
	})
	if most := l.filter.Limit; most > 0 && len(l.found) > most {
		l.found = l.found[:most]
	}
}

// storedAt is the column with the time at which a row of a table was first stored.
func storedAt(table string) string {
	if table == "aborted" {
		return "at"
	}
	return "received_at"
}

func whenAndHowMuch(table string) string {
	if table == "aborted" {
		return "at, 0, ''"
	}
	return "received_at, amount_minor, currency"
}

// condition is the filter in SQL. An aborted ID has no state and no amount.
func (f Filter) condition(table string) (where string, args []any) {
	and := func(fits bool, condition string, arg ...any) {
		if fits {
			where += " and " + condition
			args = append(args, arg...)
		}
	}
	and(!f.Since.IsZero(), storedAt(table)+" >= ?", f.Since.UnixMilli())
	and(f.Register != "", "register = ?", f.Register)
	and(f.ID != "", "instr(lower(id), lower(?)) > 0", f.ID)
	if table == "aborted" {
		return where, args
	}
	and(f.State != "", "state = ?", f.State)
	and(f.Open, "ended_seq = 0")
	and(f.InDoubt && table == "payment", "in_doubt = 1")
	and(f.InDoubt && table == "refund", "0")
	return where, args
}

// load reads what was found, whole.
func (l *lister) load(ctx context.Context) error {
	for _, f := range l.found {
		record, err := l.record(ctx, f)
		switch {
		case err == nil:
			l.out.Records = append(l.out.Records, record)
		case isDamage(err):
			l.out.Damaged = append(l.out.Damaged, Damage{f.id, f.refund, err})
		case !errors.Is(err, ErrNotFound): // else it was not stored after all
			return err
		}
	}
	return nil
}

func (l *lister) record(ctx context.Context, f match) (Record, error) {
	if f.refund {
		r, err := l.Refund(ctx, f.id)
		return Record{Refund: &r}, err
	}
	p, err := l.Payment(ctx, f.id)
	return Record{Payment: &p}, err
}

// IDs returns every id that the store has a payment, a refund or a mark of an abort
// under, in no order, as far as it can be read.
func (v *View) IDs(ctx context.Context) ([]string, error) {
	return look(v, func(r reader) (ids []string, err error) {
		for _, table := range []string{"payment", "refund", "aborted"} {
			_, err := r.walk(ctx, table, func(p piece) error {
				some, err := rowsOf(ctx, r.read, func(row scanner) (id string, err error) {
					err = row.Scan(&id)
					return id, err
				}, "select id from "+table+" where id > ? and id <= ?", p.after, p.upTo)
				if err == nil {
					ids = append(ids, some...)
				}
				return err
			})
			if err != nil {
				return ids, err
			}
		}
		return ids, nil
	})
}
