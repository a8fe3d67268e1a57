package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// What a register is told when its request can't be met.
var (
	// ErrInconsistent: the ID is stored with another content; that one is untouched.
	ErrInconsistent = errors.New("this id is stored with another content")
	// ErrNotStored: the store refused, and no trace is left. Safe to repeat.
	ErrNotStored = errors.New("not stored")
	// ErrDoubtful: whether it is stored can't be known now. Ask again later.
	ErrDoubtful = errors.New("not known whether it is stored")
	// ErrStopping: the worker takes nothing new any more.
	ErrStopping = errors.New("stopping")
	// ErrNotFinal: only an end can be delivered.
	ErrNotFinal = errors.New("it is not final")
	// ErrAborted: the ID was aborted before it was ever paid; it never will be.
	ErrAborted = errors.New("aborted before it was ever paid")
	// ErrTooLate: the payment is paid and the register knows it: refund it instead.
	ErrTooLate = errors.New("paid and delivered")
	// ErrNotPaid: only a paid payment can be refunded.
	ErrNotPaid = errors.New("the payment is not paid")
	// ErrExceeds: more is to be refunded than is left of the payment.
	ErrExceeds = errors.New("more than is left of the payment")
)

// BusyError says that the register has another payment inside its window.
type BusyError struct{ Open []string }

func (e *BusyError) Error() string { return fmt.Sprintf("busy with %v", e.Open) }

// CommandError says which member of a command is beyond its limits.
type CommandError struct{ Text string }

func (e *CommandError) Error() string { return e.Text }

// Options are what a worker works with. All of them are needed, but Saved.
type Options struct {
	Store   *Store
	Gateway Gateway
	Policy  Policy

	Window         time.Duration // of a command that brings none of its own
	PayTimeout     time.Duration // of one attempt
	InquiryTimeout time.Duration // of one question, about a payment or a refund
	RefundTimeout  time.Duration // of one attempt to refund
	Grace          time.Duration // at the end: how long calls under way may still take
	Retention      time.Duration // how long receipts and stories are kept; ids and amounts stay

	// ClockBelieved says whether the clock is right enough to throw away by it what
	// is old; nil: it is. It must not block.
	ClockBelieved func() bool

	// Changed is told that something a register can see has changed, after it is
	// on the disk. It must not block.
	Changed func(register string)
	// Saved is told how long each commit took, for those who watch. It must not
	// block, and may be nil.
	Saved  func(took time.Duration)
	Logger *slog.Logger
}

// timeout is how long a call for act may take.
func (o Options) timeout(act Action) time.Duration {
	switch act {
	case Pay:
		return o.PayTimeout
	case GiveBack:
		return o.RefundTimeout
	}
	return o.InquiryTimeout
}

// Record is a payment or a refund: exactly one of the two is set.
type Record struct {
	Payment *Payment
	Refund  *Refund
}

// Health is how the worker is, for those who watch it.
type Health struct {
	Writable bool // false from a failed write until one succeeds
	Open     int  // payments and refunds that are not final
	InDoubt  int  // payments whose window is over and whose outcome is open
}

// Worker is the one owner of every payment's and refund's row. One goroutine,
// [Worker.Run], takes commands, answers and the passing of time, steps the
// machines, saves what changed in one commit for all, and only then acts and tells.
//
// The errors of its methods are those above, *BusyError and *CommandError where
// named, or ctx's; after ctx's the request may have been carried out.
type Worker struct {
	o       Options
	inbox   chan func(*loop)
	hints   chan func(*loop) // what may be lost; nobody waits for it
	stopped chan struct{}
}

// NewWorker returns a worker that does nothing until it is run.
func NewWorker(o Options) *Worker {
	return &Worker{o: o, inbox: make(chan func(*loop)), hints: make(chan func(*loop), hintsAtOnce), stopped: make(chan struct{})}
}

// Run takes up what the store holds and works until ctx ends. Then it begins
// nothing new, gives calls under way o.Grace to end, writes down how they ended,
// and returns. It returns an error where the store can't be read or is damaged, or
// another program writes to it. A worker runs once.
func (w *Worker) Run(ctx context.Context) error {
	defer close(w.stopped)
	l, err := newLoop(w.o)
	if err != nil {
		return err
	}
	var check sync.WaitGroup
	checking, cancel := context.WithCancel(ctx)
	w.o.Store.endCheck = cancel
	check.Go(func() { w.checkRest(checking) })
	l.run(ctx, w.inbox, w.hints)
	cancel()
	check.Wait()
	return l.fatal
}

// Enqueue takes a register's command and returns the payment's row, which is on
// the disk by then (P2). A command seen before, from whichever register, gives
// the row as it stands and starts nothing; the payment is that register's from
// then on. A window of 0 is the configured one.
//
// Errors: ErrInconsistent, ErrAborted, *BusyError, *CommandError, ErrNotStored,
// ErrDoubtful, ErrStopping.
func (w *Worker) Enqueue(ctx context.Context, register string, c Command, window time.Duration) (Payment, error) {
	if err := c.check(); err != nil {
		return Payment{}, err
	}
	return ask(ctx, w, func(l *loop, r reply[Payment]) {
		if window == 0 {
			window = l.o.Window
		}
		l.enqueue(register, c, window, r)
	})
}

