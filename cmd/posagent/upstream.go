package main

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"posagent/antom"
	"posagent/device"
	"posagent/queue"
)

// upstream knows whether Antom answers: down at the first call without an answer
// that can be trusted, up at the next one with (register-link §3, events).
type upstream struct {
	changed func() // must not block

	mu  sync.Mutex
	now reach
}

// reach is how it stands with the way to Antom.
type reach struct {
	asked    bool // something was asked since the start
	down     bool
	since    time.Time // of what down says
	answered time.Time // the last answer that can be trusted; zero: none
	why      string    // while down: why the last call had no answer
}

// up reports whether Antom answers.
func (u *upstream) up() bool { return !u.read().down }

func (u *upstream) read() reach {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.now
}

// note takes how a call ended: why there is no answer that can be trusted, or
// nothing. One that we broke off ourselves says nothing.
func (u *upstream) note(ctx context.Context, why string) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if u.set(time.Now(), why) {
		u.changed()
	}
}

func (u *upstream) set(now time.Time, why string) (changed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	down := why != ""
	changed = down != u.now.down
	if changed || !u.now.asked {
		u.now.since = now
	}
	u.now.asked, u.now.down, u.now.why = true, down, why
	if !down {
		u.now.answered = now
	}
	return changed
}

// heard is a gateway whose answers are noted on the way.
type heard struct {
	queue.Gateway
	upstream *upstream
	figures  *figures
	warmer   *warmer
}

// note takes how a call that began then has ended.
func (h heard) note(ctx context.Context, call queue.Action, began time.Time, a queue.Answer) queue.Answer {
	h.figures.called(call, a.Verdict, time.Since(began))
	why := ""
	if a.Verdict == queue.VerdictUnknown || a.Verdict == queue.VerdictNotSent {
		why = cmp.Or(a.Why, "no answer that can be trusted")
	}
	h.upstream.note(ctx, why)
	h.warmer.called(called{well: why == "", sale: call == queue.Pay || call == queue.GiveBack})
	return a
}

// Pay is the gateway's.
func (h heard) Pay(p queue.Payment) queue.Call {
	call := h.Gateway.Pay(p)
	return func(ctx context.Context) queue.Answer {
		began := time.Now()
		return h.note(ctx, queue.Pay, began, call(ctx))
	}
}

// Inquire is the gateway's.
func (h heard) Inquire(ctx context.Context, p queue.Payment) queue.Answer {
	began := time.Now()
	return h.note(ctx, queue.Inquire, began, h.Gateway.Inquire(ctx, p))
}

// Refund is the gateway's.
func (h heard) Refund(ctx context.Context, r queue.Refund) queue.Answer {
	began := time.Now()
	return h.note(ctx, queue.GiveBack, began, h.Gateway.Refund(ctx, r))
}

// InquireRefund is the gateway's.
func (h heard) InquireRefund(ctx context.Context, r queue.Refund) queue.Answer {
	began := time.Now()
	return h.note(ctx, queue.InquireRefund, began, h.Gateway.InquireRefund(ctx, r))
}

// diagnosis is Antom's word on how it is (Antom v2, diagnosis). Beside an error it
// says whether Antom was reached at all.
func (a acquirer) diagnosis(ctx context.Context) (device.Diagnosis, error) {
	resp, err := a.client().Diagnosis(ctx, antom.DiagnosisRequest{})
	var failed *antom.Error
	switch {
	case err == nil:
		return device.Diagnosis{
			Result: device.Result{ResultStatus: resp.Result.ResultStatus, ResultCode: resp.Result.ResultCode,
				ResultMessage: resp.Result.ResultMessage},
			NetworkStatus: resp.NetworkStatus,
			PrinterStatus: resp.PrinterStatus,
			GlobalStatus:  resp.GlobalStatus,
		}, nil
	case errors.As(err, &failed) && !failed.Sent:
		return device.Diagnosis{Result: device.Result{ResultStatus: "F", ResultCode: codeNotConnected,
			ResultMessage: "Antom could not be reached"}, NetworkStatus: "N"}, err
	}
	return device.Diagnosis{Result: device.Result{ResultStatus: "U", ResultCode: codeTimeout,
		ResultMessage: "no answer of Antom's that can be trusted"}}, err
}
