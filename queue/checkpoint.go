package queue

import (
	"context"
	"errors"
)

// The log is taken into the database once it holds about logPages pages, 2 MB.
const (
	logPages = 512
	// rowsAtFirst is how many rows of one till's sales fill it.
	rowsAtFirst = 800
	rowsAtLeast = 64
	rowsAtMost  = 16 * logPages
)

// logged is how long the log is, as far as that is known without asking SQLite.
type logged struct {
	rows int // written since it was taken into the database, and one for each commit
	full int // so many rows make it long
}

// shorten takes the log into the database once it is long. SQLite would by itself, and
// would say nothing where that fails; but a sync of the log that fails then may take
// with it what fills the last commit's block (see settle).
//
// While somebody reads not all of it can be taken, and it is tried again soon.
func (s *Store) shorten(ctx context.Context) {
	s.log.rows++
	if s.log.rows < s.log.full {
		return
	}
	frames, whole, err := s.checkpoint(context.WithoutCancel(ctx), "passive")
	switch {
	case err != nil:
		s.doubt(err)
	case !whole:
		s.log.rows -= s.log.full / 4
		return
	case frames > 0:
		s.log.full = min(max(s.log.rows*logPages/frames, rowsAtLeast), rowsAtMost)
	}
	s.log.rows = 0
}

// errRead says that the log can't be taken into the database while somebody reads it.
// SQLite waited for that already, for as long as busy_timeout says.
var errRead = errors.New("somebody reads the store")

// settle writes what the log holds into the database, where not all of it may be on the
// disk. A sync may have failed, of this process or of one before: what it was for can be
// read, from the system's memory, and yet is not on the disk, and no later sync puts it
// there. Whatever is written behind it in the log would be lost with it. Of a commit that
// was synced that may be what fills its last block.
func (s *Store) settle(ctx context.Context) error {
	if !s.unsettled {
		return nil
	}
	if s.endCheck != nil {
		s.endCheck() // it reads for as long as a table is large; the next start looks again
	}
	_, whole, err := s.checkpoint(ctx, "restart")
	if err == nil && !whole {
		err = errRead
	}
	s.unsettled = err != nil
	return wrap(err, "writing the log into the database")
}

// checkpoint has SQLite take the log into the database, in one of its modes, and returns
// how many pages the log holds, and whether all of it was taken.
func (s *Store) checkpoint(ctx context.Context, mode string) (frames int, whole bool, err error) {
	var busy, done int
	err = s.write.QueryRowContext(ctx, "pragma wal_checkpoint("+mode+")").Scan(&busy, &frames, &done)
	return frames, busy == 0 && done == frames, err
}

// doubt takes an error of writing: after one of the disk's not all of the log may be on it.
func (s *Store) doubt(err error) { s.unsettled = s.unsettled || isDiskError(err) }
