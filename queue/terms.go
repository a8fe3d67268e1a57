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

// Adopt has the worker go on by other terms: by those that choose returns, which is
// told how many payments and refunds are open. It is called in the worker's own
// goroutine, so that nothing begins or ends beside it, and must not block. What is
// under way keeps its window, and a call its time.
func (w *Worker) Adopt(ctx context.Context, choose func(open int) Terms) error {
	_, err := ask(ctx, w, func(l *loop, r reply[struct{}]) {
		t := choose(l.watched().Open)
		l.o.Policy, l.o.Window = t.Policy, t.Window
		l.o.PayTimeout, l.o.InquiryTimeout, l.o.RefundTimeout = t.PayTimeout, t.InquiryTimeout, t.RefundTimeout
		l.o.Retention = t.Retention
		r.send(struct{}{}, nil)
	})
	return err
}
