package device

import (
	"fmt"
	"io"
	"log/slog"
)

// Kinds of State, which are the names of the events that tell of them.
const (
	KindPayment = "payment"
	KindRefund  = "refund"
)

// StateID names a payment or a refund. The two have ids of their own.
type StateID struct {
	Kind string // KindPayment or KindRefund
	ID   string // paymentRequestId or refundRequestId
}

// State is what a register is told of a payment or of a refund: one of the two,
// or none in its zero value.
type State struct {
	Payment *PaymentState
	Refund  *RefundState
}

// ID names what the state is of.
func (s State) ID() StateID {
	switch {
	case s.Payment != nil:
		return StateID{KindPayment, s.Payment.PaymentRequestID}
	case s.Refund != nil:
		return StateID{KindRefund, s.Refund.RefundRequestID}
	}
	return StateID{}
}

func (s State) none() bool { return s.Payment == nil && s.Refund == nil }

func (s State) final() bool {
	return s.Payment != nil && s.Payment.Final || s.Refund != nil && s.Refund.Final
}

func (s State) rev() int64 {
	switch {
	case s.Payment != nil:
		return s.Payment.Rev
	case s.Refund != nil:
		return s.Refund.Rev
	}
	return 0
}

// Amount is money: an integer in the minor unit of an ISO 4217 currency.
type Amount struct {
	ValueMinor int64  `json:"value"`
	Currency   string `json:"currency"`
}

// PaymentState is what a register is told of a payment, with the members of
// register-link §3 in the order they are sent. Empty ones are not sent.
type PaymentState struct {
	PaymentRequestID string    `json:"paymentRequestId"`
	PaymentStatus    string    `json:"paymentStatus"`
	Final            bool      `json:"final"`
	Rev              int64     `json:"rev"` // rises with every change
	InDoubt          bool      `json:"inDoubt,omitempty"`
	AbortRequested   bool      `json:"abortRequested,omitempty"`
	PaymentAmount    *Amount   `json:"paymentAmount,omitempty"`
	PaymentID        string    `json:"paymentId,omitempty"`
	PaymentTime      string    `json:"paymentTime,omitempty"` // as the acquirer wrote it
	PaymentReceipt   *Receipt  `json:"paymentReceipt,omitempty"`
	ReceiptOmitted   bool      `json:"receiptOmitted,omitempty"` // set here, where the receipt did not fit
	Reversal         *Reversal `json:"reversal,omitempty"`
	Display          []string  `json:"display,omitempty"` // 2 lines of 20 characters; what is beyond is cut
	AcquirerResult   *Result   `json:"acquirerResult,omitempty"`
}

// Reversal is the refund of a payment whose abort came too late
// (register-link §4 rule 7).
type Reversal struct {
	RefundRequestID string `json:"refundRequestId"`
	RefundStatus    string `json:"refundStatus"`
}

// Receipt is passed through to the register untouched. It can't be printed or
// logged: it may carry what belongs to the customer alone.
type Receipt struct {
	CashierReceipt  string `json:"cashierReceipt,omitempty"`
	CustomerReceipt string `json:"customerReceipt,omitempty"`
}

const receiptWithheld = "[receipt withheld]"

// Format withholds the receipt from every verb of fmt.
func (Receipt) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, receiptWithheld) }

// LogValue withholds the receipt from logs.
func (Receipt) LogValue() slog.Value { return slog.StringValue(receiptWithheld) }

// ReceiptCopy is the text of one copy of a receipt. It can't be printed or logged.
type ReceiptCopy string

// Format withholds the text from every verb of fmt.
func (ReceiptCopy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, receiptWithheld) }

// LogValue withholds the text from logs.
func (ReceiptCopy) LogValue() slog.Value { return slog.StringValue(receiptWithheld) }

// LogValue tells of a state what a log needs, and not the receipt, which a
// JSON handler would otherwise write out.
func (s PaymentState) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("paymentRequestId", s.PaymentRequestID),
		slog.String("paymentStatus", s.PaymentStatus),
		slog.Bool("final", s.Final),
		slog.Int64("rev", s.Rev),
	)
}

// RefundState is what a register is told of a refund, with the members of
// register-link §3 in the order they are sent. Empty ones are not sent.
type RefundState struct {
	RefundRequestID  string   `json:"refundRequestId"`
	PaymentRequestID string   `json:"paymentRequestId,omitempty"`
	PaymentID        string   `json:"paymentId,omitempty"`
	RefundID         string   `json:"refundId,omitempty"`
	RefundStatus     string   `json:"refundStatus"`
	RefundAmount     *Amount  `json:"refundAmount,omitempty"`
	RefundTime       string   `json:"refundTime,omitempty"` // as the acquirer wrote it
	Final            bool     `json:"final"`
	Rev              int64    `json:"rev"`               // rises with every change
	Display          []string `json:"display,omitempty"` // 2 lines of 20 characters; what is beyond is cut
	AcquirerResult   *Result  `json:"acquirerResult,omitempty"`
}
