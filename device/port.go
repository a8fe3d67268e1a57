package device

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// What may befall a Port, to be told apart with errors.Is.
var (
	ErrTimeout = errors.New("nothing moved in time")
	ErrHangUp  = errors.New("the other side hung up")
	ErrClosed  = errors.New("the port was closed by us")
	ErrBusy    = errors.New("in use by another program: stop that one, or name another port")
)

// Port is one open serial line: a tty, a USB adapter or gadget, or a pseudo
// terminal. go.bug.st/serial opens it, sets the line and flushes it. Reading
// and writing go by a second descriptor of the same device, which Go's poller
// watches, because those of the serial package cannot be bounded: its Write
// after Close goes into whatever file has the descriptor by then, its Write to
// a deaf peer blocks for ever, its Read cannot tell a hang-up from a Close and
// panics on descriptors from 1024 up.
//
// Read and Write may be called from two goroutines, Close and the deadline from
// any. Once Close has returned, no write is under way and none starts.
type Port struct {
	path     string
	byteTime time.Duration
	settings serial.Port
	file     *os.File
	closing  atomic.Bool
	close    sync.Once
	closeErr error
}

// OpenPort opens the port at path (a device file or a symlink to one), locks it
// against other programs, root's too, sets the line and drops what had arrived
// before. The errors are ErrBusy, fs.ErrNotExist, fs.ErrPermission or others
// that name what to do.
func OpenPort(path string, line Line) (*Port, error) {
	mode, err := line.orDefault().mode()
	if err != nil {
		return nil, fmt.Errorf("open port %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open port %s: %w", path, advise(err))
	}
	p := &Port{path: path, byteTime: line.byteTime(), file: file}
	if err := p.take(mode); err != nil {
		_ = file.Close() // nothing was written; the error before it says more
		return nil, fmt.Errorf("open port %s: %w", path, err)
	}
	return p, nil
}

// take locks the device and lets the serial package set it up.
func (p *Port) take(mode *serial.Mode) error {
	if err := p.control(lockDevice); err != nil {
		return err
	}
	if err := p.file.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("not a serial port: %w", err)
	}
	var settings serial.Port
	if err := p.control(func(fd int) (err error) {
		settings, err = openSettings(fd, mode)
		return err
	}); err != nil {
		return err
	}
	if err := settings.ResetInputBuffer(); err != nil {
		_ = settings.Close() // the error before it says more
		return fmt.Errorf("flush input: %w", err)
	}
	p.settings = settings
	return nil
}

// Read waits for bytes. Its errors are ErrTimeout once the deadline is over,
// ErrHangUp and ErrClosed; it never returns 0 bytes without one of them.
func (p *Port) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, fmt.Errorf("read %s: %w", p.path, p.tellApart(err))
}

// Write sends b within its time on the wire and a second. ErrTimeout says that
// the peer took only the first n bytes.
func (p *Port) Write(b []byte) (int, error) {
	if p.closing.Load() {
		return 0, fmt.Errorf("write %s: %w", p.path, ErrClosed)
	}
	within := writeGrace + time.Duration(len(b))*p.byteTime
	if err := p.file.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return 0, fmt.Errorf("write %s: %w", p.path, p.tellApart(err))
	}
	n, err := p.file.Write(b)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", p.path, p.tellApart(err))
	}
	return n, nil
}

// SetReadDeadline bounds Read, one under way too; the zero time is no bound.
func (p *Port) SetReadDeadline(t time.Time) error {
	if err := p.file.SetReadDeadline(t); err != nil {
		return fmt.Errorf("read deadline of %s: %w", p.path, p.tellApart(err))
	}
	return nil
}

// Close ends a Read or Write under way with ErrClosed. What was written may
// still leave the machine for a moment; the rest is thrown away, since a close
// would otherwise wait for a deaf peer. A second Close does nothing.
func (p *Port) Close() error {
	p.close.Do(func() {
		p.closing.Store(true)
		// Releases Read and Write first: a write that goes on would fill again
		// what is drained. It fails only on a closed file.
		_ = p.file.SetDeadline(time.Unix(1, 0))
		if p.control(drain) != nil {
			_ = p.settings.ResetOutputBuffer() // a port that is gone has none
		}
		p.closeErr = errors.Join(p.settings.Close(), p.file.Close())
	})
	return p.closeErr
}

// control runs do on our descriptor, which stays open meanwhile.
func (p *Port) control(do func(fd int) error) error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// tellApart names the three things that end a read or a write.
func (p *Port) tellApart(err error) error {
	switch {
	case p.closing.Load() || errors.Is(err, os.ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return ErrHangUp
	}
	return err
}

// advise adds the operator's next step to an error of opening.
func advise(err error) error {
	switch {
	case errors.Is(err, syscall.EBUSY):
		return ErrBusy
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("plug the adapter in, or name another port: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("add the agent's user to the group of the device: %w", err)
	}
	return err
}
