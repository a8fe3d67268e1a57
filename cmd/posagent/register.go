package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"posagent/device"
	"posagent/queue"
)

// Codes of the agent's own (register-link §5) and its words of status.
const (
	codeSuccess      = "SUCCESS"
	codeInProgress   = "PAYMENT_IN_PROGRESS"
	codeIllegal      = "PARAM_ILLEGAL"
	codeBusy         = "TERMINAL_BUSY"
	codeInconsistent = "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"
	codeUnknown      = "UNKNOWN_EXCEPTION"
	codeNotFound     = "AGENT_NOT_FOUND"
	codeStorage      = "AGENT_STORAGE"
	codeClock        = "AGENT_CLOCK"
	codeAborted      = "AGENT_ABORTED"
	codeShuttingDown = "AGENT_SHUTTING_DOWN"
)

// registers is the queue in a register's words: it translates, and decides
// nothing about money.
type registers struct {
	worker   *queue.Worker
	methods  []string  // of payment that are taken; empty: any
	earliest time.Time // a clock before it is wrong
}

// Opening answers initConnection.
func (r registers) Opening(ctx context.Context, register string) (device.Opening, error) {
	list, err := r.worker.Untold(ctx, register)
	var opening device.Opening
	for _, record := range list {
		p := record.Payment
		if p == nil {
			continue
		}
		if p.State.Final() {
			opening.Undelivered = append(opening.Undelivered, p.ID)
		} else {
			opening.Open = append(opening.Open, p.ID)
		}
	}
	return opening, err
}

// Tell returns what a register is yet to be told.
func (r registers) Tell(ctx context.Context, register string) ([]device.PaymentState, error) {
	list, err := r.worker.Untold(ctx, register)
	var states []device.PaymentState
	for _, record := range list {
		if record.Payment != nil {
			states = append(states, state(*record.Payment))
		}
	}
	return states, err
}

// Pay stores a command, or finds it stored (register-link §4 rules 1–3).
func (r registers) Pay(ctx context.Context, register string, pay device.Pay) device.Reply {
	if refusal, refused := r.refuseNew(ctx, pay); refused {
		return refusal
	}
	p, err := r.worker.Enqueue(ctx, register, queue.Command{
		ID:              pay.PaymentRequestID,
		Method:          pay.PaymentMethod,
		AmountMinor:     pay.PaymentAmount.ValueMinor,
		Currency:        pay.PaymentAmount.Currency,
		MerchantOrderID: pay.OriginalMerchantOrderID,
		MerchantStoreID: pay.OriginalMerchantStoreID,
		ExtendInfo:      pay.ExtendInfo,
	}, pay.CommandExecuteTimeout)
	if err != nil {
		return refusal(err)
	}
	if !p.State.Final() {
		return reply(device.Result{ResultStatus: "U", ResultCode: codeInProgress}, p)
	}
	return reply(device.Result{ResultStatus: "S", ResultCode: codeSuccess}, p)
}

// refuseNew refuses what can't be begun here and now: a payment that is stored
// already is past that.
func (r registers) refuseNew(ctx context.Context, pay device.Pay) (device.Reply, bool) {
	wrongClock := time.Now().Before(r.earliest)
	wrongMethod := len(r.methods) > 0 && !slices.Contains(r.methods, pay.PaymentMethod)
	if !wrongClock && !wrongMethod {
		return device.Reply{}, false
	}
	if _, err := r.worker.Payment(ctx, pay.PaymentRequestID); !errors.Is(err, queue.ErrNotFound) {
		return device.Reply{}, false
	}
	if wrongMethod {
		return failure(codeIllegal, "paymentMethod: not among the methods this agent is set to take"), true
	}
	return failure(codeClock, "the terminal's clock is wrong; set it and pay again"), true
}

// InquiryPayment tells what is known now.
func (r registers) InquiryPayment(ctx context.Context, _, id string) device.Reply {
	return asked(r.worker.Payment(ctx, id))
}

// LastResult tells the end that was learnt last.
func (r registers) LastResult(ctx context.Context, register string) device.Reply {
	last, err := r.worker.LastEnded(ctx, register)
	if err != nil {
		return refusal(err)
	}
	if last.Payment == nil {
		return refusal(queue.ErrNotFound)
	}
	return asked(*last.Payment, nil)
}

// Delivered closes the telling of an end.
func (r registers) Delivered(ctx context.Context, _, id string, rev int64) device.Reply {
	if _, err := r.worker.Deliver(ctx, id, rev); err != nil {
		return refusal(err)
	}
	return device.Reply{Result: device.Result{ResultStatus: "S", ResultCode: codeSuccess}}
}

func asked(p queue.Payment, err error) device.Reply {
	if err != nil {
		return refusal(err)
	}
	return reply(device.Result{ResultStatus: "S", ResultCode: codeSuccess}, p)
}

func reply(r device.Result, p queue.Payment) device.Reply {
	s := state(p)
	return device.Reply{Result: r, Payment: &s}
}

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
	case errors.As(err, &illegal), errors.Is(err, queue.ErrNotFinal):
		return failure(codeIllegal, err.Error())
	case errors.Is(err, queue.ErrInconsistent):
		return failure(codeInconsistent, "this paymentRequestId was used with another content; that payment is untouched")
	case errors.Is(err, queue.ErrNotFound):
		return failure(codeNotFound, "")
	case errors.Is(err, queue.ErrAborted):
		return failure(codeAborted, "aborted before it was ever paid; take a new id")
	case errors.Is(err, queue.ErrNotStored):
		return failure(codeStorage, "not stored, nothing was sent; safe to repeat")
	case errors.Is(err, queue.ErrStopping):
		return failure(codeShuttingDown, "the agent is being stopped; ask again when it is back")
	}
	return device.Reply{Result: device.Result{ResultStatus: "U", ResultCode: codeUnknown, ResultMessage: "ask again"}}
}

// state is a row as a register is told it.
func state(p queue.Payment) device.PaymentState {
	s := device.PaymentState{
		PaymentRequestID: p.ID,
		PaymentStatus:    status(p),
		Final:            p.State.Final(),
		Rev:              p.Rev,
		InDoubt:          p.InDoubt,
		AbortRequested:   !p.AbortAt.IsZero(),
		PaymentAmount:    &device.Amount{ValueMinor: p.AmountMinor, Currency: p.Currency},
		PaymentID:        p.PaymentID,
		PaymentTime:      p.PaymentTime,
		Display:          display(p),
	}
	if p.CashierReceipt != "" || p.CustomerReceipt != "" {
		s.PaymentReceipt = &device.Receipt{
			CashierReceipt: string(p.CashierReceipt), CustomerReceipt: string(p.CustomerReceipt),
		}
	}
	if p.Reversal != "" {
		s.Reversal = &device.Reversal{RefundRequestID: p.ReversalID(), RefundStatus: string(p.Reversal)}
	}
	if p.Result != (queue.Result{}) {
		s.AcquirerResult = &device.Result{
			ResultStatus: p.Result.Status, ResultCode: p.Result.Code, ResultMessage: p.Result.Message,
		}
	}
	return s
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
