package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
	"posagent/config"
	"posagent/device/virtual"
)

// reloadable runs an agent inside the test that reads its configuration anew when it
// is told to, and returns how it is told.
func (s *shop) reloadable(every time.Duration) (reload func()) {
	hup := make(chan os.Signal, 1)
	logs := newLogs(s.log, config.Log{Level: "info", Format: "text"})
	s.serveAmid(surroundings{log: slog.New(logs), logs: logs, hup: hup, every: every})
	return func() {
		s.t.Helper()
		before := s.said()
		hup <- syscall.SIGHUP
		s.until("the configuration was read", func() bool { return s.said() > before })
	}
}

// said is how often the agent said what became of a configuration.
func (s *shop) said() int {
	text := s.log.String()
	return strings.Count(text, "the configuration is taken") + strings.Count(text, "the configuration is not taken")
}

// Every fault is said in one line, nothing changes, and the till does not notice.
func TestABadConfigurationIsNotTaken(t *testing.T) {
	s := openShop(t, quick)
	reload := s.reloadable(0)
	till := s.till()
	s.wantAgree(s.sell(till, "R1", 1050))
	good, err := os.ReadFile(s.site.configFile())
	must(t, err)
	must(t, os.WriteFile(s.site.configFile(), []byte(strings.NewReplacer(
		`window = "20s"`, `window = "soon"`, `cipher = "ecb"`, `cipher = "rot13"`, `"./private.pem"`, `"./none.pem"`).Replace(string(good))), 0o600))
	reload()
	line := lineWith(s.log.String(), "the configuration is not taken")
	for _, want := range []string{"level=ERROR", "payments.window", "antom.cipher", "none.pem is not there", "posagent check"} {
		if !strings.Contains(line, want) {
			t.Errorf("the line does not say %q: %s", want, line)
		}
	}
	s.wantAgree(s.sell(till, "R2", 1050))
	if n := strings.Count(s.log.String(), "port open"); n != 1 {
		t.Errorf("the port was opened %d times", n)
	}
	must(t, os.WriteFile(s.site.configFile(), good, 0o600))
	reload()
	if line := lineWith(s.log.String(), "the configuration is taken"); !strings.Contains(line, "changed=nothing") {
		t.Errorf("the same as before: %s", line)
	}
}

func lineWith(text, part string) string {
	found := ""
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = line
		}
	}
	return found
}

// What can change does, without a restart: registers come and go, the others' links
// are not touched, and times, methods and the log's form hold at once.
func TestWhatCanChangeDoesWithoutARestart(t *testing.T) {
	s := openShop(t, quick)
	reload := s.reloadable(0)
	till := s.till()
	s.wantAgree(s.sell(till, "R1", 1050))
	second, err := virtual.NewCable()
	must(t, err)
	t.Cleanup(func() { must(t, second.Close()) })
	plug, err := second.Plug()
	must(t, err)
	t.Cleanup(func() { _ = plug.Close() })
	text, err := os.ReadFile(s.site.configFile())
	must(t, err)
	changed := strings.Replace(string(text), "[payments]\n", "[payments]\nmethods = [\"WECHATPAY\"]\n", 1) +
		fmt.Sprintf("\n[[register]]\nname = \"lane2\"\nport = %q\n\n[log]\nformat = \"json\"\n", second.Path())
	must(t, os.WriteFile(s.site.configFile(), []byte(changed), 0o600))
	reload()
	if line := lineWith(s.log.String(), "the configuration is taken"); !strings.Contains(line, `"changed":"payments, log, register lane2 added"`) {
		t.Errorf("said: %s", line)
	}
	s.until("the second port is open", func() bool {
		out, err := askReport(s)
		return err == nil && len(out.Registers) == 2 && out.Registers[1].PortOpen && out.Registers[0].LinkUp
	})
	if n := strings.Count(s.log.String(), "register=lane1 port="); n != 1 {
		t.Errorf("the first register's port was opened %d times", n)
	}
	must(t, os.WriteFile(s.site.configFile(), text, 0o600)) // and back
	reload()
	out, err := askReport(s)
	if err != nil || len(out.Registers) != 1 || !out.Registers[0].LinkUp {
		t.Errorf("back: %+v, %v", out.Registers, err)
	}
	s.wantAgree(s.sell(till, "R2", 1050))
}

