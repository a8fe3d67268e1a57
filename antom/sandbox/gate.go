package sandbox

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// gate shuts connections out for a time. While it is shut nobody listens: the
// port refuses every new connection, as a machine does whose gateway is down.
type gate struct {
	mu    sync.Mutex
	until time.Time
	moved chan struct{}    // closed and replaced when until changes; nil before
	ports []*gatedListener // that can be closed and opened again
}

func (g *gate) shut(d time.Duration) {
	g.move(time.Now().Add(d))
	for _, l := range g.all() {
		l.down()
	}
}

// open opens the gate now: when it returns, everybody listens again.
func (g *gate) open() {
	g.move(time.Time{})
	for _, l := range g.all() {
		_ = l.up() // where it can't, Accept tries on
	}
}

func (g *gate) all() []*gatedListener {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.ports)
}

func (g *gate) move(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = until
	if g.moved != nil {
		close(g.moved)
	}
	g.moved = make(chan struct{})
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.until)
}

// await waits until the gate is open, and returns false where done is closed first.
func (g *gate) await(done <-chan struct{}) bool {
	for {
		g.mu.Lock()
		left, moved := time.Until(g.until), g.moved
		g.mu.Unlock()
		if left <= 0 {
			return true
		}
		if !pause(left, moved, done) {
			return false
		}
	}
}

// pause waits for d or until moved is closed, and returns false where done is
// closed first.
func pause(d time.Duration, moved, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-moved:
		return true
	case <-done:
		return false
	}
}

// gatedListener listens while the gate is open. Only a TCP listener can be opened
// again; of any other it closes what arrives while the gate is shut, unread.
type gatedListener struct {
	gate *gate
	addr net.Addr
	done chan struct{} // closed by Close
	once sync.Once

	mu     sync.Mutex
	inner  net.Listener
	closed bool // by the gate
}

// guard puts the gate in front of ln.
func (g *gate) guard(ln net.Listener) *gatedListener {
	l := &gatedListener{gate: g, addr: ln.Addr(), done: make(chan struct{}), inner: ln}
	if _, ok := ln.(*net.TCPListener); ok {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ports = append(g.ports, l)
	}
	return l
}

// down closes the port, and wakes Accept.
func (l *gatedListener) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.inner.Close() // nobody listens then, whatever it says
	l.closed = true
}

// up opens the port again where the gate closed it, but not after Close.
func (l *gatedListener) up() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		return net.ErrClosed
	default:
	}
	if !l.closed {
		return nil
	}
	fresh, err := listenTCP(l.addr.String())
	if err != nil {
		return err
	}
	l.inner, l.closed = fresh, false
	return nil
}

func (l *gatedListener) port() net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inner
}

// Addr is the same through all openings.
func (l *gatedListener) Addr() net.Addr { return l.addr }

// Close ends the listener for good.
func (l *gatedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.port().Close()
}

// Accept returns the next connection that came while the gate was open.
func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.port().Accept()
		switch {
		case err == nil && !l.gate.isShut():
			return conn, nil
		case err == nil:
			turnAway(conn)
		case !errors.Is(err, net.ErrClosed) || !l.reopen():
			return nil, err
		}
	}
}

func turnAway(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, as from a port where nobody is
	}
	_ = conn.Close() // nothing was written to it
}

// reopen waits until the gate is open and listens again. It returns false where
// Close, not the gate, closed the port.
func (l *gatedListener) reopen() bool {
	for l.gate.await(l.done) {
		if l.up() == nil {
			return true
		}
		if !pause(10*time.Millisecond, nil, l.done) { // somebody else has the port
			return false
		}
	}
	return false
}
