package queue

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// State is where a payment stands. The words are the ones in the store.
type State string

// The states of a payment; the drawing in the package comment joins them.
const (
	// Received: inside the window, and nothing has ever left this box.
	Received State = "received"
	// Sending: inside the window, and a request may have left.
	Sending State = "sending"
	// Unresolved: a request may have left, and the agent may no longer pay: the
	// window is over, or an abort was wished. It only asks.
	Unresolved State = "unresolved"
	// Paid: the acquirer said the money was taken.
	Paid State = "paid"
	// Failed: the money was not taken, and that is known.
	Failed State = "failed"
	// Cancelled: the payment was called off before any money was taken.
	Cancelled State = "cancelled"
)

// Final reports whether s is never left again.
func (s State) Final() bool { return s == Paid || s == Failed || s == Cancelled }

// Command is what a register asked for: the content of a payment. Two commands
// under one ID are the same intent exactly when they are equal.
type Command struct {
	ID              string // paymentRequestId, 1–64 of A-Z a-z 0-9 _, made by the register
	Method          string // paymentMethod, passed through
	AmountMinor     int64  // in the currency's minor unit, 1…2147483647
	Currency        string // three upper-case letters of ISO 4217
	MerchantOrderID string // originalMerchantOrderId, may be empty
	MerchantStoreID string // originalMerchantStoreId, may be empty
	ExtendInfo      string // extendInfo, may be empty
}

// check refuses a command that a row could not hold.
func (c Command) check() error {
	switch {
	case c.ID == "" || len(c.ID) > 64:
		return &CommandError{"paymentRequestId: want 1 to 64 characters"}
	case c.AmountMinor < 1 || c.AmountMinor > maxAmountMinor:
		return &CommandError{fmt.Sprintf("paymentAmount: %d is not from 1 to %d", c.AmountMinor, maxAmountMinor)}
	case len(c.Currency) != 3:
		return &CommandError{fmt.Sprintf("currency: %q is not three letters", c.Currency)}
	}
	return nil
}

// maxAmountMinor is the largest amount that Antom takes (Antom v2, Amount).
const maxAmountMinor = 1<<31 - 1

// Result is the acquirer's last word on a payment or refund, verbatim, or the
// agent's own where the agent ended the payment itself.
type Result struct {
	Status  string // S, F or U
	Code    string
	Message string
}

// foreign is a result of the acquirer's, under no code that only the agent uses:
// nobody else's word is taken for the agent's own, or for a person's.
func (r Result) foreign() Result {
	if strings.HasPrefix(r.Code, ownCodes) {
		r.Code = "ACQUIRER_" + r.Code
	}
	return r
}

// Receipt is the text of a receipt. It may carry parts of a card number, so it
// cannot be printed or logged by accident; convert it with string to use it.
type Receipt string

// Format prints a placeholder whatever the verb.
func (r Receipt) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[receipt, %d bytes]", len(r)) }

// LogValue logs a placeholder.
func (r Receipt) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// Payment is one row of the store: a command and everything that became of it.
// It is comparable, and a copy is a snapshot.
//
// Times are wall clock in the store (milliseconds) and carry the monotonic clock
// inside one life of the process, so a stepped clock does not move a window that
// is being waited for.
type Payment struct {
	Command
	Register string // the register that owns it, by its name in the configuration

	State    State
	InDoubt  bool         // the window is over and the outcome open
	AbortAt  time.Time    // when its abort was wished; zero: never
	Reversal RefundStatus // of the refund that undoes a payment whose abort came too late; empty: none
	Rev      int64        // rises with every change that a register can see; from 1

	ReceivedAt time.Time // when the command was stored
	Deadline   time.Time // the end of the payment window; no attempt begins after it

	Trail
	PayNoMore bool // a pay request was refused, or may not be repeated: only ask what became of it

	Pending         bool   // the acquirer says: paid, waiting for the last word
	PaymentID       string // the acquirer's name for it
	PaymentTime     string // the acquirer's time of it, verbatim
	CashierReceipt  Receipt
	CustomerReceipt Receipt
	Result          Result

	Ending
}

