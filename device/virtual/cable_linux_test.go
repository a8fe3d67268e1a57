package virtual

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// agentAt names the port of an agent that TestMain plays instead of running
// the tests, so that it can be killed.
const agentAt = "VIRTUAL_TEST_AGENT_AT"

func TestMain(m *testing.M) {
	if path := os.Getenv(agentAt); path != "" {
		if err := beAgent(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// beAgent takes payments on and never finishes them; it claims the port for
// itself and clears its input, as agents do. It serves until it is killed.
func beAgent(path string) error {
	port, err := openPort(path)
	if err != nil {
		return err
	}
	s := &desk{agent: newAgent(nil, port), script: func(r asked) told {
		if r.Method == "pay" {
			return r.takenOn()
		}
		return r.ok()
	}}
	s.run()
	return errors.New("the line ended")
}

func openPort(path string) (*os.File, error) {
	port, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	return port, control(port, func(fd int) error {
		return errors.Join(unix.IoctlSetInt(fd, unix.TIOCEXCL, 0), unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH))
	})
}

func newCable(t *testing.T) *Cable {
	t.Helper()
	c, err := NewCable()
	check(t, err)
	t.Cleanup(func() { _ = c.Close() }) // Some tests close it themselves.
	return c
}

// running runs a register on a line until the test ends.
func running(t *testing.T, line io.ReadWriteCloser, o Options) *Register {
	t.Helper()
	r := New(line, o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

func TestCableIsRawInBothDirections(t *testing.T) {
	c := newCable(t)
	port, err := openPort(c.Path())
	check(t, err)
	defer port.Close()
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	for _, ends := range [][2]io.ReadWriter{{c, port}, {port, c}} {
		_, err := ends[0].Write(all)
		check(t, err)
		got := make([]byte, len(all))
		if _, err := io.ReadFull(ends[1], got); err != nil || string(got) != string(all) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestAgentMayCloseItsEndAndOpenItAgain(t *testing.T) {
	c := newCable(t)
	for i := range 3 {
		port, err := openPort(c.Path())
		check(t, err)
		_, err = fmt.Fprintf(port, "last words %d", i)
		check(t, err, port.Close())
		b := make([]byte, 100)
		n, err := c.Read(b)
		if want := fmt.Sprintf("last words %d", i); err != nil || string(b[:n]) != want {
			t.Errorf("%q, %v, want %q", b[:n], err, want)
		}
	}
}

func TestCloseOfTheCableReleasesBothEnds(t *testing.T) {
	c := newCable(t)
	port, err := openPort(c.Path())
	check(t, err)
	defer port.Close()
	read := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 1)); read <- err }()
	written := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				written <- err
				return
			}
		}
	}()
	check(t, c.Close(), c.Close())
	if err := <-read; err == nil {
		t.Error("Read on a closed cable returned no error")
	}
	<-written
	if _, err := os.Stat(c.Path()); err == nil {
		t.Errorf("%s is still there", c.Path())
	}
	var b [64 << 10]byte
	for {
		if _, err := port.Read(b[:]); err != nil { // What was written before may come first.
			break
		}
	}
}

func TestRegisterCanBeRestartedAtTheSameCable(t *testing.T) {
	c := newCable(t)
	port, err := openPort(c.Path())
	check(t, err)
	defer port.Close()
	s := &desk{agent: newAgent(t, port), script: asked.ok}
	go s.run()
	for range 2 {
		line, err := c.Plug()
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		r := New(line, Options{Name: "lane1"})
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		_, err = r.Init(ctx)
		check(t, err)
		cancel()
		check(t, <-ended)
		if _, err := line.Write([]byte("x")); err == nil {
			t.Error("a pulled plug took a write")
		}
	}
	check(t, c.Close())
}

func TestKilledAgentLeavesTheCableFreeForItsSuccessor(t *testing.T) {
	c := newCable(t)
	cmd := startAgent(t, c.Path())
	line, err := c.Plug()
	check(t, err)
	r := running(t, line, Options{Name: "lane1", Timers: Timers{T2: 100 * time.Millisecond}})
	reach(t, r)
	check(t, cmd.Process.Kill())
	_ = cmd.Wait() // It says that it was killed.
	if !becomesFree(c) {
		t.Error("the killed agent's claim is still on the port")
	}
	startAgent(t, c.Path())
	reach(t, r)
}

// reach says initConnection until it is answered: an agent takes its time to
// start, more of it on a busy machine.
func reach(t *testing.T, r *Register) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := r.Init(ctx)
		if err == nil {
			return
		}
		if !passing(err) {
			t.Fatal(err)
		}
	}
}

// becomesFree waits until nobody claims the port for himself.
func becomesFree(c *Cable) bool {
	tick := time.NewTicker(freeEvery)
	defer tick.Stop()
	for range 100 {
		<-tick.C
		claimed := 1
		err := control(c.slave, func(fd int) (err error) { claimed, err = unix.IoctlGetInt(fd, unix.TIOCGEXCL); return err })
		if err == nil && claimed == 0 {
			return true
		}
	}
	return false
}

// startAgent starts this test binary as an agent and returns once it has been
// started; the register finds out when it serves.
func startAgent(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), agentAt+"="+path)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // It may have been killed already.
		_ = cmd.Wait()
	})
	return cmd
}

func TestSaleSurvivesTheKillingOfTheAgent(t *testing.T) {
	c := newCable(t)
	cmd := startAgent(t, c.Path())
	line, err := c.Plug()
	check(t, err)
	short := Timers{T1: 100 * time.Millisecond, T2: 200 * time.Millisecond, T3: 300 * time.Millisecond}
	r := running(t, line, Options{Name: "lane1", Events: true, Timers: short})
	killed := false
	var d diary
	o := TillOptions{Pause: 10 * time.Millisecond, Quiet: 50 * time.Millisecond}
	o.Narrate = func(s Step, text string) {
		d.step(s, text)
		if s == StepTakenOn && !killed {
			killed = true
			check(t, cmd.Process.Kill())
			_ = cmd.Wait() // It says that it was killed.
			revive(t, c, &d)
		}
	}
	till := NewTill(r, openBook(t, filepath.Join(t.TempDir(), "notebook")), o)
	state, err := till.Sell(t.Context(), sale1)
	if err != nil || state.PaymentStatus != "SUCCESS" || !killed {
		t.Errorf("Sell = %+v, %v, agent killed %v", state, err, killed)
	}
	if got := d.methodsAsked(); strings.Contains(got, "pay ") || !strings.HasSuffix(got, "inquiryPayment delivered") {
		t.Errorf("the second agent was asked %s", got)
	}
}

// revive is the agent after its restart, which knows what the first one took.
func revive(t *testing.T, c *Cable, d *diary) {
	port, err := openPort(c.Path())
	check(t, err)
	s := &desk{agent: newAgent(t, port), script: func(r asked) told {
		d.ask(r)
		if r.Method == "inquiryPayment" {
			return told{body: r.says("S", "SUCCESS", members(r.ID, "SUCCESS", true, 2))}
		}
		return r.ok()
	}}
	ended := make(chan struct{})
	go func() { defer close(ended); s.run() }()
	t.Cleanup(func() { _ = port.Close(); <-ended })
}
