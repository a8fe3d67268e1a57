package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// fill stores n payments, of which every third is open, and closes the store.
func fill(t *testing.T, path string, n int) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		p, _ := Begin(time.UnixMilli(1_750_000_000_000+int64(i)), "lane1", testCommand(fmt.Sprintf("R%04d", i)), time.Minute)
		p.ExtendInfo = strings.Repeat("x", 200)
		if i%3 != 0 {
			p = Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.PaymentID, p.Delivered = int64(i+1), fmt.Sprintf("A%d", i), p.Rev
		}
		b := Batch{Payments: []Change[Payment]{{New: p}}}
		if i%3 == 1 { // one third at hand and closed, one open, one put away
			b.PutAway = []string{p.ID}
		}
		if err := s.Save(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Save(Batch{Aborted: []Aborted{{"NEVER", "lane1", 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// spoil overwrites part of a file.
func spoil(t *testing.T, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A damaged store is set aside whole; what can be believed is carried over; what
// was open is asked about and never paid again; and what is missing is not called
// "never stored".
func TestADamagedStoreIsReplacedAndNothingIsPaidAgain(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		const n = 200
		fill(t, path, n)
		spoil(t, path, 30*pageBytes, make([]byte, pageBytes)) // a page in the middle of the table
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a := start(t, path, bank)
		defer a.stop(t)
		report, salvaged := a.store.Salvaged()
		if !salvaged || report.Kept == 0 || report.Kept >= n || report.Damaged == 0 || report.Open == 0 {
			t.Fatalf("salvaged %v: %s", salvaged, report)
		}
		aside, err := os.ReadFile(report.Aside)
		if err != nil || string(aside) != string(before) {
			t.Errorf("the damaged file was not kept whole (%v)", err)
		}
		lost := 0
		for i := range n {
			p, err := a.Payment(context.Background(), fmt.Sprintf("R%04d", i))
			switch {
			case errors.Is(err, ErrDoubtful):
				lost++
			case err != nil:
				t.Errorf("R%04d: %v", i, err)
			case i%3 != 0 && p.State != Paid:
				t.Errorf("R%04d is %s, was paid", i, p.State)
			}
		}
		if lost == 0 || lost+report.Kept != n {
			t.Errorf("%d lost and %d kept of %d", lost, report.Kept, n)
		}
		time.Sleep(time.Hour) // fake
		if total := len(bank.pays); total != 0 {
			t.Errorf("%d payments were paid again", total)
		}
		if len(bank.inquiries) != report.Open {
			t.Errorf("%d payments were asked about, want %d", len(bank.inquiries), report.Open)
		}
		if _, err := a.Enqueue(context.Background(), "lane1", testCommand("NEVER"), 0); !errors.Is(err, ErrAborted) {
			t.Errorf("an abort was forgotten: %v", err)
		}
	})
}

// A pay command for an ID that may have been lost is asked about before it is paid.
func TestAPaymentThatMayHaveBeenLostIsAskedAboutFirst(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		fill(t, path, 200)
		spoil(t, path, 30*pageBytes, make([]byte, pageBytes))
		bank.charges["LOST"] = 1
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane9", "LOST")
		a.until(t, "LOST", Paid, time.Second)
		if got := bank.seen("LOST"); got.pays != 0 || got.inquiries != 1 {
			t.Errorf("the acquirer saw %+v, want one inquiry and no pay", got)
		}
	})
}

// A flipped bit inside a text, which SQLite's own check can't see: the CRC does.
func TestAFlippedBitInAnOpenRowIsSeen(t *testing.T) {
	path := storePath(t)
	fill(t, path, 1) // R0000, open
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), "ALIPAY_CN")
	if at < 0 {
		t.Fatal("the row is not in the file")
	}
	spoil(t, path, int64(at), []byte("B"))
	s := openStore(t, path)
	if report, salvaged := s.Salvaged(); !salvaged || report.Kept != 0 || report.Damaged == 0 {
		t.Errorf("salvaged %v: %s", salvaged, report)
	}
}

// Broken off after the fresh store was whole: the next start finishes it, and the
// old log does not get into it.
func TestASalvageThatWasBrokenOffIsFinished(t *testing.T) {
	path := storePath(t)
	fresh := storePath(t)
	fill(t, path, 50)
	fill(t, fresh, 3)
	if err := os.Rename(fresh, path+suffixDone); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("a log of the old file"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, path)
	if _, err := s.Payment(context.Background(), "R0010"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old store is still there: %v", err)
	}
	if _, err := s.Payment(context.Background(), "R0001"); err != nil {
		t.Errorf("the salvaged store is not there: %v", err)
	}
}

func TestAFileThatWasNeverAStoreIsRefusedUntouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("Dear aunt, ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	var e sqlite3.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "no database of posagent's") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), "Dear aunt") {
		t.Error("the file was touched")
	}
}

// Receipts, messages and stories go after the retention, in small steps; ids,
// amounts and outcomes stay.
func TestPruningKeepsWhatMakesARepeatSafe(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank, func(o *Options) { o.Retention = time.Hour })
		defer a.stop(t)
		ctx := context.Background()
		for _, id := range []string{"R1", "R2"} {
			a.pay(t, "lane1", id)
			p, _ := a.until(t, id, Paid, time.Second)
			if id == "R1" {
				if _, err := a.Deliver(ctx, id, p.Rev); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(2 * time.Hour)                                        // fake
		for id, kept := range map[string]bool{"R1": false, "R2": true} { // R2 was never delivered
			story, err := a.store.Story(ctx, id)
			if err != nil || (len(story) > 0) != kept {
				t.Errorf("%s has a story of %d events (%v), want kept: %v", id, len(story), err, kept)
			}
		}
		if p := a.pay(t, "lane1", "R1"); p.State != Paid || p.PaymentID != "AR1" {
			t.Errorf("a repeat after the retention: %+v", p)
		}
		if bank.seen("R1").pays != 1 {
			t.Error("a repeat after the retention was paid again")
		}
	})
}

// The journal tells the story of a sale with a lost answer, in order.
func TestTheStoryOfALostAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{mute: true})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		p, _ := a.until(t, "R1", Paid, time.Minute)
		if _, err := a.Deliver(context.Background(), "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lazily + time.Second) // fake: delivery is written down lazily
		story, err := a.store.Story(context.Background(), "R1")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range story {
			got = append(got, string(e.Kind))
		}
		want := "stored answer attempt answer outcome delivered"
		if strings.Join(got, " ") != want {
			t.Errorf("the story is %v, want %s", got, want)
		}
	})
}

// A log whose file is gone is set aside under a name that is there, and by which it is
// found again.
func TestALogWithoutItsFileIsSetAside(t *testing.T) {
	path := storePath(t)
	openStore(t, path)
	log, err := os.ReadFile(path + "-wal")
	must(t, err)
	path = filepath.Join(t.TempDir(), "posagent.db")
	must(t, os.WriteFile(path+"-wal", log, 0o600))
	report, salvaged := openStore(t, path).Salvaged()
	if !salvaged {
		t.Fatal("the log was thrown away")
	}
	if kept, err := Aside(path); err != nil || len(kept) != 1 || kept[0] != report.Aside {
		t.Errorf("%q (%v) are set aside, want %s", kept, err, report.Aside)
	}
	if kept, err := os.ReadFile(report.Aside + "-wal"); err != nil || !bytes.Equal(kept, log) {
		t.Errorf("%d bytes of the log are kept (%v), want %d", len(kept), err, len(log))
	}
}
