package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
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
	ln, err := listenTCP(net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen on %q: %w", addr, err)
	}
	return ln, nil
}

func listenTCP(addr string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", addr) // an address needs no time to be looked up
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