// Trail is what was tried so far, and what comes next.
type Trail struct {
	Attempts     int       // requests for money begun
	OpenAttempts int       // of these, how many may still take effect: not known unsent, not refused
	QuietFrom    time.Time // when the last open attempt was given up; the quiet time counts from here
	Inquiries    int       // inquiries answered or given up, in the present state
	Next         Action    // what is due at Due
	Due          time.Time // when to act next; zero once final
}

// quiet reports whether no open attempt could still be on its way to the
// acquirer when a request was begun at asked.
func (t Trail) quiet(asked time.Time, quietTime time.Duration) bool {
	return t.OpenAttempts == 0 || !asked.Before(t.QuietFrom.Add(quietTime))
}

// tries counts what was tried in vain: each try makes the next pause longer.
func (t Trail) tries() int { return t.Attempts + t.Inquiries }

// begin notes that a request for money is about to leave.
func (t *Trail) begin() {
	t.Attempts++
	t.OpenAttempts++
}

// at sets what is due next.
func (t *Trail) at(when time.Time, next Action) { t.Next, t.Due = next, when }

// over clears what is due: there is nothing any more.
func (t *Trail) over() { t.Next, t.Due, t.OpenAttempts = None, time.Time{}, 0 }

// Ending is when an end was learnt, and whether the register knows it.
type Ending struct {
	EndedAt   time.Time // when the agent learnt the end
	EndedSeq  int64     // 1, 2, 3 … in the order in which ends were learnt; 0 while open
	Delivered int64     // the Rev that the register has stored; 0: none
}

// ReversalID is the refundRequestId under which a late abort of this payment is
// refunded: derived from the payment's ID, so that it is the same for ever.
func (p Payment) ReversalID() string { return reversalID(p.ID) }

// toldOf reports whether the register has stored the end.
func (p Payment) toldOf() bool { return p.State.Final() && p.Delivered == p.Rev }

// Closed reports whether nothing is left to do: the end is known and told, and
// nothing is being undone.
func (p Payment) Closed() bool { return p.toldOf() && p.Reversal != RefundPending }

// told is what a register can see of a payment. Rev rises when it changes.
type told struct {
	state                  State
	inDoubt, abort         bool
	reversal               RefundStatus
	pending                bool
	paymentID, paymentTime string
	cashier, customer      Receipt
	result                 Result
}

func (p Payment) told() told {
	state := p.State
	if !state.Final() { // to a register, all of them are PROCESSING
		state = Sending
		p.PaymentID, p.CashierReceipt, p.CustomerReceipt = "", "", "" // not confirmed
	}
	return told{
		state, p.InDoubt, !p.AbortAt.IsZero(), p.Reversal, p.Pending,
		p.PaymentID, p.PaymentTime, p.CashierReceipt, p.CustomerReceipt, p.Result,
	}
}

// Codes of the agent's own, register-link §5, for a payment that it ended itself.
const (
	codeNotConnected = "DEVICE_NOT_CONNECT"
	codeAborted      = "AGENT_ABORTED"
	codeResolved     = "AGENT_RESOLVED" // a person's word, not the acquirer's
	ownCodes         = "AGENT_"         // what they begin with, that one apart which is Antom's, too
)

// Source is whose word an end rests on.
type Source string

// The sources of an end.
const (
	FromAcquirer Source = "acquirer" // it said so
	FromAgent    Source = "agent"    // nothing ever left this box
	FromPerson   Source = "person"   // somebody looked it up at the acquirer and recorded it
)

// KnownFrom says whose word a payment's end rests on.
func (p Payment) KnownFrom() Source { return sourceOf(p.Result) }

// KnownFrom says whose word a refund's end rests on.
func (r Refund) KnownFrom() Source { return sourceOf(r.Result) }

func sourceOf(r Result) Source {
	switch {
	case r.Code == codeResolved:
		return FromPerson
	case r.Code == codeAborted, r.Code == codeNotConnected && (r.Message == notConnected || r.Message == ""): // pruned
		return FromAgent
	}
	return FromAcquirer
}

// LogValue logs the facts of a payment that a technician looks for, and none of
// its contents.
func (p Payment) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("paymentRequestId", p.ID),
		slog.String("register", p.Register),
		slog.String("state", string(p.State)),
		slog.Int64("rev", p.Rev),
		slog.Int64("amountMinor", p.AmountMinor),
		slog.String("currency", p.Currency),
		slog.Int("attempts", p.Attempts),
		slog.String("code", p.Result.Code),
	)
}
