package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkAtStart is the size in bytes up to which every page of a store is looked at
// before it is opened. A larger one, years of payments, would keep a shop waiting:
// what is at hand is looked at before, and what is put away while the agent works.
// A row that is put away is checked by its CRC when it is read, whichever it is.
const checkAtStart = 16 << 20

// suffixChecked marks a store whose every page was found whole. Where the mark is
// missing, because damage was seen, the next start looks at everything first.
const suffixChecked = ".checked"

// atHand are the tables that the agent acts on.
func atHand() []string { return []string{"payment_open", "refund", "aborted", "last_ended", "fact"} }

// putAwayTables are the tables that grow for years.
func putAwayTables() []string { return []string{"payment_closed", "acquirer_id", "story", "event"} }

// checkPages looks at the pages of a store of a schema version: at all of them, or, in
// a large one that was whole when it was looked at last, at those of what is at hand.
func (s *Store) checkPages(ctx context.Context, version int) error {
	st, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.path + suffixChecked); err != nil || st.Size() <= checkAtStart || version < schemaShelves {
		if err := quickCheck(ctx, s.write, ""); err != nil {
			return err
		}
		if st.Size() > checkAtStart {
			s.markChecked()
		}
		return nil
	}
	s.checkLater = true
	for _, table := range atHand() {
		if err := quickCheck(ctx, s.write, table); err != nil {
			return err
		}
	}
	return nil
}

// checkRest looks at what the start left out. Its error is ErrDamaged, and then the
// next start looks at everything, or that it could not be found out.
func (s *Store) checkRest(ctx context.Context) error {
	if !s.checkLater {
		return nil
	}
	for _, table := range putAwayTables() {
		err := quickCheck(ctx, s.read, table)
		if isDamage(err) {
			return errors.Join(err, unmarkChecked(s.path))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// markChecked makes the mark. That it can't be made costs the next start its time.
func (s *Store) markChecked() {
	if f, err := os.OpenFile(s.path+suffixChecked, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		_ = f.Close() // nothing was written
	}
}

// unmarkChecked has the next start look at everything.
func unmarkChecked(path string) error {
	if err := os.Remove(path + suffixChecked); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// quickCheck has SQLite look at every page, or at those of one table.
func quickCheck(ctx context.Context, db *sql.DB, table string) error {
	query := "pragma quick_check(1)"
	if table != "" {
		query = "pragma quick_check('" + table + "')"
	}
	var verdict string
	if err := db.QueryRowContext(ctx, query).Scan(&verdict); err != nil {
		return err
	}
	switch {
	case verdict == "ok":
		return nil
	case unreadable(verdict):
		return fmt.Errorf("the disk can't be read; check it, the store itself may be whole: %s", verdict)
	}
	return fmt.Errorf("%w: %s", ErrDamaged, verdict)
}

// checkRest has what the start left out looked at while the loop works.
func (w *Worker) checkRest(ctx context.Context) {
	err := w.o.Store.checkRest(ctx)
	if err == nil || ctx.Err() != nil {
		return
	}
	select {
	case w.inbox <- func(l *loop) { l.checked(err) }:
	case <-ctx.Done():
	}
}

// checked takes in what was found: over a damaged store the loop ends, for only a
// start can mend it.
func (l *loop) checked(err error) {
	if isDamage(err) {
		l.damaged(err)
		return
	}
	l.o.Logger.Error("the payments put away could not be looked at; check the disk", "err", err)
}

// damaged ends the loop, and has the next start look at everything.
func (l *loop) damaged(err error) {
	l.fatal = fmt.Errorf("the store is damaged: %w; start posagent again: it keeps the file, and carries over what can be read",
		errors.Join(err, unmarkChecked(l.o.Store.path)))
}
