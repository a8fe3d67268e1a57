package queue

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// View reads a store that belongs to somebody else: to the agent that runs, or to
// nobody while none does. It writes nothing, makes no file, and takes no lock that
// an agent could trip over: at most, for the moment of one question, a shared lock
// on the log, as the agent's own readers do. It migrates nothing and replaces nothing.
//
// A question that goes through whole tables is asked in pieces ([reader.walk]), each
// row being seen at one moment, and all of them not at the same.
//
// Its errors are sentences for an operator, with what to do.
type View struct {
	path   string
	opened footprint
	way    way
	reader
}

// viewTries is how often a question is asked while the ground moves under it.
const viewTries = 5

// OpenView opens the store at path to be looked at, with or without an agent at
// work on it. Close it when done.
func OpenView(path string) (*View, error) {
	v := &View{path: path}
	if resolved, err := truePath(path); err == nil {
		v.path = resolved
	}
	if err := v.open(); err != nil {
		return nil, explained(path, err)
	}
	return v, nil
}

// Path is the store's file, symbolic links followed.
func (v *View) Path() string { return v.path }

// Close ends the looking.
func (v *View) Close() error { return v.read.Close() }

// way is how a store can be read without leaving a trace.
type way string

const (
	// beside: an agent has the store open, or had when the power went. Its log and
	// the index of that are there, and are only read.
	beside way = "mode=ro&readonly_shm=1"
	// still: all there is stands in the file; nobody is at work on it.
	still way = "mode=ro&immutable=1"
	// alone: the power was cut and the log's index is gone with it. SQLite makes one
	// in memory where it believes to be alone with the file.
	alone way = "mode=ro&vfs=unix-none&_locking_mode=EXCLUSIVE"
)

// footprint is what can be told of a store's files from outside: when it changes
// while a store is read without locks, what was read is worth nothing.
type footprint struct {
	file, log mark
	index     bool
}

// mark is what can be told of one file.
type mark struct {
	there    bool
	inode    uint64
	size     int64
	modified time.Time
}

func footprintOf(path string) (f footprint, err error) {
	if f.file, err = markOf(path); err != nil {
		return f, err
	}
	if f.log, err = markOf(path + "-wal"); err != nil {
		return f, err
	}
	index, err := markOf(path + "-shm")
	f.index = index.there
	return f, err
}

func markOf(path string) (mark, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, err
	}
	if !st.Mode().IsRegular() {
		return mark{}, &fs.PathError{Op: "open", Path: path, Err: errNoFile}
	}
	m := mark{there: true, size: st.Size(), modified: st.ModTime()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		m.inode = sys.Ino
	}
	return m, nil
}

// way returns how files that look so are to be read.
func (f footprint) way() way {
	switch {
	case f.log.there && f.index:
		return beside
	case f.log.size > 0:
		return alone
	}
	return still
}

// open connects by the way that fits, and sees whether the store is ours.
func (v *View) open() error {
	f, err := footprintOf(v.path)
	if err != nil {
		return err
	}
	if f.file.there {
		if err := readable(v.path, f); err != nil {
			return err
		}
	}
	switch {
	case f.file.size == 0 && f.log.size > 0: // it was cut or removed, as checkWhole has it
		return ErrDamaged
	case !f.file.there:
		return errNotThere
	case f.file.size == 0:
		return errEmpty
	}
	v.opened, v.way = f, f.way()
	v.read = dialView(v.path, v.way)
	if err := v.ours(); err != nil {
		return errors.Join(err, v.read.Close())
	}
	return nil
}

// ours refuses a database that this program can't read.
func (v *View) ours() error {
	version, err := versionOf(context.Background(), v.read)
	if err != nil {
		return err
	}
	known, err := schemaVersion()
	switch {
	case err != nil:
		return err
	case version == 0:
		return errEmpty
	case version > known:
		return newerSchema(version, known)
	case version < known:
		return olderSchema(version, known)
	}
	return nil
}

// dialView returns one connection that only reads.
func dialView(path string, w way) *sql.DB {
	hook := func(conn *sqlite3.SQLiteConn) error {
		_, err := conn.Exec("pragma query_only = 1; pragma cell_size_check = 1; pragma trusted_schema = 0; pragma mmap_size = 0", nil)
		return err
	}
	db := sql.OpenDB(connector{
		driver: &sqlite3.SQLiteDriver{ConnectHook: hook},
		dsn:    "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + string(w),
	})
	db.SetMaxOpenConns(1)
	return db
}

// look asks the store, and asks again where the ground moved meanwhile: an agent was
// started, ended, or replaced the file.
func look[T any](v *View, ask func(reader) (T, error)) (T, error) {
	var none T
	for try := 1; ; try++ {
		if err := v.steady(); err != nil {
			return none, explained(v.path, err)
		}
		answer, err := ask(v.reader)
		moved := v.moved()
		if !moved || try == viewTries {
			if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDamaged) {
				err = explained(v.path, err)
			}
			return answer, err
		}
	}
}

// steady opens the store anew where it is not what was opened.
func (v *View) steady() error {
	if !v.moved() {
		return nil
	}
	v.way = ""
	return errors.Join(v.read.Close(), v.open())
}

// moved reports whether what was read may not be what is there. With the agent's
// locks in force only another file in the store's place counts.
func (v *View) moved() bool {
	f, err := footprintOf(v.path)
	if err != nil {
		return false // the question says what is wrong
	}
	if v.way == beside {
		return f.way() != beside || f.file.inode != v.opened.file.inode
	}
	return v.way == "" || f != v.opened
}

// Payment returns the stored row of an ID, as [Store.Payment] does: ErrNotFound
// where there is none, ErrDamaged where it can't be believed.
func (v *View) Payment(ctx context.Context, id string) (Payment, error) {
	return look(v, func(r reader) (Payment, error) { return r.Payment(ctx, id) })
}

// Refund is Payment for a refundRequestId.
func (v *View) Refund(ctx context.Context, id string) (Refund, error) {
	return look(v, func(r reader) (Refund, error) { return r.Refund(ctx, id) })
}

// RefundsOf returns all refunds of a payment, oldest first.
func (v *View) RefundsOf(ctx context.Context, paymentRequestID string) ([]Refund, error) {
	return look(v, func(r reader) ([]Refund, error) { return r.RefundsOf(ctx, paymentRequestID) })
}

// Story returns the journal of a payment or refund, oldest first.
func (v *View) Story(ctx context.Context, id string) ([]Event, error) {
	return look(v, func(r reader) ([]Event, error) { return r.Story(ctx, id) })
}
