package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// What a register is told when its command can't be taken.
var (
	// ErrInconsistent: the ID is stored with another content; that payment is untouched.
	ErrInconsistent = errors.New("this paymentRequestId is stored with another content")
	// ErrNotStored: the store refused, and no trace is left. Safe to repeat.
	ErrNotStored = errors.New("not stored")
	// ErrDoubtful: the store refused, and a trace may be left. Ask again later.
	ErrDoubtful = errors.New("not known whether it is stored")
	// ErrStopping: the worker takes no new payments any more.
	ErrStopping = errors.New("stopping")
	// ErrNotFinal: only the end of a payment can be delivered.
	ErrNotFinal = errors.New("the payment is not final")
)

// BusyError says that the register has another payment inside its window.
type BusyError struct{ Open []string }

func (e *BusyError) Error() string { return fmt.Sprintf("busy with %v", e.Open) }

// CommandError says which member of a command is beyond its limits.
type CommandError struct{ Text string }

func (e *CommandError) Error() string { return e.Text }

// Options are what a worker works with. All of them are needed.
type Options struct {
	Store   *Store
	Gateway Gateway
	Policy  Policy

	Window         time.Duration // of a command that brings none of its own
	PayTimeout     time.Duration // of one attempt
	InquiryTimeout time.Duration
	Grace          time.Duration // at the end: how long calls under way may still take

	// Changed is told that something a register can see has changed, after it is
	// on the disk. It must not block.
	Changed func(register string)
	Logger  *slog.Logger
}

// Worker is the one owner of every payment's row. One goroutine, [Worker.Run],
// takes commands, answers and the passing of time, steps the machine, saves what
// changed in one commit for all, and only then acts and tells.
type Worker struct {
	o       Options
	inbox   chan func(*loop)
	stopped chan struct{}
}

// NewWorker returns a worker that does nothing until it is run.
func NewWorker(o Options) *Worker {
	return &Worker{o: o, inbox: make(chan func(*loop)), stopped: make(chan struct{})}
}

// Run takes up what the store holds and works until ctx ends. Then it begins
// nothing new, gives calls under way o.Grace to end, writes down how they ended,
// and returns. A worker runs once.
func (w *Worker) Run(ctx context.Context) error {
	defer close(w.stopped)
	l, err := newLoop(w.o)
	if err != nil {
		return err
	}
	l.run(ctx, w.inbox)
	return nil
}

// Enqueue takes a register's command and returns the payment's row, which is on
// the disk by then (P2). A command seen before, from whichever register, gives
// the row as it stands and starts nothing; the payment is that register's from
// then on. A window of 0 is the configured one.
//
// Errors: ErrInconsistent, *BusyError, *CommandError, ErrNotStored, ErrDoubtful,
// ErrStopping, or ctx's; after ctx's the command may be stored.
func (w *Worker) Enqueue(ctx context.Context, register string, c Command, window time.Duration) (Payment, error) {
	if err := c.check(); err != nil {
		return Payment{}, err
	}
	if window == 0 {
		window = w.o.Window
	}
	return ask(ctx, w, func(l *loop, r reply) { l.enqueue(register, c, window, r) })
}

// Payment returns the stored row of an ID: ErrNotFound says that it was never
// stored, ErrDoubtful that the store can't tell yet.
func (w *Worker) Payment(ctx context.Context, id string) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply) { r.send(l.lookUp(id)) })
}

// LastEnded returns the payment of a register whose end was learnt last, or
// ErrNotFound.
func (w *Worker) LastEnded(ctx context.Context, register string) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply) { r.send(l.lastEnded(register)) })
}

// Deliver records that the register has stored the end of a payment in its
// revision rev. Another rev than the present one closes nothing and is no error.
func (w *Worker) Deliver(ctx context.Context, id string, rev int64) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply) { r.send(l.deliver(id, rev)) })
}

// Untold returns the payments of a register that are open, and those whose end
// it has not stored yet, oldest first.
func (w *Worker) Untold(ctx context.Context, register string) ([]Payment, error) {
	var list []Payment
	_, err := ask(ctx, w, func(l *loop, r reply) {
		list = l.untold(register)
		r.send(Payment{}, nil)
	})
	return list, err
}

// reply carries one row, or why there is none, back to whoever asked.
type reply chan answerOrError

type answerOrError struct {
	row Payment
	err error
}

func (r reply) send(row Payment, err error) { r <- answerOrError{row, err} }

// ask has fn run in the loop's goroutine and waits for what it sends.
func ask(ctx context.Context, w *Worker, fn func(*loop, reply)) (Payment, error) {
	r := make(reply, 1)
	select {
	case w.inbox <- func(l *loop) { fn(l, r) }:
	case <-w.stopped:
		return Payment{}, ErrStopping
	case <-ctx.Done():
		return Payment{}, ctx.Err()
	}
	select {
	case a := <-r:
		return a.row, a.err
	case <-ctx.Done():
		return Payment{}, ctx.Err()
	}
}

// check refuses a command that a row could not hold.
func (c Command) check() error {
	switch {
	case c.ID == "" || len(c.ID) > 64:
		return &CommandError{"paymentRequestId: want 1 to 64 characters"}
	case c.AmountMinor < 1 || c.AmountMinor > 1<<31-1:
		return &CommandError{fmt.Sprintf("paymentAmount: %d is not from 1 to 2147483647", c.AmountMinor)}
	case len(c.Currency) != 3:
		return &CommandError{fmt.Sprintf("currency: %q is not three letters", c.Currency)}
	}
	return nil
}
