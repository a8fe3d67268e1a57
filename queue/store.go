package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// readers is how many reads run beside the one writer.
const readers = 4

// ErrNotFound says that the store has no payment of that ID.
var ErrNotFound = errors.New("no such payment")

// ErrInUse says that another program has the store open.
var ErrInUse = errors.New("the store is in use")

// Store keeps payments in one SQLite file. Whatever [Store.Save] returned nil
// for survives a power cut.
type Store struct {
	reader
	path  string
	write *sql.DB // one connection
	lock  *os.File
	sql   statements

	log        logged
	unsettled  bool   // not all of the log may be on the disk, though it can be read
	checkLater bool   // what is put away was not looked at at the start
	endCheck   func() // ends the looking that goes on beside the worker; nil: there is none

	salvaged *Salvage
}

// Open opens or makes the store at path, with its folder. It refuses a store
// that another process has open (ErrInUse), a file of another program, one
// written by a newer version, and a disk on which the settings that durability
// rests on don't hold. A damaged store of ours is replaced, see [Store.Salvaged].
func Open(path string) (*Store, error) {
	err := untouchable(path)
	var s *Store
	if err == nil {
		s, err = open(path)
	}
	return s, wrap(advised(path, err), "store "+path)
}

func open(path string) (*Store, error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	path, err := truePath(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	s, err := openOrSalvage(path)
	if isFull(err) && dropBallast(path) {
		s, err = openOrSalvage(path)
	}
	if isFull(err) {
		err = fmt.Errorf("the disk is full; make room and start again: %w", err)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.lock = lock
	s.keepBallast()
	return s, nil
}

func openOrSalvage(path string) (*Store, error) {
	finished, err := finishSalvage(path)
	if err != nil {
		return nil, err
	}
	s, err := openAt(path)
	if finished && err == nil {
		report, err := recount(context.Background(), s)
		if err != nil {
			return nil, errors.Join(err, s.closeDatabase())
		}
		s.salvaged = &report
		return s, nil
	}
	if !isDamage(err) {
		return s, err
	}
	if !ours(path) {
		return nil, fmt.Errorf("%w: %w", err, errNotOurs)
	}
	if err := unmarkChecked(path); err != nil {
		return nil, err
	}
	report, err := salvage(path, time.Now())
	if err != nil {
		return nil, fmt.Errorf("the store is damaged and could not be replaced; make room on the disk and start again: %w", err)
	}
	if s, err = openAt(path); err != nil {
		return nil, err
	}
	s.salvaged = &report
	return s, nil
}

// mostLinks is how many symbolic links are followed from one to the next, as by the
// system.
const mostLinks = 40

// truePath follows symbolic links, so that one store has one lock whatever it is
// called. A link to what is not there is followed, too: it says where the store is, and
// if that is a card that was not mounted, none must be made in the link's place.
func truePath(path string) (string, error) {
	path = filepath.Clean(path)
	for range mostLinks {
		dir, name := filepath.Split(path)
		dir, err := filepath.EvalSymlinks(cmp.Or(dir, "."))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, name)
		target, err := os.Readlink(path)
		switch {
		case err != nil:
			return path, nil //nolint:nilerr // it is no link, or not there yet
		case filepath.IsAbs(target):
			path = target
		default:
			path = dir + "/" + target // not joined: what is before a ".." may be a link, too
		}
	}
	return "", &os.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// openAt opens the database file at path, without lock and salvage.
func openAt(path string) (*Store, error) {
	if err := checkWhole(path); err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, write: dial(path, true, 1), reader: reader{dial(path, false, readers)}, log: logged{full: rowsAtFirst}}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.closeDatabase())
	}
	return s, nil
}

// isNew reports whether nothing is stored under an ID, as it is with nearly all that a
// register sends. It is asked of the writing connection, whose pages stay in memory: the
// readers' are worth nothing after each commit.
func (s *Store) isNew(ctx context.Context, id string) (bool, error) {
	var stored bool
	err := s.sql.isStored.QueryRowContext(ctx, id).Scan(&stored)
	return !stored, wrap(err, "payment "+id)
}

// Salvaged says what became of a damaged store, where Open met one.
func (s *Store) Salvaged() (Salvage, bool) {
	if s.salvaged == nil {
		return Salvage{}, false
	}
	return *s.salvaged, true
}

// Close gives the store back. It does not wait for a Save under way.
func (s *Store) Close() error {
	return errors.Join(s.closeDatabase(), s.lock.Close())
}

func (s *Store) closeDatabase() error { return errors.Join(s.read.Close(), s.write.Close()) }

// makeDir makes the folder, for the owner alone, and has its name on the disk
// before anything is promised.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// syncDir makes the names in dir durable. A folder above the store's that may
// not be read was not made by us, and needs no sync.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w by another posagent; stop that one first", ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// prepare checks the file and brings its schema up to date.
func (s *Store) prepare() error {
	ctx := context.Background()
	if err := s.write.PingContext(ctx); err != nil {
		return err
	}
	version, err := versionOf(ctx, s.write)
	if err != nil {
		return err
	}
	if err := s.checkPages(ctx, version); err != nil {
		return err
	}
	// The log is there by now. SQLite syncs its name too, but with fdatasync where it
	// was built to, which promises no names: a checkpoint that a power cut broke off
	// needs the log to be found.
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		return err
	}
	s.unsettled = true // and an older version's log has commits that share blocks
	if err := s.migrate(ctx, version); err != nil {
		return err
	}
	if err := s.prepareStatements(ctx); err != nil {
		return err
	}
	if err := s.checkOpenRows(ctx); err != nil {
		return err
	}
	s.unsettled = true // and the package's scripts look into the file alone for its version
	if err := s.settle(ctx); isFull(err) {
		return nil // there is no room for a reserve either; Save tries again
	} else if err != nil {
		return err
	}
	return s.reserveRoom(ctx)
}

// inOneCommit runs fn and commits what it wrote: all of it or nothing. An error
// of the commit itself leaves open which of the two it was.
//
// The one writing connection belongs to the worker's goroutine, so what fn writes to it
// needs no sql.Tx, which would start a goroutine of its own for every commit.
func (s *Store) inOneCommit(ctx context.Context, fn func(*sql.DB) error) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	if _, err := s.write.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	err := fn(s.write)
	if err == nil {
		_, err = s.write.ExecContext(ctx, "commit")
	}
	if err != nil {
		// Of some errors SQLite has gone back by itself, and then there is nothing to go
		// back from. Where it can't, no commit can be begun any more.
		_, _ = s.write.ExecContext(context.WithoutCancel(ctx), "rollback")
		s.doubt(err)
		return err
	}
	s.shorten(ctx)
	return nil
}
