package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"

	"posagent/queue"
)

func (s *shop) status(args ...string) (code int, out string) {
	s.t.Helper()
	code, out, errs := output(s.t, append([]string{"status", "-config", s.site.configFile()}, args...)...)
	if errs != "" {
		s.t.Errorf("status said on standard error: %s", errs)
	}
	return code, out
}

// unfolded is a text however its lines are broken.
func unfolded(text string) string { return strings.Join(strings.Fields(text), " ") }

func wantSays(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// With the agent at work the screen is its word; without it the store's, and that is
// said.
func TestStatusIsTheAgentsWordOrTheStores(t *testing.T) {
	s := openShop(t, quick)
	code, out := s.status()
	wantSays(t, unfolded(out), "the agent does not run", "it is not there", "payments not known")
	if code != exitFailed {
		t.Errorf("neither agent nor store: exit %d", code)
	}
	stop := s.serve()
	s.sell(s.till(), "R1", 1050)
	code, out = s.status()
	wantSays(t, out, "agent     runs since", " linked; ", "answers since", "0 open", "SGD 10.50 paid in 1", "writable; commits")
	if code != exitDone {
		t.Errorf("running: exit %d", code)
	}
	stop()
	code, out = s.status()
	wantSays(t, unfolded(out), "NOT ASKED: the agent does not run", "what the store tells", "0 open", "SGD 10.50 paid in 1")
	if code != exitDone {
		t.Errorf("stopped: exit %d", code)
	}
	var is report
	code, out = s.status("-json")
	if err := json.Unmarshal([]byte(out), &is); err != nil || code != exitDone || is.Running || !is.Away || is.Today.Totals[0].PaidMinor != 1050 {
		t.Errorf("-json: exit %d, %v, %+v", code, err, is)
	}
}

// The socket is off, or another program's: the store is read, and why is said.
func TestStatusSaysWhyTheAgentCanNotBeAsked(t *testing.T) {
	s := openShop(t, quick)
	rewrite(t, s.site.configFile(), "listen = ", `listen = ""`)
	s.serve()
	s.sell(s.till(), "R1", 1050)
	code, out := s.status()
	wantSays(t, unfolded(out), "runs, and can't be asked", `[status] listen is ""`, "SGD 10.50 paid in 1")
	if code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// A register that is gone from the configuration leaves ends that nobody tells it.
func TestStatusNamesWhatNobodyWillDeliver(t *testing.T) {
	s := openShop(t, quick)
	stop := s.serve()
	reg := s.register()
	s.until("it is taken on", func() bool {
		_, err := reg.Request(t.Context(), "pay", payBody("R1", 1050))
		return err == nil
	})
	s.until("it has ended", func() bool {
		out, err := askReport(s)
		return err == nil && out.Payments.Undelivered == 1
	})
	stop()
	rewrite(t, s.site.configFile(), "name = ", `name = "lane9"`)
	_, out := s.status()
	wantSays(t, out, "lane1: no longer configured, 1 not delivered", "not delivered: 1")
	s.serve()
	s.until("the agent answers", func() bool { _, err := askReport(s); return err == nil })
	_, out = s.status()
	wantSays(t, out, "lane1: no longer configured, 1 not delivered")
}

// The fullest report there is fits a screen, and what was put in its texts does not
// reach the terminal as an order.
func TestTheScreenIs80By24(t *testing.T) {
	is := emptyReport(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))
	long := strings.Repeat("long ", 40) + "\x1b[2J\a"
	is.Config = "/etc/" + long
	for i := range 20 {
		is.Registers = append(is.Registers, registerReport{Name: fmt.Sprint("lane", i, long), Port: long, Configured: i%2 == 0, Trouble: long, Undelivered: 7})
	}
	started := is.At.Add(-time.Hour)
	is.Running, is.StartedAt = true, &started
	is.Antom = antomReport{BaseURL: long, Asked: true, Why: long, Since: &started}
	var o queue.Overview
	o.InDoubt, o.Open = 9, 9
	for range 5 {
		o.Oldest = append(o.Oldest, queue.Brief{ID: strings.Repeat("R", 64), State: "unresolved", InDoubt: true, AmountMinor: 1<<31 - 1, Currency: "SGD", ReceivedAt: started})
	}
	is.Payments.overview(o)
	is.Today = &todayReport{Totals: make([]sumOfDay, 9)}
	no := false
	is.Store = storeReport{Path: long, Writable: &no, P99Seconds: 12.5}
	text := drawn(screen(is, time.UTC), false)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 80 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if strings.ContainsAny(text, "\x1b\a\r") {
		t.Errorf("a control character: %q", text)
	}
	if !strings.Contains(drawn(screen(is, time.UTC), true), "\x1b[") {
		t.Error("no colours on a terminal")
	}
}

// -watch draws the screen anew on a terminal until Ctrl-C, which ends it with 0.
func TestStatusIsWatchedOnATerminal(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "status", "-config", s.site.configFile(), "-watch")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	must(t, err)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = terminal.Close() })
	var seen lockedBuffer
	read := make(chan struct{})
	go func() { defer close(read); _, _ = io.Copy(&seen, terminal) }()
	s.until("it was drawn three times", func() bool { return strings.Count(seen.String(), "\x1b[H") >= 3 })
	if n := strings.Count(seen.String(), "agent     runs since"); n < 2 {
		t.Errorf("drawn %d times:\n%q", n, seen.String())
	}
	_, err = terminal.Write([]byte{3}) // Ctrl-C
	must(t, err)
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
	_ = terminal.Close()
	<-read
}

// Into a pipe it is a line at each change, without colours.
func TestStatusIsWatchedInAPipe(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.fetch("/status")
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "status", "-config", s.site.configFile(), "-watch")
	var seen lockedBuffer
	cmd.Stdout = &seen
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	s.until("the first line", func() bool { return strings.Contains(seen.String(), "the agent runs") })
	till := s.till()
	s.sell(till, "R1", 1050)
	s.until("the link is in a line", func() bool { return strings.Contains(seen.String(), "lane1 linked") })
	must(t, cmd.Process.Signal(syscall.SIGINT))
	must(t, cmd.Wait())
	if text := seen.String(); strings.Contains(text, "\x1b") || strings.Count(text, "\n") > 10 {
		t.Errorf("%q", text)
	}
}
