package queue

import (
	"context"
	"errors"
	"io/fs"
	"os"

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
// are free afterwards. On a full disk it can't, and the store works without.
func (s *Store) reserveRoom(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, `
		create table reserve (n integer primary key, page blob);
		with recursive count(n) as (values (1) union all select n + 1 from count where n < ?)
		insert into reserve select n, zeroblob(4000) from count;
		drop table reserve`, reservePages)
	if isFull(err) {
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

// dropBallast gives the ballast's room back, and reports whether there was any.
func (s *Store) dropBallast() bool {
	err := os.Remove(s.path + suffixBallast)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && os.Truncate(s.path+suffixBallast, 0) == nil
}

// isFull reports whether an error says that the disk is full.
func isFull(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}
