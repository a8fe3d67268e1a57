package main

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"posagent/device"
	"posagent/queue"
)

// registers is the queue in a register's words: it translates, and decides
// nothing about money.
type registers struct {
	worker   *queue.Worker
	acquirer acquirer // for diagnosis alone; everything else goes by the queue
	upstream *upstream
	methods  *atomic.Pointer[[]string] // of payment that are taken; empty: any
	clock    *clock
	opened   func() // told that a register opens its link; must not block
}

// Opening answers initConnection.
func (r registers) Opening(ctx context.Context, register string) (device.Opening, error) {
	if r.opened != nil {
		r.opened()
	}
	list, err := r.worker.Untold(ctx, register)
	var opening device.Opening
	for _, record := range list {
		switch p, f := record.Payment, record.Refund; {
		case p != nil && !p.State.Final():
			opening.Open = append(opening.Open, p.ID)
		case p != nil:
			opening.Undelivered = append(opening.Undelivered, p.ID)
		case f.State.Final():
			opening.Undelivered = append(opening.Undelivered, f.ID)
		}
	}
	return opening, err
}

// Tell returns what a register is yet to be told.
func (r registers) Tell(ctx context.Context, register string) ([]device.State, error) {
	list, err := r.worker.Untold(ctx, register)
	states := make([]device.State, len(list))
	for i, record := range list {
		states[i] = stateOf(record)
	}
	return states, err
}

// diagnosisTime leaves a register the time to hear that Antom does not answer.
const diagnosisTime = 15 * time.Second

// Diagnosis asks Antom how it is, and says how we are, whether it answers or not.
func (r registers) Diagnosis(ctx context.Context, _ string) device.Diagnosis {
	asking, cancel := context.WithTimeout(ctx, diagnosisTime)
	defer cancel()
	d, err := r.acquirer.diagnosis(asking)
	r.upstream.note(ctx, why(err))
	d.ClockStatus = yesNo(r.clock.believed())
	if health, err := r.worker.Health(ctx); err == nil {
		d.StorageStatus, d.UnresolvedCount = yesNo(health.Writable), health.InDoubt
	}
	return d
}

func yesNo(yes bool) string {
	if yes {
		return "Y"
	}
	return "N"
}

// Pay stores a command, or finds it stored (register-link §4 rules 1–3).
func (r registers) Pay(ctx context.Context, register string, pay device.Pay) device.Reply {
	if refusal, refused := r.refuseNew(ctx, pay); refused {
		return refusal
	}
	return takenOn(r.worker.Enqueue(ctx, register, queue.Command{
		ID:              pay.PaymentRequestID,
		Method:          pay.PaymentMethod,
		AmountMinor:     pay.PaymentAmount.ValueMinor,
		Currency:        pay.PaymentAmount.Currency,
		MerchantOrderID: pay.OriginalMerchantOrderID,
		MerchantStoreID: pay.OriginalMerchantStoreID,
		ExtendInfo:      pay.ExtendInfo,
	}, pay.CommandExecuteTimeout))
}

// takenOn answers a command for a payment: U while it is open, S once it is final.
func takenOn(p queue.Payment, err error) device.Reply {
	if err == nil && !p.State.Final() {
		return reply(inProgress(), paymentState(p))
	}
	return asked(p, err)
}

// refuseNew refuses what can't be begun here and now: a payment that is stored
// already is past that. Where that can't be told, as after rows were lost, nothing is
// begun under a wrong clock either.
func (r registers) refuseNew(ctx context.Context, pay device.Pay) (device.Reply, bool) {
	wrongMethod := !r.takes(pay.PaymentMethod)
	clockFault := r.clock.fault()
	if clockFault == "" && !wrongMethod {
		return device.Reply{}, false
	}
	_, err := r.worker.Payment(ctx, pay.PaymentRequestID)
	if errors.Is(err, queue.ErrDoubtful) && clockFault != "" {
		return refusal(err), true
	}
	if !errors.Is(err, queue.ErrNotFound) {
		return device.Reply{}, false
	}
	if wrongMethod {
		return failure(codeIllegal, "paymentMethod: not among the methods this agent is set to take"), true
	}
	return failure(codeClock, clockAdvice(clockFault)), true
}

