package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBenchMeasuresEverythingAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := output(t, "bench", "-dir", dir, "-long", "-rounds", "2", "-sales", "24", "-idle", "1s", "-json")
	var r benchReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitDone {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if len(r.Sales) != 2 || r.Sales[0].Transport != "https" || r.Sales[1].Transport != "http" {
		t.Fatalf("sales: %s", out)
	}
	for _, s := range r.Sales {
		for what, v := range map[string]float64{"to the gateway": s.ToGateway.Took.P50, "to the register": s.ToRegister.Took.P50,
			"commit": s.Commit.P50, "synced": s.SyncedRaw.P50, "request": s.RSARequest.P50, "answer": s.RSAAnswer.P50} {
			if v <= 0 || v > float64(time.Minute.Microseconds()) {
				t.Errorf("%s, %s: %v µs", s.Transport, what, v)
			}
		}
		if confirmed := s.Confirming.P50 > 0; s.Rounds != 2 || confirmed != (s.Transport == "http") {
			t.Errorf("%s: %d rounds, confirmed by an inquiry: %v", s.Transport, s.Rounds, confirmed)
		}
	}
	if r.Memory == nil || r.Memory.Sales != 24 || r.Memory.AtTheEndKiB < 1000 || r.Idle == nil || r.Line.TimesTheLine < 1 {
		t.Errorf("memory %+v, idle %+v, line %+v", r.Memory, r.Idle, r.Line)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	tooLong := func(line string) bool { return len(line) > 80 && line != dir }
	if text := r.text(); !strings.Contains(text, "A sale waits") || slices.ContainsFunc(strings.Split(text, "\n"), tooLong) {
		t.Errorf("for a person, in more than 80 columns or without a meaning:\n%s", text)
	}
}

func TestBenchOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, benchFolder, "a file")
	must(t, os.Mkdir(filepath.Dir(kept), 0o700))
	must(t, os.WriteFile(kept, []byte("of somebody's"), 0o600))
	code, _, errs := output(t, "bench", "-dir", dir, "-rounds", "1")
	if _, err := os.Stat(kept); code != exitFailed || err != nil || !strings.Contains(errs, "is there already") {
		t.Errorf("exit %d, %v: %s", code, err, errs)
	}
}

// The agent runs on, with its store and its port, while the box is measured.
func TestBenchBesideARunningAgentTouchesNeitherStoreNorPort(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	till := s.till()
	s.wantAgree(s.sell(till, "BEFORE", 1050))
	names := func() (list []string) {
		entries, err := os.ReadDir(s.dir)
		must(t, err)
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	before := names()
	code, out, errs := output(t, "bench", "-config", s.site.configFile(), "-rounds", "1")
	if code != exitDone || !strings.Contains(out, "at 115200 baud") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if after := names(); !slices.Equal(before, after) {
		t.Errorf("the store's folder holds %v, held %v", after, before)
	}
	s.wantAgree(s.sell(till, "AFTER", 1050))
	if n := len(s.server.Ledger()); n != 2 {
		t.Errorf("%d charges, want the two sales'", n)
	}
}

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-sales", "0"}, {"-idle", "1ms"}, {"-dir", "a", "-config", "b"}, {"now"}} {
		if code, _, errs := output(t, append([]string{"bench"}, args...)...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
	if code, _, errs := output(t, "bench", "-dir", filepath.Join(t.TempDir(), "none")); code != exitFailed || !strings.Contains(errs, "name a folder") {
		t.Errorf("no folder: exit %d, %s", code, errs)
	}
	if code, _, _ := output(t, "bench", "-config", filepath.Join(t.TempDir(), "none")); code != exitConfig {
		t.Errorf("no configuration: exit %d", code)
	}
}
