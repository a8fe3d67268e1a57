package device

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 5 * time.Second

// fastLine keeps bounded writes short.
func fastLine() Line { return Line{Baud: 921600} }

// openPair makes a pseudo terminal: the far end, and the path of the near one. The
// near one is held open until the test ends: the kernel gives the number of a
// closed one to the next who asks, and that may be another test's.
func openPair(t *testing.T) (*os.File, string) {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	path := near.Name()
	t.Cleanup(func() {
		if err := near.Close(); err != nil {
			t.Error(err)
		}
	})
	polled := polledFile(t, far)
	t.Cleanup(func() { _ = polled.Close() }) // some tests close it as their hang-up
	return polled, path
}

// polledFile is f under another descriptor whose Close ends a Read under way,
// so that closing it hangs up at once.
func polledFile(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

func openTestPort(t *testing.T, path string) *Port {
	t.Helper()
	p, err := OpenPort(path, fastLine())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// within fails the test if do does not return in time.
func within(t *testing.T, d time.Duration, do func() error) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- do() }()
	select {
	case err := <-result:
		return err
	case <-time.After(d):
		t.Fatalf("still under way after %v", d)
		return nil
	}
}

// awaitBlocked returns once some goroutine waits for the device in function.
func awaitBlocked(t *testing.T, function string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		for _, stack := range strings.Split(string(all), "\n\n") {
			if strings.Contains(stack, "[IO wait") && strings.Contains(stack, function) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing waits in %s", function)
		}
	}
}

func TestEveryByteGoesThroughUnchangedBothWays(t *testing.T) {
	far, path := openPair(t)
	p := openTestPort(t, path)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, way := range []struct {
		name string
		from io.Writer
		to   io.Reader
	}{{"out", p, far}, {"in", far, p}} {
		if _, err := way.from.Write(all); err != nil {
			t.Fatal(way.name, err)
		}
		got := make([]byte, len(all))
		if err := within(t, patience, func() error { _, err := io.ReadFull(way.to, got); return err }); err != nil {
			t.Fatal(way.name, err)
		}
		if !bytes.Equal(got, all) {
			t.Errorf("%s: got % x", way.name, got)
		}
	}
}

func TestReadTimeOutIsAnError(t *testing.T) {
	_, path := openPair(t)
	p := openTestPort(t, path)
	if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n := -1
	err := within(t, patience, func() (err error) { n, err = p.Read(make([]byte, 8)); return err })
	if n != 0 || !errors.Is(err, ErrTimeout) {
		t.Errorf("got %d, %v; want 0, ErrTimeout", n, err)
	}
}

func TestHangUpIsToldApartFromOurOwnClose(t *testing.T) {
	tests := []struct {
		name string
		end  func(far *os.File, p *Port) error
		want error
	}{
		{"the other side hangs up", func(far *os.File, _ *Port) error { return far.Close() }, ErrHangUp},
		{"we close", func(_ *os.File, p *Port) error { return p.Close() }, ErrClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			far, path := openPair(t)
			p := openTestPort(t, path)
			reading := make(chan error, 1)
			go func() {
				_, err := p.Read(make([]byte, 8))
				reading <- err
			}()
			awaitBlocked(t, "device.(*Port).Read")
			if err := test.end(far, p); err != nil {
				t.Fatal(err)
			}
			err := within(t, patience, func() error { return <-reading })
			if !errors.Is(err, test.want) {
				t.Errorf("Read: %v, want %v", err, test.want)
			}
			if _, err := p.Write([]byte("x")); !errors.Is(err, test.want) {
				t.Errorf("Write: %v, want %v", err, test.want)
			}
		})
	}
}

func TestNoWriteGoesAnywhereAfterClose(t *testing.T) {
	_, path := openPair(t)
	p := openTestPort(t, path)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	var files []*os.File // they take the descriptors that became free
	for range 16 {
		f, err := os.CreateTemp(t.TempDir(), "row")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for range 100 {
		if n, err := p.Write([]byte("stray")); n != 0 || !errors.Is(err, ErrClosed) {
			t.Fatalf("got %d, %v; want 0, ErrClosed", n, err)
		}
	}
	for _, f := range files {
		if seen, err := f.Stat(); err != nil || seen.Size() != 0 {
			t.Errorf("%s: %v, %v", f.Name(), seen, err)
		}
		_ = f.Close() // only read
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestWriteToADeafPeerEnds(t *testing.T) {
	_, path := openPair(t)
	p := openTestPort(t, path)
	n := 0
	err := within(t, patience, func() (err error) { n, err = p.Write(make([]byte, 40<<10)); return err })
	if !errors.Is(err, ErrTimeout) || n == 0 || n == 40<<10 {
		t.Errorf("got %d, %v; want a part and ErrTimeout", n, err)
	}
}

func TestCloseReleasesAWriteToADeafPeer(t *testing.T) {
	_, path := openPair(t)
	p, err := OpenPort(path, Line{Baud: 300}) // such a write may take half an hour
	if err != nil {
		t.Fatal(err)
	}
	fill := make([]byte, 40<<10)
	writing := make(chan error, 1)
	go func() { _, err := p.Write(fill); writing <- err }()
	awaitBlocked(t, "device.(*Port).Write")
	if err := within(t, patience, p.Close); err != nil {
		t.Fatal(err)
	}
	if err := within(t, patience, func() error { return <-writing }); !errors.Is(err, ErrClosed) {
		t.Errorf("Write: %v, want ErrClosed", err)
	}
}

func TestPeerThatWakesIsServedAgain(t *testing.T) {
	far, path := openPair(t)
	p := openTestPort(t, path)
	n, err := p.Write(make([]byte, 40<<10))
	if !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(far, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("again")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if err := within(t, patience, func() error { _, err := io.ReadFull(far, got); return err }); err != nil || string(got) != "again" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPortWorksBeyondDescriptor1024(t *testing.T) {
	far, path := openPair(t)
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Skipf("this system gives too few descriptors to show it: %v", err)
		}
		defer f.Close()
	}
	p := openTestPort(t, path)
	if _, err := far.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := within(t, patience, func() error { _, err := p.Read(make([]byte, 1)); return err }); err != nil {
		t.Error(err)
	}
	if _, err := p.Write([]byte("y")); err != nil {
		t.Error(err)
	}
}
