package queue

import "time"

// Policy is what the configuration fixes for the machine.
type Policy struct {
	// InquiryInterval is the pause between inquiries while they are eager.
	InquiryInterval time.Duration
	// QuietTime is how long an attempt that was given up may still arrive at the
	// acquirer. Until it is over, "not found" is not "no".
	QuietTime time.Duration
	// AskAfterTimeout: after an attempt without an answer ask first, and pay again
	// only if the payment is not found. Otherwise the same pay is sent again.
	AskAfterTimeout bool
}

// Input is something that happened to a payment: [Tick], [Restart] or [Answered].
type Input interface{ input() }

// Tick says that time has passed. Calling says that an action is still under way.
type Tick struct{ Calling bool }

// Restart says that the row was read from the store by a new process: whatever
// was under way has no one to answer to any more.
type Restart struct{}

// Answered says how an action ended.
type Answered struct {
	To     Action
	Asked  time.Time // when the action was begun
	Answer Answer
	Chance float64 // from [0,1), drawn by the caller: the jitter of a resubmission
}

func (Tick) input()     {}
func (Restart) input()  {}
func (Answered) input() {}

// Begin is the first step of every payment: the row for a command that was not
// seen before, and the action to perform once that row is on the disk.
func Begin(now time.Time, register string, c Command, window time.Duration) (Payment, Action) {
	p := Payment{
		Command: c, Register: register, State: Sending, Rev: 1,
		ReceivedAt: now, Deadline: now.Add(window), Due: now, Next: Pay,
	}
	return beginAttempt(p), Pay
}

// Step returns what a row becomes by an input, and what is to be done about it.
//
// The caller saves the row before it performs the action or tells anybody; if it
// cannot save, it does neither. It performs at most one action of a payment at a
// time, and reports its end as [Answered]. A final row never changes (P3).
func (p Policy) Step(now time.Time, row Payment, in Input) (Payment, Action) {
	if row.State.Final() {
		return row, None
	}
	next, act := p.step(now, row, in)
	if next.told() != row.told() {
		next.Rev++
	}
	return next, act
}

func (p Policy) step(now time.Time, row Payment, in Input) (Payment, Action) {
	switch in := in.(type) {
	case Tick:
		return p.tick(now, row, in.Calling)
	case Restart:
		return p.tick(now, restart(now, row), false)
	case Answered:
		if in.To == Pay {
			return p.payAnswered(now, row, in), None
		}
		return p.inquiryAnswered(now, row, in), None
	}
	panic("queue: unknown input")
}

// tick acts on what is due. The end of the window comes first: P4, no attempt
// begins after it.
func (p Policy) tick(now time.Time, row Payment, calling bool) (Payment, Action) {
	if row.State != Unresolved && !now.Before(row.Deadline) {
		row = closeWindow(now, row)
	}
	if row.State.Final() || calling || now.Before(row.Due) {
		return row, None
	}
	if row.Next == Pay {
		return beginAttempt(row), Pay
	}
	return row, Inquire
}

// closeWindow ends the time in which the agent may pay. What never left is
// known to be unpaid; anything else must be found out.
func closeWindow(now time.Time, row Payment) Payment {
	if row.State == Received {
		return endUnsent(now, row)
	}
	row.State, row.Inquiries = Unresolved, 0
	return askAt(row, now)
}

// restart takes a row up again. A row that is not received may have had an
// attempt under way: it counts as given up now (antom-api §7), and is asked
// about once before anything else.
func restart(now time.Time, row Payment) Payment {
	left := row.Deadline.Sub(now)
	if now.Before(row.ReceivedAt) {
		// The clock was set back since: the age of the window can't be known, so
		// the agent may no longer pay.
		left = 0
	}
	row.Deadline = now.Add(left) // from here on by the monotonic clock
	row.Due = now
	if row.State == Received {
		return row
	}
	row.Next = Inquire
	if row.OpenAttempts > 0 {
		row.QuietFrom = now
	}
	return row
}

func beginAttempt(row Payment) Payment {
	row.State = Sending
	row.Attempts++
	row.OpenAttempts++
	return row
}

// payAnswered takes in how a pay request ended.
func (p Policy) payAnswered(now time.Time, row Payment, in Answered) Payment {
	a := in.Answer
	switch a.Verdict {
	case VerdictPaid, VerdictFailed, VerdictCancelled:
		return end(now, row, a)
	case VerdictNotSent:
		return p.notSent(now, row, in.Chance)
	case VerdictRefused:
		row.OpenAttempts--
		row.PayNoMore, row.Result = true, a.Result
		return askAt(row, now)
	case VerdictInconsistent:
		row.PayNoMore, row.Result = true, a.Result
	case VerdictUnknown:
		row.QuietFrom = now
		return p.retry(now, row, in.Chance)
	default: // open, pending, and "not found", which no pay request is told
		row.Result, row.Pending = a.Result, a.Verdict == VerdictPending
	}
	row.QuietFrom = now
	return p.askAgain(now, row)
}

