package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posagent/queue"
)

// shopWithStore is a shop whose agent is down, with so many payments in its store:
// TILL_001 and on, the last one in doubt.
func shopWithStore(t *testing.T, n int) (s *shop, path string) {
	t.Helper()
	s = openShop(t, quick)
	path = filepath.Join(s.dir, "posagent.db")
	store, err := queue.Open(path)
	must(t, err)
	var b queue.Batch
	at := time.Now().Add(-time.Hour) // the same of all: a list's order then goes by the ids
	for i := range n {
		p, _ := queue.Begin(at, "lane1", queue.Command{
			ID: fmt.Sprintf("TILL_%03d", i+1), Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD", ExtendInfo: strings.Repeat("x", 300),
		}, time.Minute)
		if i+1 < n {
			p, _ = queue.Policy{}.Step(p.ReceivedAt.Add(time.Second), p, queue.Answered{To: queue.Pay, Answer: queue.Answer{
				Verdict: queue.VerdictPaid, PaymentID: fmt.Sprint("A", i), Result: queue.Result{Status: "S", Code: "SUCCESS"},
			}})
			p.EndedSeq, p.Delivered = int64(i+1), p.Rev
		} else {
			p, _ = queue.Policy{}.Step(time.Now(), p, queue.Tick{})
		}
		b.Payments = append(b.Payments, queue.Change[queue.Payment]{New: p})
	}
	must(t, store.Save(b))
	must(t, store.Close())
	return s, path
}

// The lines of -json hold each one object, and the objects what the list says.
func TestPaymentsAndTheirStoriesCanBeReadByPrograms(t *testing.T) {
	s, _ := shopWithStore(t, 3)
	code, out, errs := output(t, "payments", "-config", s.site.configFile(), "-json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitDone || len(lines) != 3 {
		t.Fatalf("exit %d, %d lines: %s%s", code, len(lines), out, errs)
	}
	for i, line := range lines {
		var r recordJSON
		must(t, json.Unmarshal([]byte(line), &r))
		if want := fmt.Sprintf("TILL_%03d", i+1); r.Kind != "payment" || r.ID != want || r.Amount.ValueMinor != 1050 || r.Final != (i < 2) || r.InDoubt != (i == 2) {
			t.Errorf("line %d: %s, want %s", i, line, want)
		}
	}
	code, out, errs = output(t, "explain", "-json", "TILL_003", "-config", s.site.configFile())
	var e explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != exitDone || !strings.HasPrefix(e.Verdict, "IN DOUBT") || len(e.Unknown) != 2 || e.Running {
		t.Errorf("exit %d: %+v (%v) %s", code, e, err, errs)
	}
	code, out, _ = output(t, "explain", "-json", "TILL_O01", "-config", s.site.configFile())
	var unknown struct {
		Found       bool
		NeverStored bool
		Near        []recordJSON
	}
	if err := json.Unmarshal([]byte(out), &unknown); err != nil || code != exitFailed || unknown.Found || !unknown.NeverStored || len(unknown.Near) == 0 || unknown.Near[0].ID != "TILL_001" {
		t.Errorf("exit %d: %s (%v)", code, out, err)
	}
}

func TestFiltersOfPaymentsNarrowTheList(t *testing.T) {
	s, _ := shopWithStore(t, 4)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-state", "in-doubt"}, "TILL_004"},
		{[]string{"-state", "paid", "-limit", "1"}, "2 more fit"},
		{[]string{"-id", "_002"}, "TILL_002"},
		{[]string{"-since", "10m"}, "nothing fits"},
		{[]string{"-amount", "10.51"}, "nothing fits"},
		{[]string{"-amount", "SGD 10.50", "-register", "lane1", "-since", "2h"}, "TILL_001"},
	} {
		code, out, errs := output(t, append([]string{"payments", "-config", s.site.configFile()}, c.args...)...)
		if code != exitDone || !strings.Contains(out, c.want) {
			t.Errorf("%v: exit %d: %s%s", c.args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"-state", "lost"}, {"-since", "someday"}, {"-amount", "much"}, {"TILL_001"}} {
		if code, _, _ := output(t, append([]string{"payments", "-config", s.site.configFile()}, args...)...); code != exitUsage {
			t.Errorf("%v: exit %d, want %d", args, code, exitUsage)
		}
	}
}

// A row that was lost with a damaged store is found in the file that was kept; and the
// store is not said never to have had it.
func TestARowThatWasLostIsLookedForInTheFileThatWasKept(t *testing.T) {
	s, path := shopWithStore(t, 120)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 4096), 20*4096) // a page in the middle of the table
	must(t, err)
	must(t, f.Close())
	store, err := queue.Open(path) // as a start does
	must(t, err)
	if _, salvaged := store.Salvaged(); !salvaged {
		t.Fatal("nothing was salvaged")
	}
	must(t, store.Close())
	view, err := queue.OpenView(path)
	must(t, err)
	ids, err := view.IDs(t.Context())
	must(t, err)
	must(t, view.Close())
	if len(ids) == 120 {
		t.Fatal("nothing was lost")
	}
	_, out, _ := output(t, "explain", "-config", s.site.configFile(), firstMissing(ids))
	flat := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"Not that it was never stored: rows were lost", "The damaged file", ".damaged-", "Antom is asked about it before it is paid"} {
		if !strings.Contains(flat, want) {
			t.Errorf("explain does not say %q:\n%s", want, out)
		}
	}
}

func firstMissing(ids []string) string {
	there := map[string]bool{}
	for _, id := range ids {
		there[id] = true
	}
	for i := 1; ; i++ {
		if id := fmt.Sprintf("TILL_%03d", i); !there[id] {
			return id
		}
	}
}
