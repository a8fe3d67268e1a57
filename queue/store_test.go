package queue

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

func openStore(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it already
	return s
}

func storePath(t *testing.T) string { return filepath.Join(t.TempDir(), "till ?#%1", "posagent.db") }

func TestEveryConnectionHasEveryPragma(t *testing.T) {
	for _, writer := range []bool{true, false} {
		for _, p := range []pragma{{"journal_mode", "wal"}, {"synchronous", "3"}} { // what a power cut is survived by
			if !slices.Contains(pragmas(writer), p) {
				t.Errorf("writer %v: %s is not asked to be %s", writer, p.name, p.value)
			}
		}
	}
	s := openStore(t, storePath(t))
	ctx := context.Background()
	for name, db := range map[string]*sql.DB{"write": s.write, "read": s.read} {
		var conns []*sql.Conn
		for range db.Stats().MaxOpenConnections {
			conn, err := db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		for i, conn := range conns {
			for _, p := range pragmas(name == "write") {
				var got string
				if err := conn.QueryRowContext(ctx, "pragma "+p.name).Scan(&got); err != nil || got != p.value {
					t.Errorf("%s connection %d: %s is %q (%v), want %q", name, i, p.name, got, err, p.value)
				}
			}
			conn.Close()
		}
	}
}

// SQLite says nothing when it can't do WAL; here it can't because the database is
// in memory.
func TestAStoreThatIsNotPowerSafeIsRefused(t *testing.T) {
	db := sql.OpenDB(connector{
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			return applyPragmas(c, pragmas(true))
		}},
		dsn: ":memory:",
	})
	defer db.Close()
	err := db.Ping()
	if err == nil || !strings.Contains(err.Error(), "journal_mode is memory") {
		t.Errorf("got %v, want a refusal that names journal_mode", err)
	}
}

func TestASecondAgentOnOneStoreIsRefused(t *testing.T) {
	path := storePath(t)
	first := openStore(t, path)
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, path)
}

func TestTheStoreIsItsOwnersAlone(t *testing.T) {
	path := storePath(t)
	openStore(t, path)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v (%v)", files, err)
	}
	for _, f := range files {
		if st, err := os.Stat(f); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v (%v)", filepath.Base(f), st.Mode(), err)
		}
	}
}

func TestFilesThatAreNotOursAreRefusedUntouched(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"another program's", "create table theirs (n); insert into theirs values (1)", "another program's"},
		{"a newer version's", "pragma application_id = 1886352225; pragma user_version = 99", "newer posagent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(c.sql); err != nil {
				t.Fatal(err)
			}
			db.Close()
			if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) || !Unfit(err) {
				t.Errorf("got %v, want %q and that it will never fit", err, c.want)
			}
		})
	}
}

// A text in the store's place will never be a store; a store that another agent holds
// may be free in a moment.
func TestOnlyWhatNoWaitingMendsIsUnfit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("a shopping list\n", 600)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !Unfit(err) {
		t.Errorf("a text: %v", err)
	}
	held := storePath(t)
	openStore(t, held)
	if _, err := Open(held); err == nil || Unfit(err) {
		t.Errorf("a store in use: %v", err)
	}
}

func saveNew(t *testing.T, s *Store, id string) Payment {
	t.Helper()
	p, _ := Begin(time.UnixMilli(1_750_000_000_123), "lane1", testCommand(id), time.Minute)
	if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestARowReadsBackAsItWasWritten(t *testing.T) {
	s := openStore(t, storePath(t))
	old := saveNew(t, s, "R1")
	at := time.UnixMilli(1_750_000_060_001)
	full := Payment{
		Command: Command{ID: "R1", Method: "ÄLIPAY", AmountMinor: 1<<31 - 1, Currency: "JPY", MerchantOrderID: "o",
			MerchantStoreID: "s", ExtendInfo: `{"a":"'"}`},
		Register: "lane 2", State: Paid, Rev: 7, AbortAt: at, Reversal: RefundPending,
		ReceivedAt: at, Deadline: at.Add(time.Second),
		Trail:     Trail{Attempts: 3, OpenAttempts: 2, QuietFrom: at, Inquiries: 4, Next: Inquire, Due: at},
		PayNoMore: true, Pending: true, PaymentID: "2026", PaymentTime: "t",
		CashierReceipt: "cash", CustomerReceipt: "cust\x00omer", Result: Result{"S", "c", "m"},
		Ending: Ending{EndedAt: at, EndedSeq: 9, Delivered: 7},
	}
	if err := s.Save(Batch{Payments: []Change[Payment]{{Old: old, New: full}}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Payment(context.Background(), "R1")
	if err != nil || got != full {
		t.Errorf("got  %#v (%v)\nwant %#v", got, err, full)
	}
}

func TestASaveIsCompareAndSetAndAllOrNothing(t *testing.T) {
	s := openStore(t, storePath(t))
	r1, r2 := saveNew(t, s, "R1"), saveNew(t, s, "R2")
	newer, stale := r1, r2
	newer.Rev, stale.Rev = 2, 5
	bad := stale
	bad.Rev = 6
	if err := s.Save(Batch{Payments: []Change[Payment]{{Old: r1, New: newer}, {Old: stale, New: bad}}}); err == nil {
		t.Fatal("a stale change was saved")
	}
	if got, err := s.Payment(context.Background(), "R1"); err != nil || got.Rev != 1 {
		t.Errorf("R1 has rev %d (%v), want 1: half of a refused commit was kept", got.Rev, err)
	}
}

func TestTheSchemaRefusesARowThatCannotBe(t *testing.T) {
	s := openStore(t, storePath(t))
	for name, spoil := range map[string]func(*Payment){
		"an amount of nothing":         func(p *Payment) { p.AmountMinor = 0 },
		"a state without a name":       func(p *Payment) { p.State = "done" },
		"an end that was never learnt": func(p *Payment) { p.State = Paid },
		"in doubt inside its window":   func(p *Payment) { p.InDoubt = true },
		"a reversal of nothing":        func(p *Payment) { p.Reversal = RefundPending },
		"delivered before its end":     func(p *Payment) { p.Delivered = 1 },
		"received but on its way":      func(p *Payment) { p.State = Received },
	} {
		p, _ := Begin(time.UnixMilli(1_750_000_000_123), "lane1", testCommand("R1"), time.Minute)
		spoil(&p)
		if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err == nil {
			t.Errorf("%s was stored", name)
		}
	}
}

func TestBuryingTakesOnlyTheRowThatWasRefused(t *testing.T) {
	s := openStore(t, storePath(t))
	ghost, kept := saveNew(t, s, "R1"), saveNew(t, s, "R2")
	err := s.Save(Batch{Bury: []Burial{{"R1", millis(ghost.ReceivedAt)}, {"R2", millis(kept.ReceivedAt) + 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Payment(context.Background(), "R1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("R1: %v, want ErrNotFound", err)
	}
	if _, err := s.Payment(context.Background(), "R2"); err != nil {
		t.Errorf("R2, stored at another time: %v", err)
	}
}
