package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Listen opens a TCP listener on a loopback address such as "127.0.0.1:0" or
// "localhost:8345", and refuses every other, names and ":8345" included.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen on %q: %w: give an address like 127.0.0.1:8345", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().IsLoopback() {
		return nil, fmt.Errorf("sandbox: listen on %q: the stand-in moves no money and serves loopback only: "+
			"give 127.0.0.1:PORT, [::1]:PORT or localhost:PORT", addr)
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen on %q: %w", addr, err)
	}
	return ln, nil
}

// onlyLoopback refuses an address that other machines can reach. Pipes and Unix
// sockets are local by nature.
func onlyLoopback(addr net.Addr) error {
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		return fmt.Errorf("sandbox: serve on %s: the stand-in moves no money and serves loopback only", addr)
	}
	return nil
}

// fromLoopback says whether a request came from this machine, as far as its
// address tells.
func fromLoopback(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err != nil || from.Addr().Unmap().IsLoopback()
}

// gate shuts connections out for a time.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

func (g *gate) shut(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Now().Add(d)
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.until)
}

// gatedListener closes what arrives while the gate is shut, unread.
type gatedListener struct {
	net.Listener
	gate *gate
}

func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.gate.isShut() {
			return conn, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as from a port where nobody is
		}
		_ = conn.Close() // nothing was written to it
	}
}
