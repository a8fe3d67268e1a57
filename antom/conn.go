package antom

import (
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
)

// gate is a connection that knows whether anything was written to it, and that
// can be shut for writing. Both under one lock: once shut, the count can no
// longer change, so "nothing left" stays true after it was said.
type gate struct {
	net.Conn
	mu    sync.Mutex
	begun int // writes that began and may have put a byte on the wire
	shut  bool
}

// Write writes unless the gate is shut. A write counts from before it starts,
// and is taken back only where not a single byte was accepted.
func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return 0, net.ErrClosed
	}
	g.begun++
	g.mu.Unlock()

	n, err := g.Conn.Write(b)
	if n == 0 {
		g.mu.Lock()
		g.begun--
		g.mu.Unlock()
	}
	return n, err
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begun
}

// close shuts the gate for good and returns the final count.
func (g *gate) close() int {
	g.mu.Lock()
	g.shut = true
	begun := g.begun
	g.mu.Unlock()
	_ = g.Close() // the connection is given up, whatever it says
	return begun
}

// departure watches one request: which connection it was given, and what had
// been written there before, TLS handshake and earlier requests included.
type departure struct {
	mu      sync.Mutex
	gate    *gate
	before  int
	blurred bool // the connection could not be watched
}

func (d *departure) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { d.board(got.Conn) }}
}

func (d *departure) board(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := conn.(*gate)
	if !ok || d.gate != nil {
		d.blurred = true
		return
	}
	d.gate, d.before = g, g.count()
}

// giveUp ends the request and reports whether any byte of it may have left.
// After it returned false, none ever will.
func (d *departure) giveUp() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blurred {
		return true
	}
	if d.gate == nil {
		return false
	}
	return d.gate.close() > d.before
}
