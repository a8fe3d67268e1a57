package main

import (
	"time"

	"posagent/queue"
)

// recordJSON is a payment or refund as -json writes it. Names are the register link's
// where it has one; times have milliseconds and a zone.
type recordJSON struct {
	Kind             string     `json:"kind"` // "payment" or "refund"
	ID               string     `json:"id"`
	Register         string     `json:"register,omitempty"`
	State            string     `json:"state,omitempty"` // the store's word
	Final            bool       `json:"final"`
	InDoubt          bool       `json:"inDoubt,omitempty"`
	AbortRequested   bool       `json:"abortRequested,omitempty"`
	Amount           *amountOf  `json:"amount,omitempty"`
	PaymentMethod    string     `json:"paymentMethod,omitempty"`
	PaymentRequestID string     `json:"paymentRequestId,omitempty"` // of a refund: the payment's
	PaymentID        string     `json:"paymentId,omitempty"`
	RefundID         string     `json:"refundId,omitempty"`
	Reversal         string     `json:"reversal,omitempty"`   // of a payment aborted too late: how its refund stands
	IsReversal       bool       `json:"isReversal,omitempty"` // of a refund: the agent's own
	KnownFrom        string     `json:"knownFrom,omitempty"`  // of an end: "acquirer", "agent" or "person"
	Code             string     `json:"resultCode,omitempty"` // the last word: its code
	Message          string     `json:"resultMessage,omitempty"`
	Attempts         int        `json:"attempts"`
	Inquiries        int        `json:"inquiries"`
	Rev              int64      `json:"rev,omitempty"`
	Delivered        bool       `json:"delivered"` // its register has stored the end
	StoredAt         *time.Time `json:"storedAt,omitempty"`
	WindowEnds       *time.Time `json:"windowEnds,omitempty"`
	EndedAt          *time.Time `json:"endedAt,omitempty"`
	NextAt           *time.Time `json:"nextAt,omitempty"` // when the agent acts next
	Damaged          string     `json:"damaged,omitempty"`
}

type amountOf struct {
	ValueMinor int64  `json:"value"`
	Currency   string `json:"currency"`
}

// recordOf is a record for programs.
func recordOf(r queue.Record) recordJSON {
	if r.Refund != nil {
		return recordOfRefund(*r.Refund)
	}
	p := *r.Payment
	out := recordJSON{
		Kind: "payment", ID: p.ID, Register: p.Register, State: string(p.State), Final: p.State.Final(), InDoubt: p.InDoubt,
		AbortRequested: !p.AbortAt.IsZero(), PaymentMethod: p.Method, PaymentID: p.PaymentID, Reversal: string(p.Reversal),
		Code: p.Result.Code, Message: p.Result.Message, Attempts: p.Attempts, Inquiries: p.Inquiries, Rev: p.Rev,
		Delivered: p.State.Final() && p.Delivered == p.Rev,
		StoredAt:  timeOf(p.ReceivedAt), WindowEnds: timeOf(p.Deadline), EndedAt: timeOf(p.EndedAt), NextAt: timeOf(p.Due),
	}
	if !p.NeverPaid() {
		out.Amount = &amountOf{p.AmountMinor, p.Currency}
	}
	if p.State.Final() {
		out.KnownFrom = string(p.KnownFrom())
	}
	return out
}

func recordOfRefund(r queue.Refund) recordJSON {
	out := recordJSON{
		Kind: "refund", ID: r.ID, Register: r.Register, State: string(r.State), Final: r.State.Final(),
		Amount: &amountOf{r.AmountMinor, r.Currency}, PaymentRequestID: r.PaymentRequestID, PaymentID: r.PaymentID,
		RefundID: r.RefundID, IsReversal: r.Reversal, Code: r.Result.Code, Message: r.Result.Message,
		Attempts: r.Attempts, Inquiries: r.Inquiries, Rev: r.Rev, Delivered: r.State.Final() && r.Closed(),
		StoredAt: timeOf(r.ReceivedAt), EndedAt: timeOf(r.EndedAt), NextAt: timeOf(r.Due),
	}
	if r.State.Final() {
		out.KnownFrom = string(r.KnownFrom())
	}
	return out
}

// damageOf is a row that can't be believed, for programs.
func damageOf(d queue.Damage) recordJSON {
	kind := "payment"
	if d.Refund {
		kind = "refund"
	}
	return recordJSON{Kind: kind, ID: d.ID, Damaged: d.Err.Error()}
}

// timeOf is nil for the zero time, so that it is left out.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
