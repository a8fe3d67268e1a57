package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// systemd is who supervises the agent, told by datagrams what it does
// (sd_notify(3)). The zero value is nobody.
type systemd struct {
	socket string        // a path, or "@" and an abstract name; empty: nobody listens
	within time.Duration // a sign of life is owed within this time; zero: none is
}

// systemdOf reads what systemd put in the environment.
func systemdOf(getenv func(string) string) systemd {
	s := systemd{socket: getenv("NOTIFY_SOCKET")}
	if !strings.HasPrefix(s.socket, "/") && !strings.HasPrefix(s.socket, "@") {
		return systemd{}
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	pid := getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.within = time.Duration(usec) * time.Microsecond
	}
	return s
}

// tell says lines of NAME=VALUE. Whether anybody listens changes nothing here: who
// waits for a word in vain does what the unit says.
func (s systemd) tell(lines ...string) {
	if s.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // a datagram is gone once it is written
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}

// reloading says that the configuration is read anew: READY=1 ends it. systemd
// compares the time with that of the signal it sent.
func (s systemd) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return // there is no such Linux
	}
	s.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
}
