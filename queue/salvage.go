package queue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Salvage is what became of a damaged store.
type Salvage struct {
	Aside   string // the damaged file, kept whole; its -wal stands beside it
	Kept    int    // rows carried over
	Damaged int    // rows seen that could not be believed; others may have gone unseen
	Open    int    // of the kept, payments that were not final: asked about, never paid again
}

// String is the one message that an operator gets.
func (s Salvage) String() string {
	return fmt.Sprintf("the store was damaged and has been replaced: %d rows were carried over, %d were seen damaged and more may be missing. "+
		"%d payments that were open are being asked about and will not be paid again. "+
		"Compare the day with Antom's portal; the damaged file is kept as %s", s.Kept, s.Damaged, s.Open, s.Aside)
}

// Names of a salvage under way, beside the store.
const (
	suffixBuilding = ".salvaging" // a fresh store that is being filled; worth nothing yet
	suffixDone     = ".salvaged"  // filled and whole: it replaces the store
	suffixCopy     = ".damaged"   // a copy of the damaged store to read from
)

// ours reports whether a file that SQLite can't read was a store of ours once:
// whether it, or its log, holds the name of a column that no other program has.
func ours(path string) bool {
	return holds(path, "pay_no_more") || holds(path+"-wal", "pay_no_more")
}

// holds reports whether the beginning of a file has a text in it.
func holds(path, text string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read from
	const headBytes = 1 << 20        // the schema stands on the first pages
	head, err := io.ReadAll(io.LimitReader(f, headBytes))
	return err == nil && bytes.Contains(head, []byte(text))
}

// salvage sets a damaged store aside whole and puts a fresh one in its place with
// every row that can be believed. It can be broken off at any point and is then
// done again, or finished by finishSalvage.
func salvage(path string, now time.Time) (Salvage, error) {
	report := Salvage{Aside: path + ".damaged-" + now.UTC().Format("20060102T150405Z")}
	for _, end := range []string{"", "-wal"} {
		if err := copyFile(path+end, report.Aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return report, fmt.Errorf("keeping the damaged file: %w", err)
		}
		if err := copyFile(path+end, path+suffixCopy+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return report, fmt.Errorf("reading the damaged file: %w", err)
		}
	}
	if err := removeStore(path + suffixBuilding); err != nil {
		return report, err
	}
	if err := carryOver(path+suffixCopy, path+suffixBuilding, now, &report); err != nil {
		return report, fmt.Errorf("carrying rows over: %w", err)
	}
	if err := removeStore(path + suffixCopy); err != nil {
		return report, err
	}
	if err := os.Rename(path+suffixBuilding, path+suffixDone); err != nil {
		return report, err
	}
	return report, finishSalvage(path)
}

// finishSalvage puts a salvaged store in its place, if there is one. The old log
// goes first: replayed into the new file it would destroy it.
func finishSalvage(path string) error {
	if _, err := os.Stat(path + suffixDone); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	dir := filepath.Dir(path)
	if err := syncDir(dir); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+suffixDone, path), syncDir(dir))
}

// carryOver fills a fresh store at to with what can be believed of from.
func carryOver(from, to string, now time.Time, report *Salvage) error {
	old, err := sql.Open("sqlite3", dsn(from))
	if err != nil {
		return err
	}
	defer func() { _ = old.Close() }() // a copy of a damaged file: what it says does not matter
	fresh, err := openAt(to)
	if err != nil {
		return err
	}
	err = carryRows(old, fresh, now, report)
	if err == nil {
		_, err = fresh.write.ExecContext(context.Background(), "update fact set value = ? where name = 'rows_lost_at'", now.UnixMilli())
	}
	return errors.Join(err, fresh.closeDatabase(), syncFile(to))
}

func carryRows(old *sql.DB, fresh *Store, now time.Time, report *Salvage) error {
	payments, damaged := believable(old, scanPayment, func(p Payment) string { return p.ID },
		selectPayment("order by id"), selectPayment("order by id desc"))
	report.Damaged += damaged
	for _, p := range payments {
		if err := fresh.Save(Batch{Payments: []Change[Payment]{{New: onlyAskAbout(now, p, report)}}}); err != nil {
			return err
		}
	}
	refunds, damaged := believable(old, scanRefund, func(r Refund) string { return r.ID },
		selectRefund("order by id"), selectRefund("order by id desc"))
	report.Damaged += damaged
	for _, r := range refunds {
		if err := fresh.Save(Batch{Refunds: []Change[Refund]{{New: r}}}); err != nil {
			return err
		}
	}
	report.Kept = len(payments) + len(refunds)
	marks, _ := believable(old, scanAborted, func(a Aborted) string { return a.ID },
		"select id, register, at from aborted", "select id, register, at from aborted order by id desc")
	return fresh.Save(Batch{Aborted: marks})
}

// onlyAskAbout makes an open payment one that is asked about and never paid again:
// its row may be older than what happened.
func onlyAskAbout(now time.Time, p Payment, report *Salvage) Payment {
	if p.State.Final() {
		return p
	}
	report.Open++
	p.State, p.PayNoMore = Unresolved, true
	p.OpenAttempts, p.QuietFrom = max(p.OpenAttempts, 1), now
	p.at(now, Inquire)
	return p
}

// believable reads what it can, from both ends, for damage in the middle of a
// table hides what is behind it. Rows whose CRC does not hold are counted.
func believable[R any](db *sql.DB, scan func(scanner) (R, error), id func(R) string, queries ...string) (all []R, damaged int) {
	seen := map[string]bool{}
	take := func(row scanner) (none R, err error) {
		r, err := scan(row)
		switch {
		case err != nil:
			damaged++
		case !seen[id(r)]:
			seen[id(r)] = true
			all = append(all, r)
		}
		return none, nil // go on to the next row, whatever this one was
	}
	for _, query := range queries {
		if _, err := rowsOf(context.Background(), db, take, query); err != nil {
			damaged++
		}
	}
	return all, damaged
}

func removeStore(path string) error {
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile makes a durable copy.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
