package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// RefundState is where a refund stands. The words are the ones in the store.
type RefundState string

// The states of a refund.
const (
	// RefundWaiting: another refund of the same payment goes first.
	RefundWaiting RefundState = "waiting"
	// RefundSending: the refund request goes out, the same until it is answered.
	RefundSending RefundState = "sending"
	// RefundAsking: the acquirer has taken it on; it is asked what became of it.
	RefundAsking RefundState = "asking"
	// Refunded: the money was given back.
	Refunded RefundState = "refunded"
	// RefundRefused: the money was not given back, and that is known.
	RefundRefused RefundState = "refused"
)

// Final reports whether s is never left again.
func (s RefundState) Final() bool { return s == Refunded || s == RefundRefused }

// RefundStatus is how a refund is told, in Antom's words.
type RefundStatus string

// The statuses of a refund (Antom v2, refundStatus).
const (
	RefundPending RefundStatus = "PENDING"
	RefundSuccess RefundStatus = "SUCCESS"
	RefundFailed  RefundStatus = "FAILED"
)

// Status is the state in Antom's word.
func (s RefundState) Status() RefundStatus {
	switch s {
	case Refunded:
		return RefundSuccess
	case RefundRefused:
		return RefundFailed
	}
	return RefundPending
}

// RefundCommand is what a register asked to be given back: the content of a
// refund.
type RefundCommand struct {
	ID               string // refundRequestId, 1–64 of A-Z a-z 0-9 _
	PaymentRequestID string // of the payment; empty where PaymentID names it
	PaymentID        string // the acquirer's; empty where PaymentRequestID names it
	AmountMinor      int64  // 0 with Full
	Currency         string // empty with Full
	Full             bool   // whatever is left of the payment
	Memo             string // at most 256 characters
}

func (c RefundCommand) check() error {
	switch {
	case c.ID == "" || len(c.ID) > 64:
		return &CommandError{"refundRequestId: want 1 to 64 characters"}
	case isReversalID(c.ID):
		return &CommandError{"refundRequestId: ids of this form are the agent's own, for late aborts"}
	case (c.PaymentRequestID == "") == (c.PaymentID == ""):
		return &CommandError{"paymentRequestId: name the payment by it or by paymentId"}
	case c.Full && c.AmountMinor != 0:
		return &CommandError{"refundAmount: give it, or fullRefund, not both"}
	case !c.Full && (c.AmountMinor < 1 || c.AmountMinor > maxAmountMinor):
		return &CommandError{fmt.Sprintf("refundAmount: %d is not from 1 to %d", c.AmountMinor, maxAmountMinor)}
	}
	return nil
}

// Refund is one row of the store: money to be given back, and what became of it.
// Like a [Payment] it is comparable.
type Refund struct {
	ID               string // refundRequestId
	PaymentRequestID string
	PaymentID        string
	Register         string
	AmountMinor      int64 // spelt out, also where everything left was asked for
	Currency         string
	Full             bool // asked for as "everything that is left"
	Memo             string
	Reversal         bool // the agent's own, for an abort that came too late

	State RefundState
	Rev   int64

	ReceivedAt time.Time
	Trail

	RefundID   string // the acquirer's name for it
	RefundTime string // the acquirer's time of it, verbatim
	Result     Result

	Ending
}

// same reports whether c asks for this refund.
func (r Refund) same(c RefundCommand) bool {
	named := c.PaymentRequestID == r.PaymentRequestID || c.PaymentRequestID == "" && c.PaymentID == r.PaymentID
	amount := c.Full && r.Full || !c.Full && !r.Full && c.AmountMinor == r.AmountMinor && c.Currency == r.Currency
	return named && amount && c.Memo == r.Memo && !r.Reversal
}

// Closed reports whether nothing is left to do. A reversal is told as part of its
// payment, so nobody has to be told of it.
func (r Refund) Closed() bool { return r.State.Final() && (r.Delivered == r.Rev || r.Reversal) }

type toldRefund struct {
	status               RefundStatus
	refundID, refundTime string
	result               Result
}

func (r Refund) told() toldRefund {
	return toldRefund{r.State.Status(), r.RefundID, r.RefundTime, r.Result}
}

// LogValue logs the facts of a refund that a technician looks for.
func (r Refund) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("refundRequestId", r.ID),
		slog.String("paymentRequestId", r.PaymentRequestID),
		slog.String("state", string(r.State)),
		slog.Int64("rev", r.Rev),
		slog.Int64("amountMinor", r.AmountMinor),
		slog.String("currency", r.Currency),
		slog.Int("attempts", r.Attempts),
		slog.String("code", r.Result.Code),
	)
}

// reversalID derives a refundRequestId from a payment's ID, within Antom's limits
// for ids whatever that ID is.
func reversalID(paymentRequestID string) string {
	sum := sha256.Sum256([]byte("reversal of " + paymentRequestID))
	return reversalPrefix + hex.EncodeToString(sum[:reversalBytes])
}

// The form of a reversal's ID.
const (
	reversalPrefix = "RV_"
	reversalBytes  = 20
)

// isReversalID reports whether an ID has the form of a reversal's, of whichever
// payment: a register's refund under it would stand in that reversal's way.
func isReversalID(id string) bool {
	digits, found := strings.CutPrefix(id, reversalPrefix)
	sum, err := hex.DecodeString(digits)
	return found && err == nil && len(sum) == reversalBytes
}
