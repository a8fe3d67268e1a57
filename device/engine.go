package device

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Engine is what stands behind a register's requests. The loop of a register
// calls it from other goroutines than its own, pay before inquiry in the order
// they arrived, and gives each call a context that ends with T3 (3 s,
// register-link §2). A reply after that is not sent: the register then takes
// the matter for unknown and asks, which is always safe. An Engine that writes
// durably must not let that context break off its write.
//
// register is the name under which the port is configured.
type Engine interface {
	// Opening returns what the response to initConnection names. An error
	// becomes U UNKNOWN_EXCEPTION.
	Opening(ctx context.Context, register string) (Opening, error)
	// Pay stores the command before it returns U PAYMENT_IN_PROGRESS
	// (register-link §4 rule 2).
	Pay(ctx context.Context, register string, pay Pay) Reply
	// InquiryPayment tells what is known now of any register's payment.
	InquiryPayment(ctx context.Context, register, paymentRequestID string) Reply
	// LastResult returns the newest final state of this register.
	LastResult(ctx context.Context, register string) Reply
	// Delivered closes the delivery of a final state, if rev is its current one.
	Delivered(ctx context.Context, register, paymentRequestID string, rev int64) Reply
	// Tell returns this register's final states that are not delivered yet
	// and its payments that are not final, oldest first. It is read again
	// after each wake-up, and every T5 (10 s).
	Tell(ctx context.Context, register string) ([]PaymentState, error)
}

// Opening is the engine's part of the response to initConnection
// (register-link §3): ids of this register.
type Opening struct {
	Open        []string // not final, in doubt or not
	Undelivered []string // final and not delivered
}

// Pay is the content of a pay request whose members are within their limits
// (register-link §3).
type Pay struct {
	PaymentRequestID        string // 1–64 of A-Z a-z 0-9 _
	PaymentMethod           string // 1–64 characters
	PaymentAmount           Amount
	OriginalMerchantOrderID string // ≤ 255 characters, empty when absent
	OriginalMerchantStoreID string // ≤ 255 characters, empty when absent
	ExtendInfo              string // ≤ 2048 characters, empty when absent

	// CommandExecuteTimeout is the payment window, 5 s to 600 s; zero when
	// absent. It is not content (register-link §4 rule 3).
	CommandExecuteTimeout time.Duration
}

// Reply is the engine's answer to one request.
type Reply struct {
	Result  Result
	Payment *PaymentState // nil when there is none to tell
	Open    []string      // ids, with TERMINAL_BUSY (register-link §4 rule 8)
}

// Result is Antom's triple (register-link §3). In a Reply it speaks of the
// request, in PaymentState.AcquirerResult it is the acquirer's last word.
type Result struct {
	ResultStatus  string `json:"resultStatus,omitempty"`
	ResultCode    string `json:"resultCode,omitempty"`
	ResultMessage string `json:"resultMessage,omitempty"`
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
