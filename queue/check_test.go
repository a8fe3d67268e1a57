package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// largeStore makes a store that is too large to be looked at whole at every start, of
// few payments with much content, one of them open, and returns its path.
func largeStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "posagent.db")
	s := openStore(t, path)
	var b Batch
	for i := range 250 {
		p, _ := Begin(time.UnixMilli(1_750_000_000_000+int64(i)), "lane1", testCommand(fmt.Sprintf("R%04d", i)), time.Minute)
		p.ExtendInfo = strings.Repeat("x", checkAtStart/200)
		if i > 0 {
			p = Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.PaymentID, p.Delivered = int64(i), fmt.Sprintf("A%d", i), p.Rev
			b.PutAway = append(b.PutAway, p.ID)
		}
		b.Payments = append(b.Payments, Change[Payment]{New: p})
	}
	if err := s.Save(b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A large store that was whole opens without a look at what is put away, which
// follows while the agent works. Damage that it finds ends the worker, and the next
// start looks at everything and replaces the store.
func TestALargeStoreIsLookedAtWhileTheAgentWorks(t *testing.T) {
	path := largeStore(t)
	whole := openStore(t, path) // the first look at all of it
	if whole.checkLater {
		t.Fatal("opened without a look, although none was ever taken")
	}
	whole.Close()
	again := openStore(t, path)
	if err := again.checkRest(context.Background()); !again.checkLater || err != nil {
		t.Fatalf("look later: %v; later: %v", again.checkLater, err)
	}
	again.Close()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, path, st.Size()-checkAtStart/2, make([]byte, 64<<10)) // among what was put away, last

	s := openStore(t, path)
	if _, salvaged := s.Salvaged(); salvaged {
		t.Fatal("the whole of a large store was looked at before it was opened")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := NewWorker(testOptions(s, newAcquirer())).Run(ctx); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the worker ended with %v, want the damage", err)
	}
	s.Close()
	healed := openStore(t, path)
	if report, salvaged := healed.Salvaged(); !salvaged || report.Kept == 0 || report.Open != 1 {
		t.Errorf("salvaged %v: %s", salvaged, report)
	}
}

// What the agent acts on is looked at before a large store is opened, too.
func TestWhatIsAtHandIsLookedAtFirst(t *testing.T) {
	path := largeStore(t)
	openStore(t, path).Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), "R0000lane1")
	spoil(t, path, int64(at), []byte("R000X"))
	s := openStore(t, path)
	if report, salvaged := s.Salvaged(); !salvaged || report.Kept != 249 {
		t.Errorf("salvaged %v: %s", salvaged, report)
	}
}
