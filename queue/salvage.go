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
	"slices"
	"strings"
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
	suffixKept     = ".aside"     // a copy to keep, until it has its name
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
// done again, or finished by finishSalvage; what a try has made that failed is
// removed, so that tries without end fill no disk.
func salvage(path string, now time.Time) (report Salvage, err error) {
	report.Aside = path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	defer func() {
		if err != nil {
			err = errors.Join(err, removeStores(path+suffixCopy, path+suffixKept, path+suffixBuilding))
		}
	}()
	if err := removeStores(path+suffixCopy, path+suffixKept, path+suffixBuilding); err != nil {
		return report, err
	}
	for _, to := range []string{suffixKept, suffixCopy} {
		if err := copyStore(path, path+to); err != nil {
			return report, fmt.Errorf("copying the damaged file: %w", err)
		}
	}
	if err := carryOver(path+suffixCopy, path+suffixBuilding, now, &report); err != nil {
		return report, fmt.Errorf("carrying rows over: %w", err)
	}
	if err := removeStores(path + suffixCopy); err != nil {
		return report, err
	}
	if err := moveStore(path+suffixKept, report.Aside); err != nil {
		return report, err
	}
	if err := os.Rename(path+suffixBuilding, path+suffixDone); err != nil {
		return report, err
	}
	_, err = finishSalvage(path)
	return report, err
}

// finishSalvage puts a salvaged store in its place, and reports whether there was
// one. The old log goes first: replayed into the new file it would destroy it.
func finishSalvage(path string) (bool, error) {
	if _, err := os.Stat(path + suffixDone); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	dir := filepath.Dir(path)
	// The salvaged store has its name for good before anything of the old one goes.
	if err := errors.Join(removeStores(path+suffixBuilding), syncDir(dir)); err != nil {
		return false, err
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	if err := syncDir(dir); err != nil {
		return false, err
	}
	return true, errors.Join(os.Rename(path+suffixDone, path), syncDir(dir))
}

// recount tells of a salvage that was broken off and is finished now.
func recount(ctx context.Context, s *Store) (Salvage, error) {
	var r Salvage
	err := s.read.QueryRowContext(ctx, `select (select count(*) from payment) + (select count(*) from refund),
		(select count(*) from payment where ended_seq = 0)`).Scan(&r.Kept, &r.Open)
	if err != nil {
		return r, err
	}
	kept, err := Aside(s.path)
	if len(kept) > 0 {
		r.Aside = kept[len(kept)-1]
	}
	return r, err
}

// Aside names the damaged files that were kept beside the store at path, by their
// times, the newest last.
func Aside(path string) ([]string, error) { return filepath.Glob(escapeGlob(path) + ".damaged-*Z") }

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
		err = carryAcquirers(old, fresh)
	}
	if err == nil {
		err = fresh.setFact(context.Background(), "rows_lost_at", millis(now))
	}
	if err == nil { // all of it into the file: its log does not move with it
		fresh.unsettled = true
		err = fresh.settle(context.Background())
	}
	return errors.Join(err, fresh.closeDatabase(), syncFile(to))
}

// carryAtOnce is how many rows are carried over in one commit.
const carryAtOnce = 500

func carryRows(old *sql.DB, fresh *Store, now time.Time, report *Salvage) error {
	rows, damaged := believable(old, scanPayment, func(p Payment) string { return p.ID }, paymentQueries(old)...)
	report.Damaged += damaged
	for some := range slices.Chunk(rows, carryAtOnce) {
		var b Batch
		for _, p := range some {
			b.Payments = append(b.Payments, Change[Payment]{New: onlyAskAbout(now, p, report), Events: storyFrom(old, p.ID)})
			b.PutAway = append(b.PutAway, p.ID) // if it is closed
		}
		if err := fresh.Save(b); err != nil {
			return err
		}
	}
	refunds, damaged := believable(old, scanRefund, func(r Refund) string { return r.ID },
		selectRefund("order by id"), selectRefund("order by id desc"))
	report.Damaged += damaged
	for some := range slices.Chunk(refunds, carryAtOnce) {
		var b Batch
		for _, r := range some {
			b.Refunds = append(b.Refunds, Change[Refund]{New: r, Events: storyFrom(old, r.ID)})
		}
		if err := fresh.Save(b); err != nil {
			return err
		}
	}
	report.Kept = len(rows) + len(refunds)
	marks, _ := believable(old, scanAborted, func(a Aborted) string { return a.ID },
		selectAborted(""), selectAborted("order by id desc"))
	return fresh.Save(Batch{Aborted: marks})
}

// paymentQueries are the questions for all payments, from both ends of each table that
// holds some: a store may be from before they were put away, and a view would hide
// in one table what is damaged in the other.
func paymentQueries(db *sql.DB) []string {
	var list []string
	for _, table := range []string{"payment_open", "payment_closed", "payment"} {
		var kind string
		err := db.QueryRowContext(context.Background(), "select type from sqlite_schema where name = ?", table).Scan(&kind)
		if err == nil && kind != "table" || errors.Is(err, sql.ErrNoRows) {
			continue
		}
		for _, order := range []string{"id", "id desc"} {
			list = append(list, "select "+paymentColumns+" from "+table+" order by "+order)
		}
	}
	return list
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

// removeStores removes databases with their logs, and what was to become one.
func removeStores(paths ...string) error {
	for _, path := range paths {
		for _, end := range []string{"", "-wal", "-shm", suffixNew} {
			if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// copyStore makes a durable copy of a database and its log. Of a database that is not
// there it is an empty one, for it is by that name that the copy is known.
func copyStore(from, to string) error {
	err := copyFile(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		err = writeFile(to, nil)
	}
	if inLog := copyFile(from+"-wal", to+"-wal"); !errors.Is(inLog, fs.ErrNotExist) {
		err = errors.Join(err, inLog)
	}
	return err
}

// moveStore gives a database and its log another name, the log first: a database
// that has its name is whole.
func moveStore(from, to string) error {
	for _, end := range []string{"-wal", ""} {
		if err := os.Rename(from+end, to+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// escapeGlob takes a path's own characters out of a pattern's hands.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
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
