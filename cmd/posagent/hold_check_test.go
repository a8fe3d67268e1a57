package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func (s *shop) holdCheck(args ...string) (code int, h hold) {
	s.t.Helper()
	code, out, errs := output(s.t, append([]string{"hold-check", "-json", "-config", s.site.configFile()}, args...)...)
	if err := json.Unmarshal([]byte(out), &h); err != nil || h.Code != code {
		s.t.Errorf("hold-check: exit %d, %v, %q %q", code, err, out, errs)
	}
	return code, h
}

// The whole life of an update's question: no store yet, idle, a sale, in doubt, the
// agent stopped in the midst of a window and after it.
func TestAnUpdateWaitsForACustomerAndForNothingElse(t *testing.T) {
	t.Parallel()
	s := openShop(t, strings.Replace(quick, `window = "20s"`, `window = "6s"`, 1))
	want := func(when string, code int, args ...string) {
		t.Helper()
		if got, h := s.holdCheck(args...); got != code {
			t.Errorf("%s: exit %d, want %d: %+v", when, got, code, h)
		}
	}
	want("before the first start", exitDone)
	want("before the first start, wanting one to run", exitFailed, "-running")
	stop := s.serve()
	s.fetch("/status")
	want("idle", exitDone, "-running")
	s.arm(sandbox.Plan{Name: "hang_after", Count: 1000})
	s.arm(sandbox.Plan{Name: "hang_after", Path: "inquiryPayment", Count: 1000})
	reg := s.register()
	s.until("it is taken on", func() bool {
		_, err := reg.Request(t.Context(), "pay", payBody("R1", 1050))
		return err == nil
	})
	want("in the midst of a sale", exitOpen)
	stop()
	want("stopped in the midst of a sale", exitOpen)
	s.serve()
	s.until("it is in doubt", func() bool {
		out, err := askReport(s)
		return err == nil && out.Payments.InDoubt == 1
	})
	want("in doubt", exitDone)
	must(t, os.WriteFile(s.site.configFile(), []byte("nonsense"), 0o600))
	if code, _, _ := output(t, "hold-check", "-config", s.site.configFile()); code != exitConfig {
		t.Errorf("a bad configuration: exit %d", code)
	}
}

// An agent whose worker is stuck is not well, and so is one that does not answer.
func TestAStuckAgentIsUnhealthy(t *testing.T) {
	t.Parallel()
	s := openShop(t, quick)
	log := &blocking{Handler: slog.NewTextHandler(s.log, nil), on: "stored", release: make(chan struct{})}
	s.serveAmid(surroundings{log: slog.New(log)})
	t.Cleanup(func() { close(log.release) })
	s.fetch("/status")
	reg := s.register()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _ = reg.Request(ctx, "pay", payBody("R1", 1050)) // the worker writes its log, and hangs
	if code, h := s.holdCheck(); code != exitFailed || !strings.Contains(h.Why, "does not come round") {
		t.Errorf("exit %d, %+v", code, h)
	}
	if m := s.metrics(); m["posagent_worker_up{}"] != 0 || m["posagent_worker_heartbeat_age_seconds{}"] < 1 {
		t.Errorf("the figures do not tell: %v, %v", m["posagent_worker_up{}"], m["posagent_worker_heartbeat_age_seconds{}"])
	}
	code, out := s.status()
	wantSays(t, out, "the worker does not come round", "payments  not known")
	if code != exitFailed {
		t.Errorf("status: exit %d", code)
	}
}

func TestWhatHoldsAnUpdate(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	yes, no := true, false
	known := func(change func(*report)) report {
		is := emptyReport(now)
		is.Running, is.Payments.Answering, is.Store.Writable = true, true, &yes
		change(&is)
		return is
	}
	for name, c := range map[string]struct {
		is   report
		want int
	}{
		"nothing":                       {known(func(*report) {}), exitDone},
		"in its window":                 {known(func(is *report) { is.Payments.InWindow = 1 }), exitOpen},
		"in doubt for ever":             {known(func(is *report) { is.Payments.InDoubt, is.Payments.Open = 3, 3 }), exitDone},
		"not delivered":                 {known(func(is *report) { is.Payments.Undelivered = 3 }), exitDone},
		"a refund just asked for":       {known(func(is *report) { is.Payments.RefundedAt = at(-5 * time.Second) }), exitOpen},
		"a refund asked for long ago":   {known(func(is *report) { is.Payments.RefundedAt = at(-5 * time.Minute) }), exitDone},
		"a disk that takes nothing":     {known(func(is *report) { is.Store.Writable = &no }), exitFailed},
		"that, and a customer":          {known(func(is *report) { is.Store.Writable, is.Payments.InWindow = &no, 1 }), exitOpen},
		"a worker that is stuck":        {known(func(is *report) { is.Payments.Answering = false }), exitFailed},
		"an agent that does not answer": {known(func(is *report) { is.Running, is.silent = false, true }), exitFailed},
		"stopped, in its window": {known(func(is *report) {
			is.Running, is.Away, is.Payments.InWindow, is.Payments.WindowEnds = false, true, 1, at(time.Second)
		}), exitOpen},
		"stopped, its window over": {known(func(is *report) {
			is.Running, is.Away, is.Payments.InWindow, is.Payments.WindowEnds = false, true, 1, at(-time.Second)
		}), exitDone},
		"stopped, and the clock set back": {known(func(is *report) {
			is.Running, is.Away, is.Payments.InWindow, is.Payments.WindowEnds = false, true, 1, at(24*time.Hour)
		}), exitDone},
		"a store that can't be read": {known(func(is *report) { is.Running, is.Away, is.Payments.Answering = false, true, false }), exitFailed},
	} {
		if got := judgeHold(c.is, 30*time.Second, false); got.Code != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}
