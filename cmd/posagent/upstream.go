package main

import (
	"context"
	"errors"
	"sync/atomic"

	"posagent/antom"
	"posagent/device"
	"posagent/queue"
)

// upstream knows whether Antom answers: down at the first call without an answer
// that can be trusted, up at the next one with (register-link §3, events).
type upstream struct {
	down    atomic.Bool
	changed func() // must not block
}

// up reports whether Antom answers.
func (u *upstream) up() bool { return !u.down.Load() }

// note takes how a call ended. One that we broke off ourselves says nothing.
func (u *upstream) note(ctx context.Context, answered bool) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if u.down.Swap(!answered) == answered {
		u.changed()
	}
}

// heard is a gateway whose answers are noted on the way.
type heard struct {
	queue.Gateway
	upstream *upstream
}

func (h heard) note(ctx context.Context, a queue.Answer) queue.Answer {
	h.upstream.note(ctx, a.Verdict != queue.VerdictUnknown && a.Verdict != queue.VerdictNotSent)
	return a
}

// Pay is the gateway's.
func (h heard) Pay(ctx context.Context, p queue.Payment) queue.Answer {
	return h.note(ctx, h.Gateway.Pay(ctx, p))
}

// Inquire is the gateway's.
func (h heard) Inquire(ctx context.Context, p queue.Payment) queue.Answer {
	return h.note(ctx, h.Gateway.Inquire(ctx, p))
}

// Refund is the gateway's.
func (h heard) Refund(ctx context.Context, r queue.Refund) queue.Answer {
	return h.note(ctx, h.Gateway.Refund(ctx, r))
}

// InquireRefund is the gateway's.
func (h heard) InquireRefund(ctx context.Context, r queue.Refund) queue.Answer {
	return h.note(ctx, h.Gateway.InquireRefund(ctx, r))
}

// diagnosis is Antom's word on how it is (Antom v2, diagnosis). Without one the
// result says whether it was reached at all.
func (a acquirer) diagnosis(ctx context.Context) (d device.Diagnosis, answered bool) {
	resp, err := a.client.Diagnosis(ctx, antom.DiagnosisRequest{})
	var failed *antom.Error
	switch {
	case err == nil:
		return device.Diagnosis{
			Result: device.Result{ResultStatus: resp.Result.ResultStatus, ResultCode: resp.Result.ResultCode,
				ResultMessage: resp.Result.ResultMessage},
			NetworkStatus: resp.NetworkStatus,
			PrinterStatus: resp.PrinterStatus,
			GlobalStatus:  resp.GlobalStatus,
		}, true
	case errors.As(err, &failed) && !failed.Sent:
		return device.Diagnosis{Result: device.Result{ResultStatus: "F", ResultCode: codeNotConnected,
			ResultMessage: "Antom could not be reached"}, NetworkStatus: "N"}, false
	}
	return device.Diagnosis{Result: device.Result{ResultStatus: "U", ResultCode: codeTimeout,
		ResultMessage: "no answer of Antom's that can be trusted"}}, false
}
