package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"posagent/antom/sandbox"
	"posagent/queue"
)

// brisk are times with which a payment is in doubt after a second.
const brisk = `window = "1s"
pay_timeout = "300ms"
inquiry_timeout = "300ms"
inquiry_interval = "200ms"
quiet_time = "500ms"
`

// inDoubtShop is a shop whose Antom takes the money of R1 and says nothing of it.
func inDoubtShop(t *testing.T) (s *shop, stop func()) {
	t.Helper()
	s = openShop(t, brisk)
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1", Count: 10_000})
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1", Path: "inquiryPayment", Count: 10_000})
	stop = s.serve()
	reg := s.register()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := reg.Init(ctx)
	must(t, err)
	_, err = reg.Request(ctx, "pay", members("paymentRequestId", "R1", "paymentMethod", "ALIPAY_CN",
		"paymentAmount", members("value", 1050, "currency", "SGD")))
	must(t, err)
	s.until("R1 is in doubt, and nothing is on its way", func() bool {
		p := s.stored("R1")
		return p.InDoubt && !p.QuietFrom.IsZero() && time.Since(p.QuietFrom) > 600*time.Millisecond
	})
	return s, stop
}

// stored is a payment as the store has it.
func (s *shop) stored(id string) queue.Payment {
	s.t.Helper()
	v, err := queue.OpenView(s.site.cfg.Store.Path)
	must(s.t, err)
	defer v.Close()
	p, err := v.Payment(s.t.Context(), id)
	must(s.t, err)
	return p
}

func (s *shop) resolve(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	return output(s.t, append([]string{"resolve", "-config", s.site.configFile()}, args...)...)
}

// The running agent takes the word over its socket; explain tells it as what it is,
// and Antom is not called for it.
func TestAPersonResolvesWhatStaysInDoubtWhileTheAgentRuns(t *testing.T) {
	t.Parallel()
	s, _ := inDoubtShop(t)
	code, out, errs := s.resolve("R1", "-paid", "-reason", "listed in the portal, 14:05", "-by", "Ann Tan", "-yes", "-json")
	var after recordJSON
	if code != exitDone || json.Unmarshal([]byte(out), &after) != nil || after.State != "paid" || after.KnownFrom != "person" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if !strings.Contains(errs, "IN DOUBT") || !strings.Contains(errs, "PAID, for good, on the word of Ann Tan") {
		t.Errorf("what is known was not shown first: %s", errs)
	}
	if p := s.stored("R1"); p.State != queue.Paid || p.Result.Code != "AGENT_RESOLVED" {
		t.Errorf("stored: %s %+v", p.State, p.Result)
	}
	calls := len(s.server.History())
	code, out, _ = output(t, "explain", "-config", s.site.configFile(), "R1")
	if flat := strings.Join(strings.Fields(out), " "); code != exitDone || !strings.Contains(flat, `on a person's word and not on Antom's`) ||
		!strings.Contains(flat, "Ann Tan: listed in the portal, 14:05") {
		t.Errorf("explain, exit %d: %s", code, out)
	}
	time.Sleep(time.Second) // five questions' time, had it gone on
	if more := len(s.server.History()); more != calls {
		t.Errorf("Antom was called %d times since", more-calls)
	}
	if code, _, errs := s.resolve("R1", "-not-paid", "-reason", "changed my mind", "-yes"); code != exitFailed || !strings.Contains(errs, "ended already") {
		t.Errorf("a second word: exit %d, %s", code, errs)
	}
}

// Where no agent runs, the command writes the store itself; and one that is running
// and can't be asked is not written past.
func TestAPersonResolvesWhatStaysInDoubtWhereNoAgentRuns(t *testing.T) {
	t.Parallel()
	s, stop := inDoubtShop(t)
	stop()
	lock, err := os.OpenFile(s.site.cfg.Store.Path+".lock", os.O_RDWR, 0)
	must(t, err)
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	before := s.stored("R1")
	if code, _, errs := s.resolve("R1", "-paid", "-reason", "seen", "-yes"); code != exitFailed || !strings.Contains(errs, "unix socket only") || s.stored("R1") != before {
		t.Errorf("beside an agent without a socket: exit %d, %s", code, errs)
	}
	must(t, lock.Close())
	if code, _, errs := s.resolve("R1", "-not-paid", "-reason", "seen", "-seen", "1m", "-yes"); code != exitFailed || !strings.Contains(errs, "look again after that") {
		t.Errorf("seen too early: exit %d, %s", code, errs)
	}
	s.until("nothing can be on its way that no row speaks of", func() bool { return time.Since(before.Deadline) > time.Second })
	code, out, errs := s.resolve("R1", "-not-paid", "-reason", "not listed", "-yes")
	if p := s.stored("R1"); code != exitDone || p.State != queue.Failed || p.KnownFrom() != queue.FromPerson || !strings.Contains(out, "recorded as not paid") {
		t.Errorf("exit %d: %s%s, stored as %s", code, out, errs, p.State)
	}
}