// notSent takes back an attempt that provably never left.
func (p Policy) notSent(now time.Time, row Payment, chance float64) Payment {
	row.OpenAttempts--
	if row.OpenAttempts > 0 || row.PayNoMore {
		return p.retry(now, row, chance)
	}
	if row.State == Unresolved {
		return endUnsent(now, row)
	}
	row.State = Received
	return payAt(row, now.Add(resubmitDelay(tries(row), chance)))
}

// retry goes on after an attempt that nobody answered.
func (p Policy) retry(now time.Time, row Payment, chance float64) Payment {
	at := now.Add(resubmitDelay(tries(row), chance))
	switch {
	case row.State == Unresolved:
		return askAt(row, now)
	case p.AskAfterTimeout || row.PayNoMore:
		return askAt(row, at)
	}
	return payAt(row, at)
}

// tries counts what was tried in vain: each try makes the next pause longer.
func tries(row Payment) int { return row.Attempts + row.Inquiries }

// inquiryAnswered takes in how an inquiry ended.
func (p Policy) inquiryAnswered(now time.Time, row Payment, in Answered) Payment {
	row.Inquiries++
	switch in.Answer.Verdict {
	case VerdictPaid, VerdictFailed, VerdictCancelled:
		return end(now, row, in.Answer)
	case VerdictNotFound:
		return p.notFound(now, row, in)
	case VerdictPending:
		row.Pending = true
	case VerdictUnknown, VerdictNotSent:
		// Nobody answered. Inside the window the same pay may go out again, unless
		// the acquirer is known to be at work on it: then asking is all it takes.
		if row.State == Sending && row.Result.Status != "U" {
			return p.retry(now, row, in.Chance)
		}
	}
	return p.askAgain(now, row)
}

// notFound decides what it means that the acquirer does not know a payment
// (antom-api §7): inside the window, the same pay again; after it or after a
// refusal, not paid, but only once no attempt can still be on its way.
func (p Policy) notFound(now time.Time, row Payment, in Answered) Payment {
	if row.State == Sending && !row.PayNoMore {
		return payAt(row, now.Add(resubmitDelay(tries(row), in.Chance)))
	}
	quiet := row.OpenAttempts == 0 || !in.Asked.Before(row.QuietFrom.Add(p.QuietTime))
	if !quiet {
		return p.askAgain(now, row)
	}
	a := in.Answer
	a.Verdict = VerdictFailed
	return end(now, row, a)
}

// askAgain schedules the next inquiry. Inside the window the customer waits, and
// the pace stays what it is; after it, it slows.
func (p Policy) askAgain(now time.Time, row Payment) Payment {
	if row.State != Unresolved {
		return askAt(row, now.Add(p.InquiryInterval))
	}
	return askAt(row, now.Add(inquiryDelay(p.InquiryInterval, row.Inquiries)))
}

func askAt(row Payment, at time.Time) Payment {
	row.Next, row.Due = Inquire, at
	return row
}

func payAt(row Payment, at time.Time) Payment {
	row.Next, row.Due = Pay, at
	return row
}

// end writes the outcome into the row.
func end(now time.Time, row Payment, a Answer) Payment {
	switch a.Verdict {
	case VerdictPaid:
		row.State = Paid
	case VerdictCancelled:
		row.State = Cancelled
	default:
		row.State = Failed
	}
	row.Result = lastWord(row, a)
	row.PaymentID, row.PaymentTime = a.PaymentID, a.PaymentTime
	row.CashierReceipt, row.CustomerReceipt = a.CashierReceipt, a.CustomerReceipt
	row.Pending, row.OpenAttempts, row.EndedAt = false, 0, now
	row.Next, row.Due = None, time.Time{}
	return row
}

// lastWord is the acquirer's last word on the payment itself. In an inquiry the
// result speaks of the question: its S says nothing about a payment that was not
// made, so an earlier refusal stays, and a "be patient" goes.
func lastWord(row Payment, a Answer) Result {
	notPaid := a.Verdict != VerdictPaid
	if notPaid && row.PayNoMore && row.Result.Status == "F" {
		return row.Result
	}
	if notPaid && a.Result.Status != "F" {
		return Result{}
	}
	return a.Result
}

// endUnsent ends a payment of which no byte ever left, in the agent's own words.
func endUnsent(now time.Time, row Payment) Payment {
	row.Result = Result{} // whatever was said, it was not about this payment's money
	row.PayNoMore = false
	return end(now, row, Answer{Verdict: VerdictFailed, Result: Result{
		Status: "F", Code: codeNotConnected,
		Message: "the acquirer could not be reached; nothing was sent",
	}})
}
