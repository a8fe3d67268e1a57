package queue

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// The reserve for a full disk: room inside the database and its log, made at
// start, and a file that is given back when even that is used up. With it what is
// under way can be finished; new payments are refused.
const (
	reservePages  = 64
	ballastBytes  = 1 << 20
	suffixBallast = ".ballast"
)

// reserveRoom grows the log, and on a fresh store the database too, by pages that
// are free afterwards. On a full disk it can't, and the store works without. These
// are several commits, for pages that are made and freed in one never reach the
// log; a start that was cut short between them left the table behind.
func (s *Store) reserveRoom(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, `
		drop table if exists reserve;
		create table reserve (n integer primary key, page blob);
		with recursive count(n) as (values (1) union all select n + 1 from count where n < ?)
		insert into reserve select n, zeroblob(4000) from count;
		drop table reserve`, reservePages)
	if isFull(err) {
		s.doubt(err) // a sync that finds no room has failed, too
		return nil
	}
	return err
}

// keepBallast makes the ballast file, if there is room for it.
func (s *Store) keepBallast() {
	path := s.path + suffixBallast
	if st, err := os.Stat(path); err == nil && st.Size() == ballastBytes {
		return
	}
	if os.WriteFile(path, make([]byte, ballastBytes), 0o600) != nil {
		_ = os.Remove(path) // no room for a ballast: then none, and no harm
	}
}

// dropBallast gives the room of a store's ballast back, and reports whether there
// was any.
func dropBallast(path string) bool {
	err := os.Remove(path + suffixBallast)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && os.Truncate(path+suffixBallast, 0) == nil
}

// isFull reports whether an error says that the disk is full, or the quota used up.
// SQLite has a code for a write that finds no room; a map of shared memory, a sync
// or an open that finds none is an I/O error to it, with the system's reason.
func isFull(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