// Abort records that a register wishes a payment away, and returns the row. What
// never left is cancelled, also under an ID never seen, which can never be paid
// from then on; anything else is found out, and given back where it was taken.
//
// Errors: ErrTooLate, ErrNotStored, ErrDoubtful.
func (w *Worker) Abort(ctx context.Context, register, id string) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply[Payment]) { l.abort(register, id, r) })
}

// EnqueueRefund takes a register's command to give money back and returns the
// refund's row, which is on the disk by then. It repeats as safely as Enqueue.
//
// Errors: ErrNotFound (the payment), ErrNotPaid, ErrExceeds, ErrInconsistent,
// *CommandError, ErrNotStored, ErrDoubtful, ErrStopping.
func (w *Worker) EnqueueRefund(ctx context.Context, register string, c RefundCommand) (Refund, error) {
	if err := c.check(); err != nil {
		return Refund{}, err
	}
	return ask(ctx, w, func(l *loop, r reply[Refund]) { l.enqueueRefund(register, c, r) })
}

// Payment returns the stored row of an ID: ErrNotFound says that it was never
// stored, ErrDoubtful that the store can't tell.
func (w *Worker) Payment(ctx context.Context, id string) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply[Payment]) { r.send(l.lookUp(id)) })
}

// Refund returns the stored row of a refundRequestId, with the errors of Payment.
func (w *Worker) Refund(ctx context.Context, id string) (Refund, error) {
	return ask(ctx, w, func(l *loop, r reply[Refund]) { r.send(l.lookUpRefund(id)) })
}

// LastEnded returns what of a register's ended last, or ErrNotFound.
func (w *Worker) LastEnded(ctx context.Context, register string) (Record, error) {
	return ask(ctx, w, func(l *loop, r reply[Record]) { r.send(l.lastEnded(register)) })
}

// Deliver records that the register has stored the end of a payment in its
// revision rev. Another rev than the present one closes nothing and is no error.
//
// Errors: ErrNotFound, ErrNotFinal, ErrDoubtful.
func (w *Worker) Deliver(ctx context.Context, id string, rev int64) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply[Payment]) { r.send(l.deliver(id, rev)) })
}

// DeliverRefund is Deliver for a refund.
func (w *Worker) DeliverRefund(ctx context.Context, id string, rev int64) (Refund, error) {
	return ask(ctx, w, func(l *loop, r reply[Refund]) { r.send(l.deliverRefund(id, rev)) })
}

// Told notes in the journal that a payment's or refund's end was put on its
// register's line in the revision rev. It never blocks, and is written down with the
// next change of the row: an end that was told and not delivered is told again.
func (w *Worker) Told(id string, refund bool, rev int64) {
	now := time.Now()
	select {
	case w.hints <- func(l *loop) { l.noteTold(now, id, refund, rev) }:
	default: // the loop is busy; the story lacks a line
	}
}

// Untold returns what of a register's is open, and what has ended without the
// register having stored it, oldest first. Reversals are part of their payment.
func (w *Worker) Untold(ctx context.Context, register string) ([]Record, error) {
	return ask(ctx, w, func(l *loop, r reply[[]Record]) { r.send(l.untold(register), nil) })
}

// Totals adds up what a register was paid and gave back in from ≤ t < to, and
// names its payments whose outcome is open.
func (w *Worker) Totals(ctx context.Context, register string, from, to time.Time) (sums []Sum, open []string, err error) {
	open, err = ask(ctx, w, func(l *loop, r reply[[]string]) { r.send(l.openPayments(register), nil) })
	if err != nil {
		return nil, nil, err
	}
	sums, err = w.o.Store.Sums(ctx, register, from, to)
	return sums, open, err
}

// Health says how the worker is.
func (w *Worker) Health(ctx context.Context) (Health, error) {
	return ask(ctx, w, func(l *loop, r reply[Health]) { r.send(l.health(), nil) })
}

// reply carries an answer, or why there is none, back to whoever asked.
type reply[T any] chan outcome[T]

type outcome[T any] struct {
	value T
	err   error
}

func (r reply[T]) send(value T, err error) { r <- outcome[T]{value, err} }

// ask has fn run in the loop's goroutine and waits for what it sends.
func ask[T any](ctx context.Context, w *Worker, fn func(*loop, reply[T])) (T, error) {
	var none T
	r := make(reply[T], 1)
	select {
	case w.inbox <- func(l *loop) { fn(l, r) }:
	case <-w.stopped:
		return none, ErrStopping
	case <-ctx.Done():
		return none, ctx.Err()
	}
	select {
	case a := <-r:
		return a.value, a.err
	case <-w.stopped:
		// The loop has ended; what it sent before is in the channel.
		select {
		case a := <-r:
			return a.value, a.err
		default:
			return none, ErrStopping
		}
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
