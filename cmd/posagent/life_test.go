package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// supervisor hears what systemd would.
type supervisor struct {
	t     *testing.T
	conn  *net.UnixConn
	mu    sync.Mutex
	words []string
}

// listenAs listens on a notify socket, abstract or a path.
func listenAs(t *testing.T, name string) *supervisor {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	must(t, err)
	s := &supervisor{t: t, conn: conn}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.words = append(s.words, strings.Split(string(buffer[:n]), "\n")...)
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	return s
}

func (s *supervisor) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.words)
}

func (s *supervisor) count(word string) (n int) {
	for _, w := range s.heard() {
		if w == word {
			n++
		}
	}
	return n
}

// await waits until a word was heard so often.
func (s *supervisor) await(word string, times int) {
	s.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	over := time.After(20 * time.Second)
	for s.count(word) < times {
		select {
		case <-look.C:
		case <-over:
			s.t.Fatalf("%s was heard %d times, want %d; all: %q", word, s.count(word), times, s.heard())
		}
	}
}

// The real process tells systemd of its life: ready once it serves, alive, reloading
// with the time, ending.
func TestSystemdIsToldOfTheAgentsLife(t *testing.T) {
	for _, abstract := range []bool{false, true} {
		s := openShop(t, quick)
		name := filepath.Join(s.dir, "notify")
		if abstract {
			name = "@" + name
		}
		systemd := listenAs(t, name)
		t.Setenv("NOTIFY_SOCKET", name)
		t.Setenv("WATCHDOG_USEC", "200000")
		agent := s.agentProcess()
		systemd.await("READY=1", 1)
		if word, err := askReport(s); err != nil || !word.Payments.Answering {
			t.Errorf("ready, and yet it answers %+v, %v", word, err)
		}
		systemd.await("WATCHDOG=1", 5)
		before := monotonic(t)
		must(t, agent.cmd.Process.Signal(syscall.SIGHUP))
		systemd.await("RELOADING=1", 1)
		systemd.await("READY=1", 2)
		said := systemd.heard()
		at := slices.IndexFunc(said, func(w string) bool { return strings.HasPrefix(w, "MONOTONIC_USEC=") })
		if at < 0 || said[at-1] != "RELOADING=1" {
			t.Fatalf("heard %q", said)
		}
		usec, err := strconv.ParseInt(strings.TrimPrefix(said[at], "MONOTONIC_USEC="), 10, 64)
		if err != nil || usec < before || usec > monotonic(t) {
			t.Errorf("reloaded at %d, between %d and now", usec, before)
		}
		must(t, agent.stop())
		if systemd.count("STOPPING=1") != 1 {
			t.Errorf("heard %q", systemd.heard())
		}
		if !slices.ContainsFunc(systemd.heard(), func(w string) bool { return regexp.MustCompile(`^STATUS=serving 1 register`).MatchString(w) }) {
			t.Errorf("no STATUS line: %q", systemd.heard())
		}
	}
}

func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano() / 1000
}

// askReport asks a shop's agent how it is.
func askReport(s *shop) (out report, err error) {
	err = newStatusClient(s.listen(), 10*time.Second).get(s.t.Context(), "/status", &out)
	return out, err
}

func TestWhoSupervisesIsReadFromTheEnvironment(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		socket, usec, pid string
		want              systemd
	}{
		{"", "1000000", "", systemd{}},
		{"relative", "1000000", "", systemd{}},
		{"/run/s", "", "", systemd{socket: "/run/s"}},
		{"/run/s", "60000000", "", systemd{"/run/s", time.Minute}},
		{"@s", "60000000", pid, systemd{"@s", time.Minute}},
		{"@s", "60000000", "1", systemd{socket: "@s"}},
		{"@s", "-5", pid, systemd{socket: "@s"}},
		{"@s", "soon", pid, systemd{socket: "@s"}},
	} {
		env := map[string]string{"NOTIFY_SOCKET": c.socket, "WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid}
		if got := systemdOf(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%v: got %+v, want %+v", env, got, c.want)
		}
	}
	systemd{socket: "/nowhere/at/all"}.tell("READY=1") // nobody listens: nothing happens
}

// A loop that is really stuck, in the midst of writing its log, lets the watchdog
// bite; once it comes round again the watchdog is fed again.
func TestAStuckLoopLetsTheWatchdogBite(t *testing.T) {
	for stuck, line := range map[string]string{"the worker": "stored", "register lane1": "register opened the link"} {
		t.Run(stuck, func(t *testing.T) {
			s := openShop(t, quick)
			systemd := listenAs(t, filepath.Join(s.dir, "notify"))
			log := &blocking{Handler: slog.NewTextHandler(s.log, nil), on: line, release: make(chan struct{}), reached: make(chan struct{}, 1)}
			s.serveAmid(surroundings{log: slog.New(log), systemd: systemd.as(200 * time.Millisecond)})
			systemd.await("WATCHDOG=1", 3)
			reg := s.register()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			go func() {
				_, _ = reg.Init(ctx) // it gets no answer while the loop is stuck
				_, _ = reg.Request(ctx, "pay", payBody("R1", 1050))
			}()
			<-log.reached // on a slow machine a loop may have been late before
			before := strings.Count(s.log.String(), `stuck="`+stuck+`"`)
			s.until("the stuck loop is said", func() bool { return strings.Count(s.log.String(), `stuck="`+stuck+`"`) > before })
			fed := systemd.count("WATCHDOG=1")
			<-time.After(time.Second) // five times what the watchdog gives
			if n := systemd.count("WATCHDOG=1"); n != fed {
				t.Errorf("fed %d times while %s was stuck", n-fed, stuck)
			}
			close(log.release)
			systemd.await("WATCHDOG=1", fed+2)
		})
	}
}

// as is the supervisor as an agent is told of it.
func (s *supervisor) as(within time.Duration) systemd {
	return systemd{socket: s.conn.LocalAddr().String(), within: within}
}

// serveAmid runs an agent in surroundings of the test's.
func (s *shop) serveAmid(around surroundings) (stop func()) {
	s.t.Helper()
	settings, err := loadSettings(s.site.configFile())
	must(s.t, err)
	return s.background("the agent", func(ctx context.Context) error { return serveAmid(ctx, settings, around) })
}

// blocking is a log that stands still at a line, as one does whose reader hangs.
type blocking struct {
	slog.Handler
	on      string
	release chan struct{}
	reached chan struct{} // has room for one; may be nil
}

func (b *blocking) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == b.on {
		hint(b.reached)
		<-b.release
	}
	return b.Handler.Handle(ctx, r)
}

func (b *blocking) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &blocking{b.Handler.WithAttrs(attrs), b.on, b.release, b.reached}
}

func (b *blocking) WithGroup(name string) slog.Handler {
	return &blocking{b.Handler.WithGroup(name), b.on, b.release, b.reached}
}
