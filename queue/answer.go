package queue

import "context"

// Action is what the machine wants done. At most one is under way per payment
// and per refund.
type Action string

// The actions.
const (
	None          Action = ""
	Pay           Action = "pay"            // send the pay request, always with the same content
	Inquire       Action = "inquire"        // ask what became of a payment; changes nothing
	GiveBack      Action = "refund"         // send the refund request, always with the same content
	InquireRefund Action = "inquire_refund" // ask what became of a refund; changes nothing
)

// Verdict is what an answer, or the lack of one, lets us conclude.
type Verdict string

// The verdicts.
const (
	VerdictPaid      Verdict = "paid"      // ends a payment
	VerdictFailed    Verdict = "failed"    // ends a payment or a refund
	VerdictCancelled Verdict = "cancelled" // ends a payment
	VerdictRefunded  Verdict = "refunded"  // ends a refund
	// VerdictOpen: an answer that leaves the outcome open. Ask.
	VerdictOpen Verdict = "open"
	// VerdictPending: paid, but the acquirer's last word is outstanding. Ask.
	VerdictPending Verdict = "pending"
	// VerdictRefused: this request was refused; whether an earlier one was taken
	// is another question. Ask, and pay no more.
	VerdictRefused Verdict = "refused"
	// VerdictInconsistent: the acquirer holds this ID with another content. Our
	// fault; the first may have been paid. Ask, pay no more, alarm.
	VerdictInconsistent Verdict = "inconsistent"
	// VerdictNotFound: the acquirer does not know the payment or refund, now.
	VerdictNotFound Verdict = "not_found"
	// VerdictUnknown: no answer that can be trusted, and the request may have left.
	VerdictUnknown Verdict = "unknown"
	// VerdictNotSent: provably no byte of the request left this box.
	VerdictNotSent Verdict = "not_sent"
)

// Answer is what came back from the gateway.
type Answer struct {
	Verdict         Verdict
	Result          Result // the acquirer's words; empty where there were none to trust
	PaymentID       string
	PaymentTime     string
	CashierReceipt  Receipt
	CustomerReceipt Receipt
	RefundID        string
	RefundTime      string
	Why             string // for the log: why there is no answer, or what is odd about it
}

// Call makes one call to the acquirer. It returns when there is an answer or when ctx
// ends, whichever is first; the lack of an answer is an Answer too.
type Call func(ctx context.Context) Answer

// Gateway is the way to the acquirer. Its methods are called from several goroutines,
// and those that take a ctx are Calls.
type Gateway interface {
	// Pay makes a payment's request ready, which may be long before it leaves or for
	// nothing: the row may still be on its way to the disk. Nothing leaves before what
	// it returns is called, once at the most, when the row is there.
	Pay(p Payment) Call
	Inquire(ctx context.Context, p Payment) Answer
	Refund(ctx context.Context, r Refund) Answer
	InquireRefund(ctx context.Context, r Refund) Answer
}
