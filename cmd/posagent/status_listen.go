package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socketMode lets the agent's user and group ask it how it is, and nobody else.
const socketMode = 0o660

// statusConnections is how many connections are served at once; more wait in the
// kernel's queue until one is done or out of time.
const statusConnections = 16

// unixPath is the path of a "unix:PATH" to listen on.
func unixPath(listen string) (path string, ok bool) { return strings.CutPrefix(listen, "unix:") }

// listenStatus opens what [status] listen names: "unix:" and a path, or an address
// on loopback. The error says what to do.
func listenStatus(ctx context.Context, listen string) (net.Listener, error) {
	open := listenLoopback
	if path, ok := unixPath(listen); ok {
		open, listen = listenUnix, path
	}
	ln, err := open(ctx, listen)
	if err != nil {
		return nil, err
	}
	return &fewAtOnce{Listener: ln, free: make(chan struct{}, statusConnections), closed: make(chan struct{})}, nil
}

func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; stop that one, or set [status] listen to another port", address)
	}
	if err != nil {
		return nil, err
	}
	if at, ok := ln.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%s is not on this machine (%v); set [status] listen to 127.0.0.1", address, ln.Addr()), ln.Close())
	}
	return ln, nil
}

// listenUnix replaces a socket that a process has left behind, and nothing else.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if err := makeWay(ctx, path); err != nil {
		return nil, err
	}
	// The mode that the socket has before it is bound bounds that of its file, so
	// that it is at no moment open to others.
	narrow := func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), socketMode) }), err)
	}
	ln, err := (&net.ListenConfig{Control: narrow}).Listen(ctx, "unix", path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s: this user may not make the socket there; give it the folder (chown), or set [status] listen to a path in its own", path)
	}
	if err != nil {
		return nil, err
	}
	if err := openToGroup(path); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// makeWay sees that nothing is at path, and removes a socket that nobody serves.
func makeWay(ctx context.Context, path string) error {
	found, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return folderThere(path)
	}
	if err != nil {
		return err
	}
	if found.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket; move it away, or set [status] listen to another path", path)
	}
	dialing, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(dialing, "unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("%s is there, and whether a program serves it can't be found out: %w; stop that one, or remove the file", path, err)
	}
	defer func() { _ = conn.Close() }() // nothing was said on it
	return fmt.Errorf("%s is in use by another program%s; stop that one, or set [status] listen to another path", path, servedBy(conn))
}

// folderThere says how to make a socket's folder where it is missing.
func folderThere(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w; make the folder (mkdir -p %s), let systemd make it (RuntimeDirectory=), or set [status] listen to another path", err, dir)
	}
	return nil
}

// servedBy names the process at the other end of a unix socket, where that is known.
func servedBy(conn net.Conn) string {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return ""
	}
	said := ""
	_ = raw.Control(func(fd uintptr) { // it only makes the message better
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil && peer.Pid > 0 {
			said = fmt.Sprintf(" (pid %d)", peer.Pid)
		}
	})
	return said
}

// openToGroup gives the socket's file its mode whatever the umask is, and never
// to what a link put in its place points to.
func openToGroup(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }() // it was opened to name the file alone
	var found unix.Stat_t
	if err := unix.Fstat(fd, &found); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if found.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("%s was replaced while it was made; see who else may write to its folder", path)
	}
	return os.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), socketMode)
}

// fewAtOnce is a listener that accepts no more while too many connections are open.
type fewAtOnce struct {
	net.Listener
	free   chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a connection and for room for it.
func (l *fewAtOnce) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &oneOfFew{Conn: conn, done: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close ends Accept, too.
func (l *fewAtOnce) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type oneOfFew struct {
	net.Conn
	done func()
}

// Close makes room for the next.
func (c *oneOfFew) Close() error {
	defer c.done()
	return c.Conn.Close()
}