// Keys change in the midst of a sale: the call under way goes on to its end, the next
// one has the new keys, and money moves once.
func TestNewKeysStopNoSale(t *testing.T) {
	s := openShop(t, strings.Replace(quick, `pay_timeout = "400ms"`, `pay_timeout = "5s"`, 1))
	reload := s.reloadable(0)
	till := s.till()
	s.wantAgree(s.sell(till, "R1", 1050))
	next, err := antom.GenerateKey()
	must(t, err)
	pem, err := antom.EncodePublicKey(next.Public())
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.dir, "antom-next.pem"), pem, 0o600))
	s.arm(sandbox.Plan{Name: "slow_customer", ID: "R2", Duration: time.Second})
	sold := make(chan virtual.PaymentState, 1)
	go func() { sold <- s.sell(till, "R2", 1050) }()
	s.until("the call is under way", func() bool {
		out, err := askReport(s)
		return err == nil && out.Payments.CallsNow > 0
	})
	rewrite(t, s.site.configFile(), "antom_public_key_file = ", `antom_public_key_file = ["./antom.pem", "./antom-next.pem"]`)
	reload()
	if line := lineWith(s.log.String(), "the configuration is taken"); !strings.Contains(line, "changed=antom") {
		t.Errorf("said: %s", line)
	}
	s.wantAgree(<-sold)
	s.wantAgree(s.sell(till, "R3", 1050))
	if c := s.charges("R2"); len(c) != 1 || c[0].PayRequests != 1 {
		t.Errorf("the ledger has %+v, want one charge asked for once", c)
	}
}

// Another gateway does not know the payments of this one, and would call them not
// found: it is taken once nothing is open.
func TestTheGatewayDoesNotChangeUnderAnOpenPayment(t *testing.T) {
	t.Parallel()
	s := openShop(t, strings.Replace(quick, `window = "20s"`, `window = "5s"`, 1))
	reload := s.reloadable(0)
	till := s.till()
	s.sell(till, "R0", 1050)
	good, err := os.ReadFile(s.site.configFile())
	must(t, err)
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1", Count: 1000}) // open to the end of its window
	sold := make(chan virtual.PaymentState, 1)
	go func() { sold <- s.sell(till, "R1", 1050) }()
	s.until("the payment is open", func() bool {
		out, err := askReport(s)
		return err == nil && out.Payments.Open == 1
	})
	rewrite(t, s.site.configFile(), "base_url = ", `base_url = "http://127.0.0.1:1/openapi/v2"`)
	reload()
	if out, err := askReport(s); err != nil || out.Antom.BaseURL != s.site.cfg.Antom.BaseURL {
		t.Errorf("calls go to %s, %v", out.Antom.BaseURL, err)
	}
	if line := lineWith(s.log.String(), "only while nothing is open"); !strings.Contains(line, "level=WARN") {
		t.Error("it is not said")
	}
	s.wantAgree(<-sold)
	reload()
	if out, err := askReport(s); err != nil || out.Antom.BaseURL != "http://127.0.0.1:1/openapi/v2" {
		t.Errorf("with nothing open calls go to %s, %v", out.Antom.BaseURL, err)
	}
	must(t, os.WriteFile(s.site.configFile(), good, 0o600))
}

func TestTheStoreStaysWhereItIsUntilARestart(t *testing.T) {
	s := openShop(t, quick)
	reload := s.reloadable(0)
	s.fetch("/status")
	rewrite(t, s.site.configFile(), "path = ", `path = "elsewhere.db"`)
	reload()
	if line := lineWith(s.log.String(), "store.path changes only at a restart"); line == "" {
		t.Error("it is not said")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "elsewhere.db")); err == nil {
		t.Error("a second store was made")
	}
	if out, err := askReport(s); err != nil || !strings.HasSuffix(out.Store.Path, "/posagent.db") {
		t.Errorf("the store is %s, %v", out.Store.Path, err)
	}
}

