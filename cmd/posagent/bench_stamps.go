package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// exchange is when one request came to a gateway and when it was answered, at the
// socket, so that what the gateway computes is not taken for the agent's.
type exchange struct {
	firstIn, lastIn time.Time // the first and the last byte of the request
	firstOut        time.Time // the first byte of the answer
}

// stamps are what a gateway's sockets saw.
type stamps struct {
	mu   sync.Mutex
	seen []exchange
	hold time.Duration // how long a customer takes: every answer waits for it
}

// since returns the exchanges that began at a time or later and were answered.
func (s *stamps) since(at time.Time) []exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []exchange
	for _, e := range s.seen {
		if !e.firstIn.Before(at) {
			list = append(list, e)
		}
	}
	return list
}

// forget drops what was seen so far.
func (s *stamps) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

// stampedListener notes when bytes come and go on what it accepts.
type stampedListener struct {
	net.Listener
	ctx    context.Context //nolint:containedctx // it ends the waits of what is accepted
	stamps *stamps
}

// Accept is the listener's.
func (l stampedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stampedConn{Conn: conn, ctx: l.ctx, stamps: l.stamps}, nil
}

type stampedConn struct {
	net.Conn
	ctx    context.Context //nolint:containedctx // it ends the wait for a customer
	stamps *stamps

	mu  sync.Mutex
	now exchange // of the request that is not answered yet; zero between two
}

// Read is the connection's.
func (c *stampedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.mu.Lock()
		c.now.lastIn = time.Now()
		if c.now.firstIn.IsZero() {
			c.now.firstIn = c.now.lastIn
		}
		c.mu.Unlock()
	}
	return n, err
}

// Write is the connection's; the first one of an answer waits for the customer.
func (c *stampedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	asked := !c.now.firstIn.IsZero()
	c.mu.Unlock()
	if asked {
		pause(c.ctx, c.stamps.hold)
		c.mu.Lock()
		c.now.firstOut = time.Now()
		c.stamps.mu.Lock()
		c.stamps.seen = append(c.stamps.seen, c.now)
		c.stamps.mu.Unlock()
		c.now = exchange{}
		c.mu.Unlock()
	}
	return c.Conn.Write(b)
}

// stampedLine is a register's end of a line that notes when a pay left and when
// the latest event came.
type stampedLine struct {
	io.ReadWriteCloser

	mu      sync.Mutex
	payOut  time.Time
	frameIn time.Time // the latest STX
	eventIn time.Time // the first byte of the latest event about a payment
	passed  []byte    // what went either way since the latest pay, that included
}

// Write is the line's. A frame goes in one piece, so its last byte leaves with the
// call.
func (l *stampedLine) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(`"method":"pay"`)) {
		l.mu.Lock()
		l.payOut, l.passed = time.Now(), nil
		l.mu.Unlock()
	}
	l.note(b)
	return l.ReadWriteCloser.Write(b)
}

// Read is the line's.
func (l *stampedLine) Read(b []byte) (int, error) {
	n, err := l.ReadWriteCloser.Read(b)
	at := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.IndexByte(b[:n], 0x02) >= 0 {
		l.frameIn = at
	}
	if bytes.Contains(b[:n], []byte(`"event":"payment"`)) {
		l.eventIn = l.frameIn
	}
	l.passed = append(l.passed, b[:n]...)
	return n, err
}

func (l *stampedLine) note(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed = append(l.passed, b...)
}

// ofASale returns what a whole sale sent either way.
func (l *stampedLine) ofASale() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.passed)
}

func (l *stampedLine) times() (payOut, eventIn time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.payOut, l.eventIn
}
