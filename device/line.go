package device

import (
	"fmt"
	"time"

	"go.bug.st/serial"
)

// Line is how bytes go over a port (register-link §1). Zero members are those
// of 115200 8N1. On USB the rate means nothing.
type Line struct {
	Baud     int    // 300 to 921600
	DataBits int    // 7 or 8
	StopBits int    // 1 or 2
	Parity   string // "none", "even" or "odd"
}

// Check returns an error that names the first member beyond the limits of
// register-link §1, or nil.
func (l Line) Check() error {
	_, err := l.orDefault().mode()
	return err
}

func (l Line) orDefault() Line {
	if l.Baud == 0 {
		l.Baud = 115200
	}
	if l.DataBits == 0 {
		l.DataBits = 8
	}
	if l.StopBits == 0 {
		l.StopBits = 1
	}
	if l.Parity == "" {
		l.Parity = "none"
	}
	return l
}

// mode says the same to the serial package. Its initial modem bits stay unset,
// so DTR and RTS are left alone: pseudo terminals and USB gadgets have none.
func (l Line) mode() (*serial.Mode, error) {
	parities := map[string]serial.Parity{"none": serial.NoParity, "even": serial.EvenParity, "odd": serial.OddParity}
	parity, known := parities[l.Parity]
	switch {
	case l.Baud < 300 || l.Baud > 921600:
		return nil, fmt.Errorf("baud %d: must be from 300 to 921600", l.Baud)
	case l.DataBits != 7 && l.DataBits != 8:
		return nil, fmt.Errorf("data bits %d: must be 7 or 8", l.DataBits)
	case l.StopBits != 1 && l.StopBits != 2:
		return nil, fmt.Errorf("stop bits %d: must be 1 or 2", l.StopBits)
	case !known:
		return nil, fmt.Errorf("parity %q: must be none, even or odd", l.Parity)
	}
	stop := serial.OneStopBit
	if l.StopBits == 2 {
		stop = serial.TwoStopBits
	}
	return &serial.Mode{BaudRate: l.Baud, DataBits: l.DataBits, StopBits: stop, Parity: parity}, nil
}

// byteTime is how long one byte takes on the wire, start bit included.
func (l Line) byteTime() time.Duration {
	l = l.orDefault()
	bits := 1 + l.DataBits + l.StopBits
	if l.Parity != "none" {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(l.Baud)
}