func TestTheStatusSocketMoves(t *testing.T) {
	s := openShop(t, quick)
	reload := s.reloadable(0)
	s.fetch("/status")
	rewrite(t, s.site.configFile(), "listen = ", `listen = "unix:moved.sock"`)
	reload()
	if _, err := askReport(s); err == nil {
		t.Error("the old socket answers still")
	}
	if err := newStatusClient("unix:"+filepath.Join(s.dir, "moved.sock"), 5*time.Second).get(t.Context(), "/status", &report{}); err != nil {
		t.Error(err)
	}
}

// A changed file is noticed without a signal, and one half-way written is left alone.
func TestAChangedFileIsNoticedByItself(t *testing.T) {
	s := openShop(t, quick)
	s.reloadable(50 * time.Millisecond)
	s.fetch("/status")
	rewrite(t, s.site.configFile(), "window = ", `window = "21s"`)
	s.until("it is taken", func() bool { return strings.Contains(s.log.String(), `because="the file changed"`) })
	key := filepath.Join(s.dir, siteAntomKey)
	text, err := os.ReadFile(key)
	must(t, err)
	must(t, os.WriteFile(key, append(text, '\n'), 0o600)) // as another key under the same name would
	s.until("a key is noticed, too", func() bool { return s.said() == 2 })
	must(t, os.Remove(s.site.configFile()))
	s.until("its loss is said", func() bool { return strings.Contains(s.log.String(), "the configuration is not taken") })
	<-time.After(500 * time.Millisecond)
	if n := s.said(); n != 3 {
		t.Errorf("a lost file was said %d times", n-2)
	}
}

func TestAFileIsReadOnceItHasComeToRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "posagent.toml")
	write := func(text string) { must(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("one")
	w := watchFiles(settings{file: file})
	looks := func(want bool) {
		t.Helper()
		if got := w.changed(); got != want {
			t.Errorf("changed: %v, want %v", got, want)
		}
	}
	looks(false)
	write("two, half")
	looks(false)
	write("two, whole")
	looks(false)
	looks(true)
	w.read(settings{file: file})
	looks(false)
	write("three")
	looks(false)
	write("two, whole") // taken back
	looks(false)
	looks(false)
	same := time.Unix(1_700_000_000, 0) // a clock that was set back: the times say nothing
	must(t, os.Chtimes(file, same, same))
	looks(false)
	w.marks = marksOf(settings{file: file})
	write("two, WHOLE")
	must(t, os.Chtimes(file, same, same))
	w.marks = marksOf(settings{file: file})
	noticed := false
	for range readEvery + 1 {
		noticed = noticed || w.changed()
	}
	if !noticed {
		t.Error("what the times did not tell was never noticed")
	}
	must(t, os.Remove(file))
	looks(false)
	looks(true)
	must(t, syscall.Mkfifo(file, 0o600)) // nobody writes: reading it would never end
	looks(false)
	looks(true)
}

// A till does not stay shut because nobody can watch it: what is in the socket's
// place is said, sales go on, and a reload tries again.
func TestAnAgentWithoutItsSocketServesAllTheSame(t *testing.T) {
	s := openShop(t, quick)
	path := filepath.Join(s.dir, siteSocket)
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	reload := s.reloadable(0)
	s.wantAgree(s.sell(s.till(), "R1", 1050))
	if line := lineWith(s.log.String(), "no status socket"); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "is no socket; move it away") {
		t.Errorf("said: %s", line)
	}
	code, out := s.status()
	if wantSays(t, unfolded(out), "runs, and can't be asked", "SGD 10.50 paid in 1"); code != exitDone {
		t.Errorf("status: exit %d", code)
	}
	if code, h := s.holdCheck(); code != exitDone {
		t.Errorf("hold-check: exit %d, %+v", code, h)
	}
	must(t, os.Remove(path))
	reload()
	if _, err := askReport(s); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}
