package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is one line of a payment's or refund's story. It is written in the same
// commit as the row that it explains.
type Event struct {
	ID   string // paymentRequestId or refundRequestId
	At   time.Time
	Kind EventKind
	Text string // what was said, or why; may be empty
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventStored    EventKind = "stored"    // the command was accepted; Text: by whom, how much
	EventAttempt   EventKind = "attempt"   // a request for money, or for giving it back, is about to leave
	EventAnswer    EventKind = "answer"    // how an attempt ended
	EventInquiry   EventKind = "inquiry"   // how a question ended
	EventRestart   EventKind = "restart"   // taken up again by a new process
	EventDoubt     EventKind = "in_doubt"  // the payment window ended with the outcome open
	EventAbort     EventKind = "abort"     // the register wished it away
	EventResolved  EventKind = "resolved"  // a person recorded the end that they saw at the acquirer; Text: which, who, why
	EventOutcome   EventKind = "outcome"   // the end, and what it is
	EventReversal  EventKind = "reversal"  // how the undoing of a late abort stands
	EventTold      EventKind = "told"      // the end was put on the register's line; written down with what follows
	EventDelivered EventKind = "delivered" // the register has stored the end
	EventDamaged   EventKind = "damaged"   // a line that can't be read any more
)

// InquiriesTold is how many inquiries a story tells one by one; of what comes after
// them only the last word is told.
const InquiriesTold = inquiriesEager

// storyOfPayment tells a step in events. Repeated answers of the same sort are
// told once: an inquiry every hour for a year is one line, not nine thousand.
func storyOfPayment(now time.Time, was, row Payment, in Input, act Action) []Event {
	var list []Event
	tell := func(kind EventKind, text string) { list = append(list, Event{row.ID, now, kind, text}) }
	if _, ok := in.(Restart); ok && !was.State.Final() {
		tell(EventRestart, string(was.State))
	}
	if a, ok := in.(Answered); ok && !was.State.Final() {
		tellAnswer(tell, a, row.Inquiries)
	}
	if !row.AbortAt.IsZero() && was.AbortAt.IsZero() {
		tell(EventAbort, "")
	}
	if row.InDoubt && !was.InDoubt {
		tell(EventDoubt, "")
	}
	if act == Pay {
		tell(EventAttempt, fmt.Sprintf("number %d", row.Attempts))
	}
	if resolved, ok := in.(Resolve); ok && row.State.Final() && !was.State.Final() {
		tell(EventResolved, join(string(row.State), row.Result.Message, "seen "+resolved.Seen.UTC().Format(time.RFC3339)))
	} else if row.State.Final() && !was.State.Final() {
		tell(EventOutcome, join(string(row.State), words(row.Result)))
	}
	if row.Reversal != was.Reversal {
		tell(EventReversal, string(row.Reversal))
	}
	return list
}

func storyOfRefund(now time.Time, was, row Refund, in Input, act Action) []Event {
	var list []Event
	tell := func(kind EventKind, text string) { list = append(list, Event{row.ID, now, kind, text}) }
	if _, ok := in.(Restart); ok && !was.State.Final() {
		tell(EventRestart, string(was.State))
	}
	if a, ok := in.(Answered); ok && !was.State.Final() {
		tellAnswer(tell, a, row.Inquiries)
	}
	if act == GiveBack && row.Attempts <= inquiriesEager {
		tell(EventAttempt, fmt.Sprintf("number %d", row.Attempts))
	}
	if row.State.Final() && !was.State.Final() {
		tell(EventOutcome, join(string(row.State), words(row.Result)))
	}
	return list
}

// tellAnswer tells how a call ended. Of the inquiries only the eager ones and the
// last are told.
func tellAnswer(tell func(EventKind, string), a Answered, inquiries int) {
	text := join(string(a.Answer.Verdict), words(a.Answer.Result), a.Answer.Why)
	if a.To == Pay || a.To == GiveBack {
		tell(EventAnswer, text)
	} else if inquiries <= InquiriesTold {
		tell(EventInquiry, text)
	}
}

// words is a result as it was said.
func words(r Result) string {
	if r == (Result{}) {
		return ""
	}
	return join(r.Status+" "+r.Code, r.Message)
}

// join puts the parts that say something in a row.
func join(parts ...string) string {
	text := ""
	for _, p := range parts {
		if p == "" {
			continue
		}
		if text != "" {
			text += ": "
		}
		text += p
	}
	const most = 400 // an error may quote what a stranger sent
	return text[:min(len(text), most)]
}

// stored is the first event of every payment.
func stored(p Payment) Event {
	return Event{p.ID, p.ReceivedAt, EventStored, fmt.Sprintf("%s: %d %s by %s", p.Register, p.AmountMinor, p.Currency, p.Method)}
}

// storedRefund is the first event of every refund.
func storedRefund(r Refund) Event {
	by := r.Register
	if r.Reversal {
		by = "late abort"
	}
	return Event{r.ID, r.ReceivedAt, EventStored, fmt.Sprintf("%s: %d %s of %s", by, r.AmountMinor, r.Currency, r.PaymentRequestID)}
}

// A story has an end, though an agent that is started again and again adds a line to
// it each time: beyond these only what is a turn in it is told.
const (
	storyBytes = 16 << 10 // of a payment's
	storyLines = 200      // of a refund's
)

// turn reports whether an event is one that a story does not make sense without.
func (e Event) turn() bool {
	switch e.Kind {
	case EventStored, EventDoubt, EventAbort, EventResolved, EventOutcome, EventReversal, EventTold, EventDelivered:
		return true
	case EventAttempt, EventAnswer, EventInquiry, EventRestart, EventDamaged:
	}
	return false
}

func everything(Event) bool { return true }

// encodeStory is those events that are wanted as they stand in a payment's row, a line
// each: the time in milliseconds, the kind, the text.
func encodeStory(events []Event, wanted func(Event) bool) string {
	var b strings.Builder
	for _, e := range events {
		if !wanted(e) {
			continue
		}
		fmt.Fprintf(&b, "%d %s %s\n", millis(e.At), e.Kind, strings.ReplaceAll(e.Text, "\n", " "))
	}
	return b.String()
}

// decodeStory reads what encodeStory wrote.
func decodeStory(id, text string) []Event {
	var list []Event
	for line := range strings.Lines(text) {
		at, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		kind, said, _ := strings.Cut(rest, " ")
		ms, err := strconv.ParseInt(at, 10, 64)
		if err != nil { // a line that was damaged is told as it is: the row has the CRC, its story has none
			kind, said = string(EventDamaged), line
		}
		list = append(list, Event{id, fromMillis(ms), EventKind(kind), said})
	}
	return list
}
