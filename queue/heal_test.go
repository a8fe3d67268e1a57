package queue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-sqlite3"
)

// A start that was cut short while it made its reserve: the next one opens.
func TestAReserveThatWasLeftBehindIsNoObstacle(t *testing.T) {
	path := storePath(t)
	s := openStore(t, path)
	if _, err := s.write.Exec("create table reserve (n integer primary key, page blob)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, path)
}

// An abort that can't be saved is answered "not known", for the register waits; it
// counts all the same once the disk is well again.
func TestAnAbortOnASickDiskIsAnsweredAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: 3 * time.Second})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		if _, err := a.store.write.Exec("pragma query_only = 1"); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		if _, err := a.Abort(context.Background(), "lane1", "R1"); !errors.Is(err, ErrDoubtful) || time.Since(asked) > 0 {
			t.Errorf("got %v after %v, want ErrDoubtful at once", err, time.Since(asked))
		}
		if _, err := a.store.write.Exec("pragma query_only = 0"); err != nil {
			t.Fatal(err)
		}
		p, _ := a.until(t, "R1", Paid, 10*time.Second)
		if p.AbortAt.IsZero() || p.Reversal == "" {
			t.Errorf("the abort was forgotten: %+v", p)
		}
	})
}

// A late abort whose undoing could not be begun, for the store could not be read, is
// undone once it can: without a restart.
func TestAnUndoingThatCouldNotBeginBeginsLater(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: 3 * time.Second})
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.pay(t, "lane1", "R1")
		synctest.Wait()
		if _, err := a.Abort(context.Background(), "lane1", "R1"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.store.write.Exec("alter table refund rename to elsewhere"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // fake
		if row := a.row(t, "R1"); row.State != Paid || row.Reversal != RefundPending {
			t.Fatalf("%s, reversal %q", row.State, row.Reversal)
		}
		if _, err := a.store.write.Exec("alter table elsewhere rename to refund"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // fake
		if got := bank.refunded(p.ReversalID()); got != p.AmountMinor {
			t.Errorf("%d were given back, want %d", got, p.AmountMinor)
		}
	})
}

func TestEveryWayInWhichADiskIsFullIsSeen(t *testing.T) {
	ioErr := func(errno syscall.Errno) error { return sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: errno} }
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{sqlite3.Error{Code: sqlite3.ErrFull}, true},
		{ioErr(syscall.ENOSPC), true}, // the log's shared memory, a sync of what was written lazily
		{sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.ENOSPC}, true},
		{ioErr(syscall.EDQUOT), true},
		{ioErr(syscall.EIO), false},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EIO}, false},
		{errors.Join(sqlite3.Error{Code: sqlite3.ErrFull}, errors.New("cannot rollback")), true},
	} {
		if got := isFull(c.err); got != c.want {
			t.Errorf("%v: full is %v, want %v", c.err, got, c.want)
		}
	}
}

// SQLite's check puts a page that can't be read into the words of one that is wrong.
func TestAPageThatCannotBeReadIsNotDamage(t *testing.T) {
	for verdict, want := range map[string]bool{
		"*** in database main ***\nTree 3 page 5: unable to get the page. error code=266": true,  // IOERR_READ
		"*** in database main ***\nTree 3 page 5: unable to get the page. error code=11":  false, // CORRUPT
		"*** in database main ***\nfailed to get page 7":                                  true,
		"*** in database main ***\nTree 3 page 5: btreeInitPage() returns error code 11":  false,
		"row 3 missing from index refund_payment":                                         false,
	} {
		if got := unreadable(verdict); got != want {
			t.Errorf("%q: unreadable is %v, want %v", verdict, got, want)
		}
	}
}

// A salvage that was broken off leaves copies; the next one does not read them.
func TestASalvageStartsWithoutTheCopiesOfTheOneBefore(t *testing.T) {
	path := storePath(t)
	fill(t, path, 200)
	spoil(t, path, 30*pageBytes, make([]byte, pageBytes))
	for _, end := range []string{suffixCopy + "-wal", suffixKept, suffixBuilding, suffixBuilding + "-wal"} {
		if err := os.WriteFile(path+end, []byte("left over"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, path)
	report, salvaged := s.Salvaged()
	if !salvaged || report.Kept == 0 {
		t.Fatalf("salvaged %v: %s", salvaged, report)
	}
	left, err := filepath.Glob(filepath.Dir(escapeGlob(path)) + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		end := strings.TrimPrefix(name, path)
		switch {
		case end == "", end == "-wal", end == "-shm", end == ".lock", end == suffixBallast, name == report.Aside:
		default:
			t.Errorf("%s is left over", filepath.Base(name))
		}
	}
}

// A salvage that was broken off when the fresh store was whole is told of when it is
// finished: it is all that the operator hears of it.
func TestASalvageThatIsFinishedLaterIsToldOf(t *testing.T) {
	path := storePath(t)
	fill(t, path, 4)
	if err := os.Rename(path, path+suffixDone); err != nil {
		t.Fatal(err)
	}
	const kept = ".damaged-20260823T100000Z"
	if err := os.WriteFile(path+kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, path)
	report, salvaged := s.Salvaged()
	if want := (Salvage{Aside: path + kept, Kept: 4, Open: 2}); !salvaged || report != want {
		t.Errorf("salvaged %v: %+v, want %+v", salvaged, report, want)
	}
}
