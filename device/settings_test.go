package device

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func TestSecondOpenerIsToldThatThePortIsInUse(t *testing.T) {
	_, path := openPair(t)
	p := openTestPort(t, path)
	if _, err := OpenPort(path, fastLine()); !errors.Is(err, ErrBusy) {
		t.Fatalf("second opener: %v, want ErrBusy", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	openTestPort(t, path)
}

func TestLockOfAnotherProgramBindsRootToo(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	defer near.Close()
	if err := unix.Flock(int(near.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPort(near.Name(), fastLine()); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

func TestWhatArrivedBeforeTheOpeningIsFlushed(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	defer near.Close()
	if _, err := far.WriteString("old\n"); err != nil {
		t.Fatal(err)
	}
	p := openTestPort(t, near.Name())
	if _, err := far.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 16)
	n := 0
	err = within(t, patience, func() (err error) { n, err = p.Read(got); return err })
	if err != nil || string(got[:n]) != "new" {
		t.Errorf("read %q, %v", got[:n], err)
	}
}

func TestOurProgramsDoNotInheritThePort(t *testing.T) {
	_, path := openPair(t)
	openTestPort(t, path)
	list, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(list), path+"\n") {
		t.Errorf("a child has the port open:\n%s", list)
	}
}

func TestPseudoTerminalIsNotLeftExclusive(t *testing.T) {
	_, path := openPair(t)
	p := openTestPort(t, path)
	exclusive := -1
	if err := p.control(func(fd int) (err error) {
		exclusive, err = unix.IoctlGetInt(fd, unix.TIOCGEXCL)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if exclusive != 0 {
		t.Error("after our death nobody but root could open it while the far end lives")
	}
}

func TestPortsThatCanNotBeOpenedSayWhy(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, path := openPair(t)
	tests := []struct {
		path string
		line Line
		want string
	}{
		{filepath.Join(dir, "absent"), Line{}, "plug the adapter in"},
		{plain, Line{}, "not a serial port"},
		{os.DevNull, Line{}, "not a serial port"},
		{dir, Line{}, "is a directory"},
		{path, Line{Baud: 299}, "baud 299"},
		{path, Line{Baud: 921601}, "baud 921601"},
		{path, Line{DataBits: 6}, "data bits 6"},
		{path, Line{StopBits: 3}, "stop bits 3"},
		{path, Line{Parity: "mark"}, `parity "mark"`},
	}
	for _, test := range tests {
		p, err := OpenPort(test.path, test.line)
		if err == nil {
			_ = p.Close() // it should not have opened at all
			t.Errorf("%s %+v: opened", test.path, test.line)
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("got %q, want the path and %q", err, test.want)
		}
	}
	if _, err := OpenPort(filepath.Join(dir, "absent"), Line{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestLineSettingsReachTheDevice(t *testing.T) {
	_, path := openPair(t)
	p, err := OpenPort(path, Line{Baud: 9600, DataBits: 7, StopBits: 2, Parity: "even"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got *unix.Termios
	if err := p.control(func(fd int) (err error) { got, err = unix.IoctlGetTermios(fd, unix.TCGETS); return err }); err != nil {
		t.Fatal(err)
	}
	// A pseudo terminal keeps 8N whatever it is asked for; rate and stop bits it takes.
	if got.Cflag&unix.CBAUD != unix.B9600 || got.Cflag&unix.CSTOPB == 0 || got.Cflag&unix.CRTSCTS != 0 || got.Iflag&(unix.IXON|unix.IXOFF) != 0 {
		t.Errorf("cflag %o, iflag %o", got.Cflag, got.Iflag)
	}
	if d := (Line{Baud: 9600, DataBits: 7, StopBits: 2, Parity: "even"}).byteTime(); d != 11*time.Second/9600 {
		t.Errorf("a byte takes %v", d)
	}
	if d := (Line{}).byteTime(); d != 10*time.Second/115200 {
		t.Errorf("a byte takes %v at 115200 8N1", d)
	}
}
