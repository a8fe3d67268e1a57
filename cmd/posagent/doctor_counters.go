package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lineCounters is what a driver counted since it took the port.
type lineCounters struct {
	rx, tx                       int // bytes
	frame, parity, overrun, brks int
	buffer                       int // bytes that the kernel had no room for
}

func (c lineCounters) String() string {
	return fmt.Sprintf("%d bytes received, %d sent", c.rx, c.tx)
}

// lineCounters reads a port's counters. A port that somebody holds is not opened:
// there an 8250 tells by /proc, and of any other the agent itself counts. A free
// one is opened for a moment without being set up.
func (b box) lineCounters(f portFacts) (*lineCounters, string) {
	if f.pseudo {
		return nil, "a pseudo terminal has none"
	}
	if len(f.holders) > 0 {
		if c, ok := parse8250(b.line("proc", "tty", "driver", "serial"), filepath.Base(f.path)); ok {
			return &c, ""
		}
		return nil, "not read while the port is in use; posagent status counts bad frames"
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err.Error()
	}
	defer func() { _ = file.Close() }() // only looked at
	c, err := countersOf(int(file.Fd()))
	if err != nil {
		return nil, "the driver counts none"
	}
	return &c, ""
}

// serialCounters is struct serial_icounter_struct of linux/serial.h.
type serialCounters struct {
	CTS, DSR, RNG, DCD, RX, TX, Frame, Overrun, Parity, Break, BufferOverrun int32
	_                                                                        [9]int32
}

func countersOf(fd int) (lineCounters, error) {
	var c serialCounters
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGICOUNT, uintptr(unsafe.Pointer(&c)))
	if errno != 0 {
		return lineCounters{}, errno
	}
	return lineCounters{
		rx: int(c.RX), tx: int(c.TX), frame: int(c.Frame), parity: int(c.Parity),
		overrun: int(c.Overrun), brks: int(c.Break), buffer: int(c.BufferOverrun),
	}, nil
}

// parse8250 finds ttySn in /proc/tty/driver/serial, whose lines are such as
// "0: uart:16550A port:000003F8 irq:4 tx:12 rx:34 fe:1 brk:2". A counter that is
// zero may be missing.
func parse8250(text, name string) (lineCounters, bool) {
	number, isS := strings.CutPrefix(name, "ttyS")
	if !isS {
		return lineCounters{}, false
	}
	for line := range strings.SplitSeq(text, "\n") {
		rest, found := strings.CutPrefix(strings.TrimSpace(line), number+":")
		if !found {
			continue
		}
		var c lineCounters
		into := map[string]*int{"rx": &c.rx, "tx": &c.tx, "fe": &c.frame, "pe": &c.parity, "oe": &c.overrun, "brk": &c.brks, "bo": &c.buffer}
		for word := range strings.FieldsSeq(rest) {
			key, value, _ := strings.Cut(word, ":")
			if n, err := strconv.Atoi(value); err == nil && into[key] != nil {
				*into[key] = n
			}
		}
		return c, true
	}
	return lineCounters{}, false
}

// counterShare is how many errors among how many bytes are worth a warning: one in
// a thousand is some in every minute of sales.
const counterShare = 1000

// judgeCounters says what a line's errors come from.
func (f portFacts) judgeCounters() []finding {
	if f.counters == nil {
		return []finding{note(f.check, "no counters of line errors: %s", f.countersWhy)}
	}
	c := *f.counters
	var list []finding
	for _, kind := range []struct {
		count     int
		what, fix string
	}{
		{c.frame, "frame errors: speed, data bits or stop bits are not the register's, or the line is disturbed",
			"set baud, data_bits and stop_bits as the register has them; else use a shorter, shielded cable"},
		{c.parity, "parity errors: parity is not the register's, or the line is disturbed", "set parity as the register has it"},
		{c.overrun, "overruns: bytes came faster than the adapter gave them on", "lower baud on both sides, or use an adapter with a larger buffer"},
		{c.buffer, "bytes the kernel had no room for: the agent was stopped or starved", "see memory and load; posagent status shows the agent's own count"},
	} {
		switch {
		case kind.count == 0:
		case kind.count*counterShare > c.rx:
			list = append(list, warning(f.check, kind.fix, "%d %s (%s)", kind.count, kind.what, c))
		default:
			list = append(list, note(f.check, "%d %s (%s): few, repeated by the link", kind.count, kind.what, c))
		}
	}
	if c.brks > 0 {
		list = append(list, note(f.check, "%d breaks: the register was switched off, or the cable was out, that often", c.brks))
	}
	if len(list) == 0 {
		list = append(list, fine(f.check, "no line errors (%s)", c))
	}
	return list
}
