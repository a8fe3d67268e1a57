package queue

import (
	"context"
	"time"
)

// Terms are the part of a worker's options that may change while it works.
type Terms struct {
	Policy         Policy
	Window         time.Duration
	PayTimeout     time.Duration
	InquiryTimeout time.Duration
	RefundTimeout  time.Duration
	Retention      time.Duration
}

// Adopt has the worker go on by other terms. What is under way keeps its window,
// and a call its time. At that moment change is called with how many payments and
// refunds are open, in the worker's own goroutine: nothing begins or ends beside
// it, and it must not block.
func (w *Worker) Adopt(ctx context.Context, t Terms, change func(open int)) error {
	_, err := ask(ctx, w, func(l *loop, r reply[struct{}]) {
		l.o.Policy, l.o.Window = t.Policy, t.Window
		l.o.PayTimeout, l.o.InquiryTimeout, l.o.RefundTimeout = t.PayTimeout, t.InquiryTimeout, t.RefundTimeout
		l.o.Retention = t.Retention
		change(l.watched().Open)
		r.send(struct{}{}, nil)
	})
	return err
}
