package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// notedLine is a line whose writes of an end can be made to fail. It keeps, in order,
// what became of them and what was noted as told.
type notedLine struct {
	io.ReadWriteCloser
	mu    sync.Mutex
	fault error // of a write that has an end in it
	order []string
}

func (l *notedLine) Write(b []byte) (int, error) {
	isEnd := bytes.Contains(b, []byte(`"final":true`))
	if err := l.failing(); isEnd && err != nil {
		l.note("not written")
		return 0, err
	}
	if isEnd {
		defer l.note("written")
	}
	return l.ReadWriteCloser.Write(b)
}

func (l *notedLine) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = append(l.order, what)
}

func (l *notedLine) failing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

func (l *notedLine) fails(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = err
}

// plugIn has a session converse with a register until the line breaks or cut is called.
func (l *notedLine) plugIn(t *testing.T, s *session) (register *till, cut func() error) {
	near, far := net.Pipe()
	l.ReadWriteCloser = near
	register, heard := newTill(t, far)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- s.converse(ctx, l) }()
	return register, func() error {
		cancel()
		err := <-ended
		heard.Wait()
		return err
	}
}

// An end counts as told once it was written: not where the line takes nothing, nor
// where it breaks, nor because something else is written on the next line.
func TestAnEndIsNotedAsToldOnceItIsWritten(t *testing.T) {
	for name, fault := range map[string]error{"the line breaks": errors.New("broken"), "the line takes nothing": ErrTimeout} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine, line := newLedger(), &notedLine{}
				s, err := newSession(Options{Register: "lane1", Port: "memory", Engine: engine, Wake: engine.wake,
					Told: func(of StateID, rev int64) { line.note(fmt.Sprint("told ", of.ID, " ", rev)) }})
				if err != nil {
					t.Fatal(err)
				}
				register, cut := line.plugIn(t, s)
				register.opens("")
				line.fails(fault)
				engine.becomes(paidState("R1", 2))
				synctest.Wait()
				if err := cut(); fault != ErrTimeout && !errors.Is(err, fault) {
					t.Errorf("converse: %v, want %v", err, fault)
				}
				line.fails(nil)
				register, cut = line.plugIn(t, s)
				synctest.Wait()
				register.asks(`{"method":"echo","text":""}`)
				if m := register.hears(time.Minute); m == nil || m.body["paymentStatus"] != PaymentSuccess {
					t.Errorf("heard %+v, want the end", m)
				}
				synctest.Wait()
				_ = cut()
				if want := []string{"not written", "written", "told R1 2"}; !slices.Equal(line.order, want) {
					t.Errorf("got %q, want %q", line.order, want)
				}
			})
		})
	}
}
