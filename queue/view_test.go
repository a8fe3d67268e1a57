package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// seen is a folder as somebody else would find it: every file's bytes, owner and mode.
func seenFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	folder := map[string]string{}
	for _, name := range names {
		path := filepath.Join(dir, name.Name())
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if st.Mode().IsRegular() {
			bytes, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(bytes)
		}
		folder[name.Name()] = fmt.Sprintf("%d %v %v %q", st.Sys().(*syscall.Stat_t).Uid, st.Mode(), st.ModTime(), text)
	}
	return folder
}

func sameFolder(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name := range after {
		if _, there := before[name]; !there {
			t.Errorf("%s was made", name)
		}
	}
	for name, was := range before {
		if now, there := after[name]; !there || now != was {
			t.Errorf("%s was changed or removed", name)
		}
	}
}

// heldStore stores n payments (fill) and the refund of one, and returns a copy of the
// store's files as a power cut leaves them, with the parts that are named.
func heldStore(t *testing.T, n int, parts ...string) string {
	t.Helper()
	path := storePath(t)
	fill(t, path, n)
	s := openStore(t, path)
	r, _ := BeginRefund(time.UnixMilli(1_750_000_100_000), Refund{
		ID: "B1", PaymentRequestID: "R0001", PaymentID: "A1", Register: "lane2", AmountMinor: 300, Currency: "SGD",
	}, true)
	p, err := s.Payment(context.Background(), "R0001")
	if err != nil {
		t.Fatal(err)
	}
	told := []Event{{"R0001", time.UnixMilli(1_750_000_000_001), EventStored, "by hand"}}
	for _, b := range []Batch{
		{Refunds: []Change[Refund]{{New: r}}},
		{Payments: []Change[Payment]{{p, p, told}}},
	} {
		if err := s.Save(b); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "posagent.db")
	for _, part := range parts {
		if err := copyFile(path+part, copied+part); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

// Whatever a stop of the box left, the view reads it, and the folder is afterwards
// what it was, to the byte.
func TestAViewReadsEveryStoreAndLeavesNoTrace(t *testing.T) {
	for name, c := range map[string]struct {
		parts []string
		way   way
		hot   bool // what only the log holds is to be seen
	}{
		"closed cleanly":             {[]string{""}, still, false},
		"cut with its log":           {[]string{"", "-wal", "-shm"}, beside, true},
		"cut with its log, no index": {[]string{"", "-wal"}, alone, true},
		"an index left behind alone": {[]string{"", "-shm"}, still, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := heldStore(t, 30, c.parts...)
			before := seenFolder(t, filepath.Dir(path))
			v, err := OpenView(path)
			if err != nil {
				t.Fatal(err)
			}
			if v.way != c.way {
				t.Errorf("read by %q, want %q", v.way, c.way)
			}
			p, err := v.Payment(t.Context(), "R0001")
			if err != nil || p.State != Paid {
				t.Errorf("R0001: %s, %v", p.State, err)
			}
			r, err := v.Refund(t.Context(), "B1")
			if c.hot != (err == nil && r.AmountMinor == 300) {
				t.Errorf("the refund in the log: %v", err)
			}
			if _, err := v.Summary(t.Context(), time.Time{}, time.Now()); err != nil {
				t.Error(err)
			}
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			sameFolder(t, before, seenFolder(t, filepath.Dir(path)))
			s := openStore(t, path) // and the agent opens it as ever
			if _, err := s.Payment(t.Context(), "R0001"); err != nil {
				t.Error(err)
			}
		})
	}
}

// The agent's user can open everything after root has looked, while the agent was
// down and its log hot.
func TestRootLookingLeavesTheAgentItsFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can look as root")
	}
	const nobody = 65534
	for _, parts := range [][]string{{""}, {"", "-wal", "-shm"}, {"", "-wal"}} {
		path := heldStore(t, 5, parts...)
		for _, part := range append(parts, "/..") {
			if err := os.Chown(filepath.Clean(path+part), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		before := seenFolder(t, filepath.Dir(path))
		v, err := OpenView(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.List(t.Context(), Filter{}); err != nil {
			t.Error(err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		sameFolder(t, before, seenFolder(t, filepath.Dir(path)))
	}
}

// A view beside a busy agent: no save of the agent's fails or waits for it, and the
// view sees what was saved.
func TestAViewBesideTheAgentDisturbsNoSave(t *testing.T) {
	path := storePath(t)
	fill(t, path, 100)
	s := openStore(t, path)
	v, err := OpenView(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			p, _ := Begin(time.UnixMilli(1_760_000_000_000+int64(i)), "lane1", testCommand(fmt.Sprintf("S%04d", i)), time.Minute)
			err = s.Save(Batch{Payments: []Change[Payment]{{New: p}}})
		}
		done <- err
	}()
	seen := 0
	for saving := true; saving; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			saving = false
		default:
		}
		sum, err := v.Summary(t.Context(), time.Time{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if sum.Payments < seen {
			t.Errorf("%d payments after %d", sum.Payments, seen)
		}
		seen = sum.Payments
	}
	if seen != 200 {
		t.Errorf("the view saw %d payments, want 200", seen)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if sum, err := v.Summary(t.Context(), time.Time{}, time.Now()); err != nil || sum.Payments != 200 {
		t.Errorf("after the agent's end: %d payments, %v", sum.Payments, err)
	}
}

// A view that stays open notices that the agent was started, and that a salvage put
// another file in the store's place.
func TestAViewNoticesThatTheStoreWasReplaced(t *testing.T) {
	path := storePath(t)
	fill(t, path, 30)
	v, err := OpenView(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Payment(t.Context(), "R0001"); err != nil {
		t.Fatal(err)
	}
	if err := removeStores(path); err != nil {
		t.Fatal(err)
	}
	fill(t, path, 1)
	if _, err := v.Payment(t.Context(), "R0001"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of the new file: %v, want ErrNotFound", err)
	}
	s := openStore(t, path)
	p, _ := Begin(time.UnixMilli(1_760_000_000_000), "lane1", testCommand("NEW"), time.Minute)
	if err := s.Save(Batch{Payments: []Change[Payment]{{New: p}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Payment(t.Context(), "NEW"); err != nil {
		t.Errorf("what the agent has just stored: %v", err)
	}
}

// Every store that can't be looked at has a sentence with what to do, and is left as
// it was.
func TestAStoreThatCannotBeReadIsExplained(t *testing.T) {
	ctx := context.Background()
	exec := func(sql string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			fill(t, path, 3)
			s := openStore(t, path)
			if _, err := s.write.ExecContext(ctx, sql); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		says []string
	}{
		"not there":       {func(*testing.T, string) {}, []string{"is not there", "start it", "store.path"}},
		"empty":           {func(t *testing.T, path string) { write(t, path, "") }, []string{"empty", "start one"}},
		"a folder":        {func(t *testing.T, path string) { must(t, os.MkdirAll(path, 0o700)) }, []string{"no ordinary file", "store.path"}},
		"not a database":  {func(t *testing.T, path string) { write(t, path, strings.Repeat("a shopping list\n", 600)) }, []string{"no database of posagent's", "store.path"}},
		"another program": {exec("pragma application_id = 77"), []string{"another program's database", "store.path"}},
		"newer":           {exec("pragma user_version = 99"), []string{"newer posagent (schema 99", "nothing was changed"}},
		"older":           {exec("pragma user_version = -1"), []string{"older posagent", "start this version's agent"}},
		"damaged": {func(t *testing.T, path string) {
			fill(t, path, 200)
			spoil(t, path, 0, []byte("nothing here is as it was written"))
		}, []string{"nothing was changed", "start the agent anew"}},
		"a log alone": {func(t *testing.T, path string) {
			fill(t, path, 3)
			must(t, os.Rename(path, path+"-wal"))
		}, []string{"damaged", "nothing was changed", "start the agent anew"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store", "posagent.db")
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			c.make(t, path)
			before := seenFolder(t, filepath.Dir(path))
			v, err := OpenView(path)
			if err == nil {
				v.Close()
				t.Fatal("it was opened")
			}
			for _, want := range append(c.says, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			sameFolder(t, before, seenFolder(t, filepath.Dir(path)))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// What is none of this program's business is not touched by an agent that refuses it:
// another program's database stays in the mode that it was in, and a newer version's
// log beside its file.
func TestARefusedStoreIsWhatItWas(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, path string){
		"another program's": func(t *testing.T, path string) {
			db, err := sql.Open("sqlite3", dsn(path))
			must(t, err)
			_, err = db.Exec("create table customer (name text)")
			must(t, errors.Join(err, db.Close()))
		},
		"newer, its log hot": func(t *testing.T, path string) {
			from := filepath.Join(t.TempDir(), "posagent.db")
			s := openStore(t, from)
			_, err := s.write.Exec("pragma user_version = 99")
			must(t, err)
			for _, part := range []string{"", "-wal", "-shm"} {
				must(t, copyFile(from+part, path+part))
			}
		},
		"newer, its log hot, no index": func(t *testing.T, path string) {
			from := filepath.Join(t.TempDir(), "posagent.db")
			s := openStore(t, from)
			_, err := s.write.Exec("pragma user_version = 99")
			must(t, err)
			for _, part := range []string{"", "-wal"} {
				must(t, copyFile(from+part, path+part))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store", "posagent.db")
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			make(t, path)
			before := seenFolder(t, filepath.Dir(path))
			if s, err := Open(path); err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			sameFolder(t, before, seenFolder(t, filepath.Dir(path)))
		})
	}
}
