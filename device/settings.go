package device

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// lockDevice takes the lock that binds root too: the exclusive mode of a tty
// does not. It goes with our descriptor, so with our death as well.
func lockDevice(fd int) error {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrBusy
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// openSettings opens the device behind our descriptor fd once more with the
// serial package, which sets it up. By way of fd, so that a name that moves
// meanwhile cannot make two devices of it.
func openSettings(fd int, mode *serial.Mode) (serial.Port, error) {
	syscall.ForkLock.RLock() // the serial package opens without close-on-exec
	defer syscall.ForkLock.RUnlock()
	settings, err := serial.Open("/proc/self/fd/"+strconv.Itoa(fd), mode)
	if err != nil {
		return nil, notSerial(err)
	}
	if err := withholdFromChildren(fd); err != nil {
		_ = settings.Close() // the error before it says more
		return nil, err
	}
	return settings, nil
}

func notSerial(err error) error {
	var port *serial.PortError
	if errors.As(err, &port) && port.Code() == serial.PortBusy || errors.Is(err, unix.EBUSY) {
		return ErrBusy
	}
	return fmt.Errorf("not a serial port that takes these settings: %w", err)
}

// withholdFromChildren keeps every descriptor of fd's device from programs we
// start: one that inherited it would hide our close from the other side. On a
// pseudo terminal it also ends the exclusive mode, which would outlive us there
// for as long as the other side stays open, and shut our successor out.
func withholdFromChildren(fd int) error {
	var ours unix.Stat_t
	if err := unix.Fstat(fd, &ours); err != nil {
		return fmt.Errorf("look at the device: %w", err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list our descriptors: %w", err)
	}
	for _, entry := range open {
		var other unix.Stat_t
		number, err := strconv.Atoi(entry.Name())
		if err != nil || unix.Fstat(number, &other) != nil {
			continue // closed meanwhile
		}
		if other.Mode&unix.S_IFMT == unix.S_IFCHR && other.Rdev == ours.Rdev {
			unix.CloseOnExec(number)
		}
	}
	if isPseudoTerminal(ours.Rdev) {
		return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
	}
	return nil
}

// isPseudoTerminal knows the majors 136 to 143 of Unix 98 ptys.
func isPseudoTerminal(device uint64) bool {
	major := unix.Major(device)
	return major >= 136 && major <= 143
}

var errUndrained = errors.New("bytes are left")

// drain waits a moment for written bytes to leave the machine.
func drain(fd int) error {
	look := time.NewTicker(drainPoll)
	defer look.Stop()
	enough := time.NewTimer(lingerOnClose)
	defer enough.Stop()
	for {
		left, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-look.C:
		case <-enough.C:
			return errUndrained
		}
	}
}