// Root does not write the store of the agent's user, who could not open what it left.
func TestAnotherUsersStoreIsNotWrittenByResolve(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user here")
	}
	s, stop := inDoubtShop(t)
	stop()
	must(t, os.Chown(s.site.cfg.Store.Path, nobody, nobody))
	if code, _, errs := s.resolve("R1", "-paid", "-reason", "seen", "-yes"); code != exitFailed || !strings.Contains(errs, "sudo -u") || s.stored("R1").State.Final() {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// Nothing is recorded that was not asked for in so many words.
func TestAWordThatWasNotMeantIsNotRecorded(t *testing.T) {
	s, _ := inDoubtShop(t)
	for _, args := range [][]string{
		{"R1", "-reason", "x", "-yes"}, {"R1", "-paid", "-not-paid", "-reason", "x", "-yes"}, {"R1", "-paid", "-yes"},
		{"-paid", "-reason", "x", "-yes"}, {"R1", "R2", "-paid", "-reason", "x", "-yes"}, {"R1", "-paid", "-reason", "x", "-seen", "never", "-yes"},
	} {
		if code, _, _ := s.resolve(args...); code != exitUsage {
			t.Errorf("%v: exit %d, want %d", args, code, exitUsage)
		}
	}
	for _, args := range [][]string{
		{"R9", "-paid", "-reason", "x", "-yes"}, {"R1", "-paid", "-reason", strings.Repeat("x", 201), "-yes"}, {"R1", "-paid", "-reason", "a\nb", "-yes"},
	} {
		if code, _, _ := s.resolve(args...); code != exitFailed {
			t.Errorf("%v: exit %d, want %d", args, code, exitFailed)
		}
	}
	file := filepath.Join(t.TempDir(), "in")
	must(t, os.WriteFile(file, []byte("yes\n"), 0o600))
	in, err := os.Open(file)
	must(t, err)
	defer in.Close()
	if code, errs := s.resolveAt(in); code != exitUsage || !strings.Contains(errs, "say -yes") { // nobody can be asked there
		t.Errorf("yes from a file: exit %d, %s", code, errs)
	}
	if s.stored("R1").State.Final() {
		t.Error("it was recorded")
	}
}

func (s *shop) resolveAt(in *os.File) (code int, stderr string) {
	var out, errs bytes.Buffer
	args := []string{"-config", s.site.configFile(), "R1", "-paid", "-reason", "x"}
	code = runResolve(s.t.Context(), env{&out, &errs}, resolveCommand(), args, in)
	return code, errs.String()
}

// At a terminal the word is asked for, and only yes is yes.
func TestAtATerminalOnlyYesIsYes(t *testing.T) {
	s, _ := inDoubtShop(t)
	for _, said := range []string{"y\n", "no\n", "yes\n"} {
		terminal, keys := openTerminal(t)
		_, err := keys.WriteString(said)
		must(t, err)
		code, errs := s.resolveAt(terminal)
		if yes := said == "yes\n"; yes != (code == exitDone) || yes != s.stored("R1").State.Final() {
			t.Errorf("%q: exit %d, %s", said, code, errs)
		}
	}
}

// Over TCP, where any user of the box can ask, a person's word is not taken.
func TestAPersonsWordIsTakenOnTheUnixSocketAlone(t *testing.T) {
	for _, onSocket := range []bool{true, false} {
		mux := http.NewServeMux()
		(&agent{}).statusRoutes(mux, onSocket)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+resolvePath, nil)
		must(t, err)
		if _, pattern := mux.Handler(req); (pattern != "") != onSocket {
			t.Errorf("on a socket %v: POST %s goes to %q", onSocket, resolvePath, pattern)
		}
	}
}

// openTerminal is a pseudo terminal, and what is typed at it.
func openTerminal(t *testing.T) (terminal, keys *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	must(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _, _ = terminal.Close(), keys.Close() })
	return terminal, keys
}
