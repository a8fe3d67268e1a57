package powercut

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/queue"
)

// rows is how many payments the damaged store held; every third is open.
const rows = 200

// damagedStore makes a store with a page overwritten in the middle of its table.
func damagedStore(t *testing.T, path string) {
	t.Helper()
	s, err := queue.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var b queue.Batch
	for i := range rows {
		p, _ := queue.Begin(time.UnixMilli(1_750_000_000_000), "lane1", queue.Command{
			ID: rowID(i), Method: "X", AmountMinor: 1, Currency: "SGD", ExtendInfo: strings.Repeat("x", 200),
		}, time.Minute)
		if i%3 != 0 {
			p.State, p.Next, p.Due, p.OpenAttempts = queue.Paid, queue.None, time.Time{}, 0
			p.EndedAt, p.EndedSeq, p.Delivered = p.ReceivedAt, int64(i+1), p.Rev
		}
		b.Payments = append(b.Payments, queue.Change[queue.Payment]{New: p})
	}
	if err := errors.Join(s.Save(b), s.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(make([]byte, block), 30*block)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func rowID(i int) string { return fmt.Sprintf("R%04d", i) }

// salvagedRows opens a store and counts the rows that are there. A row that was open
// must never be paid again.
func salvagedRows(path string) (int, error) {
	s, err := queue.Open(path)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	there := 0
	for i := range rows {
		p, err := s.Payment(context.Background(), rowID(i))
		switch {
		case errors.Is(err, queue.ErrNotFound):
			continue
		case err != nil:
			return 0, err
		case i%3 != 0 && p.State != queue.Paid:
			return 0, fmt.Errorf("%s is %s, was paid", p.ID, p.State)
		case i%3 == 0 && (p.State != queue.Unresolved || !p.PayNoMore):
			return 0, fmt.Errorf("%s, which was open, is %s and may be paid", p.ID, p.State)
		}
		there++
	}
	return there, goesOn(context.Background(), s)
}

// A power cut at any step of the replacing of a damaged store: the next start does
// it again, or finishes it, and keeps as many rows.
func TestNoPowerCutSpoilsASalvage(t *testing.T) {
	store := filepath.Join(t.TempDir(), "posagent.db")
	damagedStore(t, store)
	whole, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	ops := traceOpening(t, store)
	kept, err := salvagedRows(store)
	if err != nil || kept == 0 || kept == rows {
		t.Fatalf("undisturbed, %d rows of %d were kept (%v)", kept, rows, err)
	}
	r := replayOf(t, filepath.Dir(store), dice(t))
	r.Start = map[string][]byte{store: whole}
	if !*long {
		r.Every = 20
	}
	r.Kept = func(path string, _ *Promises) error {
		n, err := salvagedRows(path)
		if err == nil && n < kept {
			err = fmt.Errorf("%d rows are kept, undisturbed it were %d", n, kept)
		}
		return err
	}
	if err := r.Play(ops); err != nil {
		t.Error(err)
	}
	t.Logf("%d operations, %d states after a power cut", len(ops), r.States)
}

// openedByStrace names the store that the test below opens, in a process of its own.
const openedByStrace = "POWERCUT_STORE"

func TestOpenForTheTrace(t *testing.T) {
	path := os.Getenv(openedByStrace)
	if path == "" {
		t.Skip("called by another test")
	}
	s, err := queue.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, salvaged := s.Salvaged(); !salvaged {
		t.Error("nothing was salvaged")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func traceOpening(t *testing.T, store string) []Op {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	probe := exec.Command("strace", append(TraceArgs(), "-o", trace, "true")...)
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("strace can't be used here (%v: %s); install it, and allow ptrace", err, strings.TrimSpace(string(out)))
	}
	cmd := exec.Command("strace", append(TraceArgs(), "-o", trace, self, "-test.run=^TestOpenForTheTrace$")...)
	cmd.Env = append(os.Environ(), openedByStrace+"="+store)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ops, err := ParseTrace(f, store, []string{store}, func(string, []byte) []string { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// smallDisk mounts a filesystem of a size, where the test may.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("a small disk can't be mounted here, so none is filled (%v); run the test as root", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // it goes with the folder
	return dir
}

// fillUp takes all the room that is left, and returns what gives it back.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "others")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 16; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged store on a full disk: every start says what to do and leaves nothing
// behind that would make it worse; with room again the store is replaced.
func TestASalvageOnAFullDiskWaitsForRoom(t *testing.T) {
	dir := smallDisk(t, 3<<20)
	path := filepath.Join(dir, "posagent.db")
	damagedStore(t, path)
	if err := os.Remove(path + ".ballast"); err != nil {
		t.Fatal(err)
	}
	free := fillUp(t, dir)
	var before []string
	for try := range 3 {
		if _, err := queue.Open(path); err == nil || !strings.Contains(err.Error(), "room") {
			t.Errorf("on a full disk: %v", err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		if try > 0 && len(files) != len(before) {
			t.Errorf("try %d left %v, the one before %v", try+1, files, before)
		}
		before = files
	}
	free()
	if kept, err := salvagedRows(path); err != nil || kept == 0 {
		t.Errorf("with room again: %d rows kept, %v", kept, err)
	}
}

// An agent that starts on a full disk has its ballast to start with; what it then
// can't store it refuses, and with room again it goes on.
func TestAStartOnAFullDiskUsesTheBallast(t *testing.T) {
	dir := smallDisk(t, 3<<20)
	path := filepath.Join(dir, "posagent.db")
	s, err := queue.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(goesOn(context.Background(), s), s.Close()); err != nil {
		t.Fatal(err)
	}
	free := fillUp(t, dir)
	s, err = queue.Open(path)
	if err != nil {
		t.Fatalf("with a ballast to give: %v", err)
	}
	if _, err := s.Payment(context.Background(), "PROBE"); err != nil {
		t.Errorf("what was stored: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	free()
	s, err = queue.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if st, err := os.Stat(path + ".ballast"); err != nil || st.Size() == 0 {
		t.Errorf("with room again there is no ballast: %v", err)
	}
}
