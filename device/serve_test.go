package device

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// served is an agent that serves one register on a port named by a symlink.
type served struct {
	path   string
	engine *ledger
	meter  *Meter
	log    *journal
}

// serve starts an agent and awaits its end with the test.
func serve(t *testing.T, line Line) served {
	t.Helper()
	return serveWith(t, func(o *Options) { o.Line = line })
}

// serveWith is serve with more options.
func serveWith(t *testing.T, more func(*Options)) served {
	t.Helper()
	a := served{path: filepath.Join(t.TempDir(), "register0"), engine: newLedger(), meter: &Meter{}, log: &journal{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	o := Options{Register: "lane1", Port: a.path, Line: fastLine(), Agent: "1.2.0", Terminal: "N950",
		Engine: a.engine, Wake: a.engine.wake, Meter: a.meter, Logger: slog.New(slog.NewTextHandler(a.log, nil))}
	more(&o)
	go func() { ended <- Serve(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := within(t, patience, func() error { return <-ended }); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return a
}

// plugIn makes the agent's path name a new pseudo terminal and returns the
// register at its far end.
func (a served) plugIn(t *testing.T) (*till, *os.File) {
	t.Helper()
	far, path := openPair(t)
	_ = os.Remove(a.path) // there is none the first time
	if err := os.Symlink(path, a.path); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the port to open", func(r Reading) bool { return r.PortOpen })
	register, heard := newTill(t, far)
	t.Cleanup(func() { _ = far.Close(); heard.Wait() }) // closed already where the test hung up
	return register, far
}

// awaitLog polls the log until it says what is wanted.
func (a served) awaitLog(t *testing.T, wanted string) {
	t.Helper()
	a.await(t, wanted, func(Reading) bool { return strings.Contains(a.log.String(), wanted) })
}

// await polls the meter until it shows what is wanted.
func (a served) await(t *testing.T, what string, wanted func(Reading) bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	over := time.After(patience)
	for !wanted(a.meter.Read()) {
		select {
		case <-look.C:
		case <-over:
			t.Fatalf("waited in vain for %s; %+v; log:\n%s", what, a.meter.Read(), a.log)
		}
	}
}

// counted counts how often an opening was tried in vain.
type counted struct {
	backoff.BackOff
	tries int
}

func (c *counted) NextBackOff() time.Duration { c.tries++; return c.BackOff.NextBackOff() }

func TestPortThatCanNotBeOpenedIsSaidOnceAndTriedEverySecond(t *testing.T) {
	_, path := openPair(t)
	other := openTestPort(t, path)
	for name, test := range map[string]struct{ path, says string }{
		"absent": {filepath.Join(t.TempDir(), "absent"), "plug the adapter in"},
		"busy":   {other.path, ErrBusy.Error()},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log journal
			s, err := newSession(Options{Register: "lane1", Port: test.path, Engine: newLedger(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			pause := counted{BackOff: openingPause()}
			if port := s.open(ctx, &pause); port != nil {
				t.Fatalf("%s: opened", name)
			}
			if said := strings.Count(log.String(), test.says); said != 1 || pause.tries < 60 || pause.tries > 63 {
				t.Errorf("%s: tried %d times in a minute, said %d times:\n%s", name, pause.tries, said, &log)
			}
		})
	}
}

func TestAbsentPortIsTakenWhenItAppears(t *testing.T) {
	a := serve(t, fastLine())
	a.awaitLog(t, "plug the adapter in")
	register, _ := a.plugIn(t)
	if answer := register.asks(`{"method":"echo","text":"hi"}`); answer["text"] != "hi" {
		t.Errorf("answered %v", answer)
	}
	if said := strings.Count(a.log.String(), "plug the adapter in"); said != 1 {
		t.Errorf("said %d times:\n%s", said, a.log)
	}
}

func TestBusyPortIsTakenWhenItIsFree(t *testing.T) {
	_, path := openPair(t)
	other := openTestPort(t, path)
	a := serve(t, fastLine())
	if err := os.Symlink(path, a.path); err != nil {
		t.Fatal(err)
	}
	a.awaitLog(t, ErrBusy.Error())
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the port to be taken", func(r Reading) bool { return r.PortOpen })
}

func TestSaleOverAPseudoTerminal(t *testing.T) {
	a := serve(t, fastLine())
	register, _ := a.plugIn(t)
	register.opens("")
	if answer := register.pays("R1"); code(answer) != CodePaymentInProgress {
		t.Fatalf("pay answered %v", answer)
	}
	a.engine.becomes(paidState("R1", 2))
	if m := register.hears(patience); m == nil || m.body["paymentStatus"] != PaymentSuccess {
		t.Fatalf("heard %+v", m)
	}
	if answer := register.asks(`{"method":"delivered","paymentRequestId":"R1","rev":2}`); code(answer) != CodeSuccess {
		t.Errorf("delivered answered %v", answer)
	}
	if counts := a.meter.Read().Counts; counts.Damaged+counts.GarbageBytes+counts.Resent != 0 {
		t.Errorf("trouble on a clean line: %+v", counts)
	}
}

func TestReplugUnderAnotherNameIsBackWithinTwoSecondsAndTellsAgain(t *testing.T) {
	a := serve(t, fastLine())
	register, far := a.plugIn(t)
	register.opens("")
	register.pays("R1")
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the hang-up to be seen", func(r Reading) bool { return !r.PortOpen })
	if !strings.Contains(a.log.String(), ErrHangUp.Error()) {
		t.Errorf("log:\n%s", a.log)
	}
	plugged := time.Now()
	register, _ = a.plugIn(t)
	if took := time.Since(plugged); took > 2*time.Second {
		t.Errorf("back after %v", took)
	}
	register.asks(`{"method":"echo","text":"hi"}`)
	if m := register.hears(2 * time.Second); m == nil || m.body["paymentRequestId"] != "R1" || m.body["final"] != false {
		t.Errorf("heard %+v, want the open payment's state", m)
	}
}

func TestServeEndsWhileTheRegisterIsDeaf(t *testing.T) {
	far, path := openPair(t)
	var flooding sync.WaitGroup
	t.Cleanup(func() { _ = far.Close(); flooding.Wait() }) // after Serve has ended
	a := serve(t, Line{Baud: 300})                         // at which a write may take long
	if err := os.Symlink(path, a.path); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the port to open", func(r Reading) bool { return r.PortOpen })
	flooding.Go(func() { // nobody reads the answers to it
		_, _ = far.WriteString(strings.Repeat("\x02\x03", 50000)) // ends with far
	})
	a.await(t, "its buffers to fill", func(r Reading) bool { return r.Counts.Damaged > 4500 })
}

func TestOptionsThatCanNotBeServedAreRefusedAtOnce(t *testing.T) {
	good := Options{Register: "lane1", Port: "/dev/absent", Engine: newLedger()}
	for name, spoil := range map[string]func(*Options){
		"without a name":    func(o *Options) { o.Register = "" },
		"without a port":    func(o *Options) { o.Port = "" },
		"without an engine": func(o *Options) { o.Engine = nil },
		"baud 1":            func(o *Options) { o.Line.Baud = 1 },
	} {
		o := good
		spoil(&o)
		if err := Serve(t.Context(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Serve(ended, good); err != nil {
		t.Errorf("served until it was over: %v", errors.Unwrap(err))
	}
}

// Whoever watches sees the loop come round, and why there is no port.
func TestAMeterShowsThatTheLoopComesRound(t *testing.T) {
	a := serve(t, fastLine())
	a.await(t, "why there is no port", func(r Reading) bool { return strings.Contains(r.Trouble, "register0") && !r.PortOpen })
	began := time.Now()
	a.await(t, "a turn without a port", func(r Reading) bool { return r.Turned.After(began) })
	a.plugIn(t)
	a.await(t, "no trouble any more", func(r Reading) bool { return r.Trouble == "" })
	woken := time.Now()
	a.engine.wake <- struct{}{}
	a.await(t, "a turn at a wake-up", func(r Reading) bool { return r.Turned.After(woken) })
}
