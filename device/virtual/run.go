package virtual

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	readLen     = 4096
	lumpsQueued = 64                     // for a line that takes nothing
	lastWords   = 100 * time.Millisecond // to write what is queued when Run ends
)

// wires are the channels between the loop and the two goroutines at the line.
type wires struct {
	in   chan []byte
	out  chan []byte
	hung chan error    // takes one from each side without blocking
	stop chan struct{} // closed when the loop has ended
}

// Run owns the line until ctx ends or the line hangs up, and closes it. It
// returns nil for the end of ctx, otherwise an error that wraps ErrHangUp and
// the line's own. Close of the line must release its Read and Write. Nothing
// started by Run outlives it. It can be called once.
func (r *Register) Run(ctx context.Context) error {
	if r.ran.Swap(true) {
		return errors.New("register was run before: make a new one")
	}
	defer close(r.done)
	w := wires{
		in:   make(chan []byte),
		out:  make(chan []byte, lumpsQueued),
		hung: make(chan error, 2),
		stop: make(chan struct{}),
	}
	var reader sync.WaitGroup
	reader.Go(func() { r.read(w) })
	written := make(chan struct{})
	go func() { defer close(written); r.write(w) }()

	err := r.loop(ctx, w)
	close(w.stop)
	close(w.out)
	wait(written, lastWords)
	_ = r.line.Close() // Nothing is to be said about a line that is given up.
	<-written
	reader.Wait()
	return err
}

// wait waits for done, but not for longer than d.
func wait(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

func (r *Register) read(w wires) {
	for {
		b := make([]byte, readLen)
		n, err := r.line.Read(b)
		if n > 0 {
			select {
			case w.in <- b[:n]:
			case <-w.stop:
				return
			}
		}
		if err != nil {
			w.hung <- err
			return
		}
	}
}

func (r *Register) write(w wires) {
	for b := range w.out {
		if _, err := r.line.Write(b); err != nil {
			w.hung <- err
			return
		}
	}
}

// loop is the one owner of the link's state. It ends with the register's
// current call answered.
func (r *Register) loop(ctx context.Context, w wires) error {
	l := &link{timers: r.o.Timers, baud: r.o.Baud}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var cur *call
	defer func() {
		if cur != nil {
			cur.reply <- reply{err: ErrHangUp}
		}
	}()
	for {
		setTimer(timer, l.deadline())
		calls, given := r.calls, (<-chan struct{})(nil)
		if cur != nil {
			calls, given = nil, cur.ctx.Done()
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.hung:
			return fmt.Errorf("%w: %w", ErrHangUp, err)
		case b := <-w.in:
			r.o.Trace(TraceIn, b)
			l.receive(time.Now(), b)
		case <-timer.C:
			l.tick(time.Now())
		case cur = <-calls:
			l.begin(time.Now(), cur.body)
		case <-given:
			l.finish(Message{}, cur.ctx.Err())
		}
		r.carryOut(l, w.out)
		cur = answer(l, cur)
	}
}

func setTimer(t *time.Timer, at time.Time) {
	if at.IsZero() {
		t.Stop()
		return
	}
	t.Reset(time.Until(at))
}

// answer hands the reply to the caller, if there is one, and returns the call
// that is still under way.
func answer(l *link, cur *call) *call {
	if l.reply == nil {
		return cur
	}
	cur.reply <- *l.reply
	l.reply = nil
	return nil
}

// carryOut does what the link has decided. What the link has counted is shown
// before anyone can see what follows from it, and once more with the losses.
func (r *Register) carryOut(l *link, out chan<- []byte) {
	r.show(l)
	for _, b := range l.out {
		select {
		case out <- b:
			r.o.Trace(TraceOut, b)
		default: // The line takes nothing. What was sent is sent again.
			l.counts.UnsentLumps++
		}
	}
	for _, m := range l.events {
		r.publish(m)
	}
	l.out, l.events = nil, nil
	r.show(l)
}

// publish keeps the newest events. The loop is the only sender, so that there
// is room after one is dropped.
func (r *Register) publish(m Message) {
	select {
	case r.events <- m:
		return
	default:
	}
	select {
	case <-r.events:
		r.lost++
	default: // The reader has just made room.
	}
	r.events <- m
}

func (r *Register) show(l *link) {
	l.counts.EventsLost = r.lost
	r.mu.Lock()
	changed := r.down != l.down
	r.counts, r.down = l.counts, l.down
	r.mu.Unlock()
	if changed && l.down {
		r.o.Logger.Warn("register: link is down, the agent acknowledges nothing", "register", r.o.Name)
	}
	if changed && !l.down {
		r.o.Logger.Info("register: link is up", "register", r.o.Name)
	}
}
