package main

import (
	"errors"

	"posagent/device"
	"posagent/queue"
)

// Codes of the agent's own (register-link §5).
const (
	codeSuccess       = "SUCCESS"
	codeInProgress    = "PAYMENT_IN_PROGRESS"
	codeIllegal       = "PARAM_ILLEGAL"
	codeBusy          = "TERMINAL_BUSY"
	codeNotConnected  = "DEVICE_NOT_CONNECT"
	codeTimeout       = "TIMEOUT_EXCEPTION"
	codeInconsistent  = "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"
	codeUnknown       = "UNKNOWN_EXCEPTION"
	codeNotFound      = "AGENT_NOT_FOUND"
	codeAborted       = "AGENT_ABORTED"
	codeStorage       = "AGENT_STORAGE"
	codeNotPaid       = "AGENT_NOT_PAID"
	codeRefundExceeds = "AGENT_REFUND_EXCEEDS"
	codeTooLate       = "AGENT_TOO_LATE"
	codeClock         = "AGENT_CLOCK"
	codeShuttingDown  = "AGENT_SHUTTING_DOWN"
)

func success() device.Result { return device.Result{ResultStatus: "S", ResultCode: codeSuccess} }

func inProgress() device.Result { return device.Result{ResultStatus: "U", ResultCode: codeInProgress} }

func asked(p queue.Payment, err error) device.Reply {
	if err != nil {
		return refusal(err)
	}
	return reply(success(), paymentState(p))
}

func askedRefund(f queue.Refund, err error) device.Reply {
	if err != nil {
		return refusal(err)
	}
	return reply(success(), refundState(f))
}

func reply(r device.Result, s device.State) device.Reply { return device.Reply{Result: r, State: s} }

func failure(code, message string) device.Reply {
	return device.Reply{Result: device.Result{ResultStatus: "F", ResultCode: code, ResultMessage: message}}
}

// refusal says an error of the queue to a register. What is not known to have
// done nothing is U: the register asks.
func refusal(err error) device.Reply {
	var busy *queue.BusyError
	var illegal *queue.CommandError
	switch {
	case errors.As(err, &busy):
		r := failure(codeBusy, "another payment of this register is under way")
		r.Open = busy.Open
		return r
	case errors.As(err, &illegal):
		return failure(codeIllegal, err.Error())
	}
	for _, known := range []struct {
		err           error
		code, message string
	}{
		{queue.ErrNotFinal, codeIllegal, "rev: there is no final state yet"},
		{queue.ErrInconsistent, codeInconsistent, "this id was used with another content; what is stored is untouched"},
		{queue.ErrNotFound, codeNotFound, ""},
		{queue.ErrAborted, codeAborted, "this id was aborted before it was paid; take a new one"},
		{queue.ErrTooLate, codeTooLate, "paid and delivered; refund it"},
		{queue.ErrNotPaid, codeNotPaid, "only what is paid can be refunded"},
		{queue.ErrExceeds, codeRefundExceeds, "more than is left of the payment"},
		{queue.ErrNotStored, codeStorage, "not stored, nothing was sent; safe to repeat"},
		{queue.ErrStopping, codeShuttingDown, "the agent is being stopped; ask again when it is back"},
	} {
		if errors.Is(err, known.err) {
			return failure(known.code, known.message)
		}
	}
	return device.Reply{Result: device.Result{ResultStatus: "U", ResultCode: codeUnknown, ResultMessage: "ask again"}}
}

// stateOf is a row as a register is told it.
func stateOf(r queue.Record) device.State {
	if r.Refund != nil {
		return refundState(*r.Refund)
	}
	return paymentState(*r.Payment)
}

func paymentState(p queue.Payment) device.State {
	s := device.PaymentState{
		PaymentRequestID: p.ID,
		PaymentStatus:    status(p),
		Final:            p.State.Final(),
		Rev:              p.Rev,
		InDoubt:          p.InDoubt,
		AbortRequested:   !p.AbortAt.IsZero(),
		PaymentTime:      p.PaymentTime,
		Display:          display(p),
		AcquirerResult:   lastWord(p.Result),
	}
	if !p.NeverPaid() {
		s.PaymentAmount = &device.Amount{ValueMinor: p.AmountMinor, Currency: p.Currency}
	}
	if p.State.Final() { // before that the acquirer's answer may not be confirmed
		s.PaymentID = p.PaymentID
	}
	if p.State.Final() && (p.CashierReceipt != "" || p.CustomerReceipt != "") {
		s.PaymentReceipt = &device.Receipt{
			CashierReceipt: string(p.CashierReceipt), CustomerReceipt: string(p.CustomerReceipt),
		}
	}
	if p.Reversal != "" {
		s.Reversal = &device.Reversal{RefundRequestID: p.ReversalID(), RefundStatus: string(p.Reversal)}
	}
	return device.State{Payment: &s}
}

func refundState(f queue.Refund) device.State {
	return device.State{Refund: &device.RefundState{
		RefundRequestID:  f.ID,
		PaymentRequestID: f.PaymentRequestID,
		PaymentID:        f.PaymentID,
		RefundID:         f.RefundID,
		RefundStatus:     string(f.State.Status()),
		RefundAmount:     &device.Amount{ValueMinor: f.AmountMinor, Currency: f.Currency},
		RefundTime:       f.RefundTime,
		Final:            f.State.Final(),
		Rev:              f.Rev,
		Display:          displayRefund(f),
		AcquirerResult:   lastWord(f.Result),
	}}
}

// lastWord is the acquirer's result, or nil where there was none.
func lastWord(r queue.Result) *device.Result {
	if r == (queue.Result{}) {
		return nil
	}
	return &device.Result{ResultStatus: r.Status, ResultCode: r.Code, ResultMessage: r.Message}
}

// status is a row's state in Antom's word for a payment (Antom v2, paymentStatus).
func status(p queue.Payment) string {
	switch {
	case p.State == queue.Paid:
		return "SUCCESS"
	case p.State == queue.Failed:
		return "FAIL"
	case p.State == queue.Cancelled:
		return "CANCELLED"
	case p.Pending:
		return "PENDING"
	}
	return "PROCESSING"
}
