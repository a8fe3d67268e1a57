package main

import (
	"context"
	"errors"
	"time"

	"posagent/config"
	"posagent/queue"
)

// facts are all that is known of one payment or refund. What is made of them is
// text alone: explain_*.go.
type facts struct {
	now     time.Time
	zone    *time.Location
	file    string // the configuration, for the commands that are advised
	listen  string // where a running agent can be asked
	running bool   // one answers there
	keep    bool   // late aborts are kept

	payment *queue.Payment // the payment that was asked for, or that the refund belongs to; nil: no row
	refund  *queue.Refund  // the refund that was asked for, else nil
	damaged error          // why the row can't be believed
	events  []queue.Event
	refunds []queue.Refund // of the payment
	partial []string       // what of all this could not be read
}

// id is what was asked for.
func (f facts) id() string {
	if f.refund != nil {
		return f.refund.ID
	}
	return f.payment.ID
}

// open reports whether the end is not known yet.
func (f facts) open() bool {
	if f.refund != nil {
		return !f.refund.State.Final()
	}
	return !f.payment.State.Final() || f.payment.Reversal == queue.RefundPending
}

// gather reads everything about an id. ErrNotFound: the store has nothing under it.
func gather(ctx context.Context, view *queue.View, cfg config.Config, id string) (facts, error) {
	f := facts{listen: cfg.Status.Listen, keep: cfg.Payments.LateAbort == "keep"}
	p, err := view.Payment(ctx, id)
	switch {
	case errors.Is(err, queue.ErrNotFound):
		if err := f.gatherRefund(ctx, view, id); err != nil {
			return f, err
		}
	case errors.Is(err, queue.ErrDamaged):
		f.payment, f.damaged = &p, err
	case err != nil:
		return f, err
	default:
		f.payment = &p
	}
	f.events, err = view.Story(ctx, id)
	f.lacks(err, "the story")
	if f.payment != nil {
		f.refunds, err = view.RefundsOf(ctx, f.payment.ID)
		f.lacks(err, "the refunds of the payment")
	}
	return f, nil
}

func (f *facts) gatherRefund(ctx context.Context, view *queue.View, id string) error {
	r, err := view.Refund(ctx, id)
	if err != nil && !errors.Is(err, queue.ErrDamaged) {
		return err
	}
	f.refund, f.damaged = &r, err
	p, err := view.Payment(ctx, r.PaymentRequestID)
	if err != nil {
		f.lacks(err, "the payment that it belongs to")
		return nil // the refund is known without it
	}
	f.payment = &p
	return nil
}

// lacks notes what could not be read.
func (f *facts) lacks(err error, what string) {
	if err != nil {
		f.partial = append(f.partial, what)
	}
}
