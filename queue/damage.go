package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// ErrDamaged says that the store is not as it was written.
var ErrDamaged = errors.New("damaged")

// isDamage reports whether an error says that the file is not what was written.
func isDamage(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB) {
		return true
	}
	return errors.Is(err, ErrDamaged)
}

// checkWhole refuses a log beside a file that is empty or not there: the file was cut
// or removed, and SQLite would throw the log away.
func checkWhole(path string) error {
	file, err := markOf(path)
	if err != nil {
		return err
	}
	log, err := markOf(path + "-wal")
	if err == nil && file.size == 0 && log.size > 0 {
		return fmt.Errorf("%w: the file is empty, but its log is not", ErrDamaged)
	}
	return nil
}

// unreadable reports whether a verdict of quick_check is about a page that could
// not be read at all: SQLite puts the disk's errors into the same words as damage.
// A store that may be whole must not be replaced.
func unreadable(verdict string) bool {
	if strings.Contains(verdict, "failed to get page") {
		return true
	}
	_, text, found := strings.Cut(verdict, "unable to get the page. error code=")
	code, err := strconv.Atoi(strings.TrimSpace(text))
	return found && err == nil && sqlite3.ErrNo(code&0xff) != sqlite3.ErrCorrupt
}

// checkOpenRows reads every row that is not closed, CRC included: those are what
// the agent will act on. A closed row is checked when it is read.
func (s *Store) checkOpenRows(ctx context.Context) error {
	_, err := s.Unclosed(ctx)
	if err != nil {
		return err
	}
	_, err = s.UnclosedRefunds(ctx)
	return err
}

// isDiskError reports whether an error says that the disk did not do what it was told.
func isDiskError(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrIoErr
}
