package device

import (
	"context"
	"time"
)

// Engine is what stands behind a register's requests. The loop of a register
// calls it from other goroutines than its own, pay before inquiry in the order
// they arrived and diagnosis beside them, and gives each call a context that ends
// with T3 (register-link §2). A reply after that is not sent: the register then
// takes the matter for unknown and asks, which is always safe. An Engine that
// writes durably must not let that context break off its write.
//
// register is the name under which the port is configured.
type Engine interface {
	// Opening returns what the response to initConnection names. An error
	// becomes U UNKNOWN_EXCEPTION.
	Opening(ctx context.Context, register string) (Opening, error)
	// Diagnosis asks upstream how it is, within 20 s, and tells how we are.
	Diagnosis(ctx context.Context, register string) Diagnosis
	// Pay stores the command before it returns U PAYMENT_IN_PROGRESS
	// (register-link §4 rule 2).
	Pay(ctx context.Context, register string, pay Pay) Reply
	// InquiryPayment tells what is known now of any register's payment.
	InquiryPayment(ctx context.Context, register, paymentRequestID string) Reply
	// Receipt returns a payment's whole receipt, CopyCashier or CopyCustomer;
	// empty where there is none.
	Receipt(ctx context.Context, register, paymentRequestID, which string) ReceiptText
	// Abort stores the wish to undo a payment (register-link §4 rule 7).
	Abort(ctx context.Context, register, paymentRequestID string) Reply
	// Refund stores the command before it returns U PAYMENT_IN_PROGRESS
	// (register-link §4 rule 10).
	Refund(ctx context.Context, register string, refund Refund) Reply
	// InquiryRefund tells what is known now of any register's refund.
	InquiryRefund(ctx context.Context, register, refundRequestID string) Reply
	// LastResult returns the newest final state of this register.
	LastResult(ctx context.Context, register string) Reply
	// Totals sums what ended at a time t with from ≤ t < to, of this register.
	Totals(ctx context.Context, register string, from, to time.Time) Totals
	// Delivered closes the delivery of a final state, if rev is its current one.
	Delivered(ctx context.Context, register string, of StateID, rev int64) Reply
	// Tell returns this register's final states that are not delivered yet
	// and its payments and refunds that are not final, oldest first. It is read
	// again after each wake-up, and every T5 (10 s).
	Tell(ctx context.Context, register string) ([]State, error)
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

// Refund is the content of a refund request whose members are within their
// limits (register-link §3).
type Refund struct {
	RefundRequestID  string  // 1–64 of A-Z a-z 0-9 _
	PaymentRequestID string  // of the payment to refund; empty where PaymentID names it
	PaymentID        string  // the acquirer's id, 1–64 characters; empty where PaymentRequestID names it
	RefundAmount     *Amount // nil: all that is left of the payment (fullRefund)
	Memo             string  // ≤ 256 characters, empty when absent
}

// Reply is the engine's answer to one request.
type Reply struct {
	Result Result
	State  State    // zero when there is none to tell
	Open   []string // ids, with TERMINAL_BUSY (register-link §4 rule 8)
}

// The copies of a receipt (register-link §3, receipt).
const (
	CopyCashier  = "cashier"
	CopyCustomer = "customer"
)

// ReceiptText is the engine's answer to receipt.
type ReceiptText struct {
	Result Result
	Text   ReceiptCopy // whole; the register gets the part that fits
}

// Diagnosis is the engine's answer to diagnosis (register-link §3). Members that
// are not known are empty and not sent.
type Diagnosis struct {
	Result        Result `json:"-"`
	NetworkStatus string `json:"networkStatus,omitempty"` // Y or N, as upstream says
	PrinterStatus string `json:"printerStatus,omitempty"` // Y or N, as upstream says
	GlobalStatus  string `json:"globalStatus,omitempty"`  // Y or N, as upstream says
	StorageStatus string `json:"storageStatus,omitempty"` // N from a failed write until one succeeds
	ClockStatus   string `json:"clockStatus,omitempty"`   // N while the clock can't be right
	// UnresolvedCount is how many payments and refunds are in doubt.
	UnresolvedCount int `json:"unresolvedCount"`
}

// Totals is the engine's answer to totals (register-link §3).
type Totals struct {
	Result     Result          `json:"-"`
	Currencies []CurrencyTotal `json:"currencies"`
	Unresolved []string        `json:"unresolved"` // ids whose end is not known
}

// CurrencyTotal is what was paid and given back in one currency.
type CurrencyTotal struct {
	Currency string `json:"currency"`
	Paid     Tally  `json:"paid"`
	Refunded Tally  `json:"refunded"`
}

// Tally is a number of payments or refunds and their sum.
type Tally struct {
	Count      int64 `json:"count"`
	ValueMinor int64 `json:"value"` // in the currency's minor unit
}

// Result is Antom's triple (register-link §3). In a Reply it speaks of the
// request, in PaymentState.AcquirerResult it is the acquirer's last word.
type Result struct {
	ResultStatus  string `json:"resultStatus,omitempty"`
	ResultCode    string `json:"resultCode,omitempty"`
	ResultMessage string `json:"resultMessage,omitempty"`
}
