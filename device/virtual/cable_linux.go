package virtual

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// freeEvery is how soon after its death a killed agent's exclusive claim is
// taken off the cable.
const freeEvery = 20 * time.Millisecond

// Cable is a pty pair that stands for a serial cable. The register holds one
// end, which is the Cable itself; the agent opens Path, as often as it likes.
//
// The agent may close its end, be killed and come back: the register's end
// neither hangs up nor loses what the agent had written, and Path stays. For
// that the Cable holds the agent's end open too. Two things follow, both
// measured on Linux. Bytes the register writes while nobody has opened Path
// wait there, so an agent must flush its input when it opens a port, as it must
// on a real one. And the kernel keeps an exclusive claim (TIOCEXCL) as long as
// the pty lives, not as long as its claimer, so that a killed agent would lock
// out its successor where that is not root: the Cable takes such claims off,
// every 20 ms.
type Cable struct {
	master, slave *os.File
	stop          chan struct{}
	freeing       sync.WaitGroup
	closed        atomic.Bool
}

// NewCable makes a cable: raw, without echo, 8 bits.
func NewCable() (*Cable, error) {
	// Not through a package: the descriptor must stay non-blocking from birth,
	// or Close would not release a Read.
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("make a cable: %w (is devpts mounted?)", err)
	}
	slave, err := openSlave(master)
	if err != nil {
		_ = master.Close() // The error that matters is the first one.
		return nil, fmt.Errorf("make a cable: %w", err)
	}
	c := &Cable{master: master, slave: slave, stop: make(chan struct{})}
	c.freeing.Go(c.free)
	return c, nil
}

func openSlave(master *os.File) (*os.File, error) {
	number := 0
	err := control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("unlock pty: %w", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if err := control(slave, makeRaw); err != nil {
		_ = slave.Close() // The error that matters is the first one.
		return nil, fmt.Errorf("make %s raw: %w", slave.Name(), err)
	}
	return slave, nil
}

// makeRaw does what cfmakeraw(3) does.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// control calls f with the descriptor and leaves the file as it is. File.Fd
// would make it blocking.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// free takes exclusive claims off the agent's end until Close.
func (c *Cable) free() {
	t := time.NewTicker(freeEvery)
	defer t.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-t.C:
			// An ioctl that fails here means a cable under Close.
			_ = control(c.slave, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
		}
	}
}

// Path is the device file of the agent's end.
func (c *Cable) Path() string { return c.slave.Name() }

// Read reads what the agent wrote.
func (c *Cable) Read(b []byte) (int, error) { return c.master.Read(b) }

// Write writes to the agent. It blocks while some 20 KB wait unread.
func (c *Cable) Write(b []byte) (int, error) { return c.master.Write(b) }

// Close takes the cable away: the agent's end hangs up, Path is gone, and a
// Read or Write under way returns. A second Close does nothing.
func (c *Cable) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	close(c.stop)
	c.freeing.Wait()
	return errors.Join(c.slave.Close(), c.master.Close())
}

// Plug is the register's end as something a Register may close: closing it
// leaves the cable and its Path in place, so that a register can be restarted
// at the same port. One plug at a time is in; a new one takes its place.
func (c *Cable) Plug() (io.ReadWriteCloser, error) {
	if err := c.master.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("plug in at %s: %w", c.Path(), err)
	}
	return &plug{cable: c}, nil
}

type plug struct {
	cable  *Cable
	pulled atomic.Bool
}

func (p *plug) Read(b []byte) (int, error) {
	if p.pulled.Load() {
		return 0, os.ErrClosed
	}
	return p.cable.Read(b)
}

func (p *plug) Write(b []byte) (int, error) {
	if p.pulled.Load() {
		return 0, os.ErrClosed
	}
	return p.cable.Write(b)
}

// Close releases a Read or Write under way by a deadline in the past.
func (p *plug) Close() error {
	if p.pulled.Swap(true) {
		return nil
	}
	return p.cable.master.SetDeadline(time.Unix(1, 0))
}
