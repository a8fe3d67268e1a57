package virtual

import (
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Damage says how bad one direction of a line is. The rates are from 0 to 1.
type Damage struct {
	Drop   float64 // of a byte: it is lost
	Double float64 // of a byte: it comes twice
	Flip   float64 // of a byte: one of its bits is turned over
	Stall  float64 // of a byte: nothing moves for StallFor after it
	Split  float64 // of a byte: the lump ends after it
	Merge  float64 // of a lump: it is held up to MergeFor and sent with the next

	StallFor time.Duration // 0 is 10 ms
	MergeFor time.Duration // 0 is 5 ms
}

// Harm counts what a BadLine did in one direction.
type Harm struct {
	Bytes                     int // that came to be sent
	Dropped, Doubled, Flipped int // bytes
	Stalls, Splits, Merges    int
	Cut                       int // bytes lost while the line was cut
}

// BadLine is a line that damages what passes. What happens to the n-th byte of
// a direction depends on the seed and the rates alone, not on how the bytes
// were cut into lumps; only Merge depends on the lumps.
type BadLine struct {
	inner   io.ReadWriteCloser
	out, in *lane
	read    chan []byte // from the lane to Read
	rest    []byte      // of a lump that Read could not take whole
	ended   chan struct{}
	cut     atomic.Bool
	stop    chan struct{}
	close   sync.Once
	pumps   sync.WaitGroup
	mu      sync.Mutex
	err     error // why the inner line ended
}

// NewBadLine wraps a line: out is what is done to bytes written to the
// BadLine, in to bytes read from it. It runs goroutines until Close.
func NewBadLine(inner io.ReadWriteCloser, seed uint64, out, in Damage) *BadLine {
	l := &BadLine{
		inner: inner,
		read:  make(chan []byte),
		ended: make(chan struct{}),
		stop:  make(chan struct{}),
	}
	l.out = newLane(seed, 1, out, l)
	l.in = newLane(seed, 2, in, l)
	l.out.put = func(b []byte) bool {
		_, err := inner.Write(b)
		return err == nil || l.fail(err)
	}
	l.in.put = func(b []byte) bool {
		select {
		case l.read <- b:
			return true
		case <-l.stop:
			return false
		}
	}
	l.pumps.Go(l.out.run)
	l.pumps.Go(func() { defer close(l.ended); l.in.run() })
	l.pumps.Go(l.readInner)
	return l
}

func (l *BadLine) readInner() {
	defer close(l.in.src)
	for {
		b := make([]byte, readLen)
		n, err := l.inner.Read(b)
		if n > 0 && !l.in.offer(b[:n]) {
			return
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// fail keeps the first reason and returns false.
func (l *BadLine) fail(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	return false
}

func (l *BadLine) why(otherwise error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	return otherwise
}

// Read reads what is left of what the other side sent. One goroutine may read.
func (l *BadLine) Read(b []byte) (int, error) {
	if len(l.rest) == 0 {
		select {
		case l.rest = <-l.read:
		case <-l.ended:
			return 0, l.why(io.EOF)
		case <-l.stop:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Write hands bytes over and returns before they are through, as a UART does.
func (l *BadLine) Write(b []byte) (int, error) {
	if err := l.why(nil); err != nil {
		return 0, err
	}
	if !l.out.offer(append([]byte(nil), b...)) {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// Close closes the line beneath and waits until nothing of it runs.
func (l *BadLine) Close() error {
	var err error
	l.close.Do(func() {
		close(l.stop)
		err = l.inner.Close()
		l.pumps.Wait()
	})
	return err
}

// SetCut pulls the cable, or puts it back. Bytes sent meanwhile are lost, in
// both directions, and neither side is told.
func (l *BadLine) SetCut(cut bool) { l.cut.Store(cut) }

// Harm returns what has been done so far.
func (l *BadLine) Harm() (out, in Harm) { return l.out.harmed(), l.in.harmed() }

// newLane makes a direction. Bytes and lumps draw from streams of their own, so
// that lumps do not shift what happens to bytes.
func newLane(seed, direction uint64, d Damage, l *BadLine) *lane {
	if d.StallFor == 0 {
		d.StallFor = 10 * time.Millisecond
	}
	if d.MergeFor == 0 {
		d.MergeFor = 5 * time.Millisecond
	}
	return &lane{
		d:     d,
		bytes: rand.New(rand.NewPCG(seed, direction)),
		lumps: rand.New(rand.NewPCG(seed, direction+2)),
		src:   make(chan []byte),
		stop:  l.stop,
		cut:   &l.cut,
	}
}