// takes reports whether a method of payment is among those that are taken.
func (r registers) takes(method string) bool {
	if r.methods == nil {
		return true
	}
	list := *r.methods.Load()
	return len(list) == 0 || slices.Contains(list, method)
}

func clockAdvice(fault string) string {
	return "the terminal's clock is wrong (" + fault + "); set it and send it again"
}

// InquiryPayment tells what is known now.
func (r registers) InquiryPayment(ctx context.Context, _, id string) device.Reply {
	return asked(r.worker.Payment(ctx, id))
}

// Receipt gives a copy of a receipt. A payment without one has an empty one.
func (r registers) Receipt(ctx context.Context, _, id, which string) device.ReceiptText {
	p, err := r.worker.Payment(ctx, id)
	if err != nil {
		return device.ReceiptText{Result: refusal(err).Result}
	}
	text := p.CustomerReceipt
	if which == device.CopyCashier {
		text = p.CashierReceipt
	}
	return device.ReceiptText{Result: success(), Text: device.ReceiptCopy(text)}
}

// Abort records that a payment is not wanted any more (register-link §4 rule 7).
func (r registers) Abort(ctx context.Context, register, id string) device.Reply {
	return asked(r.worker.Abort(ctx, register, id))
}

// Refund stores a command to give money back, or finds it stored (register-link
// §4 rule 10).
func (r registers) Refund(ctx context.Context, register string, refund device.Refund) device.Reply {
	if clockFault := r.clock.fault(); clockFault != "" {
		_, err := r.worker.Refund(ctx, refund.RefundRequestID)
		if errors.Is(err, queue.ErrNotFound) {
			return failure(codeClock, clockAdvice(clockFault))
		}
		if errors.Is(err, queue.ErrDoubtful) {
			return refusal(err)
		}
	}
	c := queue.RefundCommand{
		ID:               refund.RefundRequestID,
		PaymentRequestID: refund.PaymentRequestID,
		PaymentID:        refund.PaymentID,
		Full:             refund.RefundAmount == nil,
		Memo:             refund.Memo,
	}
	if amount := refund.RefundAmount; amount != nil {
		c.AmountMinor, c.Currency = amount.ValueMinor, amount.Currency
	}
	f, err := r.worker.EnqueueRefund(ctx, register, c)
	if err == nil && !f.State.Final() {
		return reply(inProgress(), refundState(f))
	}
	return askedRefund(f, err)
}

// InquiryRefund tells what is known now.
func (r registers) InquiryRefund(ctx context.Context, _, id string) device.Reply {
	return askedRefund(r.worker.Refund(ctx, id))
}

// LastResult tells the end that was learnt last.
func (r registers) LastResult(ctx context.Context, register string) device.Reply {
	record, err := r.worker.LastEnded(ctx, register)
	if err != nil {
		return refusal(err)
	}
	return reply(success(), stateOf(record))
}

// Totals sums what ended in from ≤ t < to.
func (r registers) Totals(ctx context.Context, register string, from, to time.Time) device.Totals {
	sums, open, err := r.worker.Totals(ctx, register, from, to)
	if err != nil {
		return device.Totals{Result: refusal(err).Result}
	}
	t := device.Totals{Result: success(), Unresolved: open}
	for _, s := range sums {
		t.Currencies = append(t.Currencies, device.CurrencyTotal{
			Currency: s.Currency,
			Paid:     device.Tally{Count: s.PaidCount, ValueMinor: s.PaidMinor},
			Refunded: device.Tally{Count: s.RefundedCount, ValueMinor: s.RefundMinor},
		})
	}
	return t
}

// Delivered closes the telling of an end.
func (r registers) Delivered(ctx context.Context, _ string, of device.StateID, rev int64) device.Reply {
	var err error
	if of.Kind == device.KindRefund {
		_, err = r.worker.DeliverRefund(ctx, of.ID, rev)
	} else {
		_, err = r.worker.Deliver(ctx, of.ID, rev)
	}
	if err != nil {
		return refusal(err)
	}
	return device.Reply{Result: success()}
}
