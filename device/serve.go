package device

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Options are what Serve needs to know of one register.
type Options struct {
	Register string        // its name in the configuration
	Port     string        // path of the device file or a symlink to it, or "usb:VID:PID[:SERIAL]"
	Line     Line          // zero members are those of 115200 8N1
	AckGap   time.Duration // between our ACK and our next frame; 0 is 20 ms, less than 0 is none
	Root     string        // below which sys and dev are, for a port named by USB ids; "" is /
	Record   string        // path of a file to keep the session in; "" keeps nothing

	Agent    string // version, said to the register
	Terminal string // Client-Id, said to the register

	Engine Engine
	Wake   <-chan struct{} // a hint that this register's payments changed, or Upstream; may be nil
	// Upstream says whether the acquirer answers; it must not block. Where it is
	// nil there are no link events.
	Upstream func() bool
	// Told hears of each final state that an event puts on the wire; it must not
	// block, and may be nil.
	Told   func(of StateID, rev int64)
	Meter  *Meter       // where readings are left; may be nil
	Logger *slog.Logger // nil logs nothing
}

// Reading is what a Meter shows of one register.
type Reading struct {
	PortOpen bool
	LinkUp   bool   // a frame has arrived and the last three sends did not all fail
	Trouble  string // why the port is not open; empty where it is
	Counts   Counts

	// Turned is when the register's loop last came round. It does so at every
	// Wake, and each second while the port is not open.
	Turned time.Time
}

// Meter holds the newest reading of one register. Its zero value is ready, and
// it may be read from any goroutine.
type Meter struct {
	mu  sync.Mutex
	now Reading
}

// Read returns the newest reading.
func (m *Meter) Read() Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *Meter) set(r Reading) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = r
	m.now.Turned = time.Now()
}

// Serve speaks the link with one register until ctx is done: it opens the port,
// waits for it where it is absent or busy, and opens it again after a hang-up.
// It returns nil once ctx is done, the port is closed and all it started has
// ended; an error, at once, only for options that can't be served.
func Serve(ctx context.Context, o Options) error {
	s, err := newSession(o)
	if err != nil {
		return err
	}
	if s.Record != "" {
		s.recorder = newRecorder(s.Record, s.log)
		defer s.recorder.end()
	}
	s.serve(ctx)
	return nil
}

// Converse speaks the link over a line that is open already, until it breaks or
// ctx is done, and closes it. Options.Port and Line.Baud are of no effect on it,
// but for the time that frames are taken to need. It returns why the line broke,
// or the error of ctx.
func Converse(ctx context.Context, line io.ReadWriteCloser, o Options) error {
	if o.Port == "" {
		o.Port = "a line"
	}
	s, err := newSession(o)
	if err != nil {
		return err
	}
	if s.Record != "" {
		s.recorder = newRecorder(s.Record, s.log)
		defer s.recorder.end()
	}
	return s.converse(ctx, line)
}

func (s *session) serve(ctx context.Context) {
	pause := openingPause()
	for {
		port := s.open(ctx, pause)
		if port == nil {
			return
		}
		opened := time.Now()
		s.recorder.note(noteOpened)
		lost := s.converse(ctx, port)
		s.recorder.note(noteClosed)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("port lost, opening it again", "err", lost, "counts", s.link.counted())
		if time.Since(opened) >= steadyAfter {
			pause.Reset()
		}
		if !wait(ctx, pause.NextBackOff()) {
			return
		}
	}
}

// openingPause makes the intervals between openings: 250 ms, doubling to 1 s.
func openingPause() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstOpenInterval),
		backoff.WithMaxInterval(lastOpenInterval),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0), // one register has one port: nobody to be out of step with
		backoff.WithMaxElapsedTime(0),
	)
}

// open tries until the port is there, and says only once why it is not. It
// returns nil once ctx is done.
func (s *session) open(ctx context.Context, pause backoff.BackOff) *Port {
	said := ""
	for {
		port, err := s.openOnce()
		if err == nil {
			s.log.Info("port open", "port", s.Port, "device", port.path)
			return port
		}
		s.Meter.set(Reading{Trouble: err.Error(), Counts: s.link.counted()})
		if why := err.Error(); why != said {
			s.log.Warn("port can't be opened, trying until it can", "err", err)
			said = why
		}
		if !wait(ctx, pause.NextBackOff()) {
			return nil
		}
	}
}

// openOnce finds the port anew each time: what is plugged in again may have
// another name.
func (s *session) openOnce() (*Port, error) {
	path, err := FindPort(s.Root, s.Port)
	if err != nil {
		return nil, err
	}
	return OpenPort(path, s.Line)
}

// wait reports whether d went by before ctx was done.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func newSession(o Options) (*session, error) {
	switch {
	case o.Register == "":
		return nil, errors.New("device: a register without a name")
	case o.Port == "":
		return nil, errors.New("device: register " + o.Register + " without a port")
	case o.Engine == nil:
		return nil, errors.New("device: register " + o.Register + " without an engine")
	}
	if err := o.Line.Check(); err != nil {
		return nil, errors.Join(errors.New("device: register "+o.Register), err)
	}
	if o.AckGap == 0 {
		o.AckGap = defaultAckGap
	}
	o.AckGap = max(0, o.AckGap)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &session{
		Options: o,
		log:     o.Logger.With("register", o.Register),
		link:    newLink(o.AckGap, o.Line.byteTime()),
		teller:  newTeller(),
		events:  true,
	}, nil
}
