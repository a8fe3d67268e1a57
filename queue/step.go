package queue

import "time"

// Begin is the first step of every payment: the row for a command that was not
// seen before, and the action to perform once that row is on the disk.
func Begin(now time.Time, register string, c Command, window time.Duration) (Payment, Action) {
	p := Payment{
		Command: c, Register: register, State: Sending, Rev: 1, ReceivedAt: now, Deadline: now.Add(window),
	}
	p.at(now, Pay)
	p.begin()
	return p, Pay
}

// BeginAsking is the first step of a payment whose row may have been lost with a
// damaged store: it may have been paid before, so the acquirer is asked first. The
// register may hold revisions of the lost row, and would take a smaller one for
// stale (register-link §4 rule 10), so this one counts on from the seconds since
// 1970: far above the few changes that any row sees.
func BeginAsking(now time.Time, register string, c Command, window time.Duration) (Payment, Action) {
	p, _ := Begin(now, register, c, window)
	p.QuietFrom, p.Rev = now, max(now.Unix(), 1)
	p.at(now, Inquire)
	return p, Inquire
}

// Step returns what a payment's row becomes by an input, and what is to be done
// about it.
//
// The caller saves the row before it performs the action or tells anybody; if it
// cannot save, it does neither. It performs at most one action of a payment at a
// time, and reports its end as [Answered]. A final state is never left (P3); all
// that can still change is how a late abort is undone.
func (p Policy) Step(now time.Time, row Payment, in Input) (Payment, Action) {
	next, act := p.step(now, row, in)
	if next.told() != row.told() {
		next.Rev++
	}
	return next, act
}

func (p Policy) step(now time.Time, row Payment, in Input) (Payment, Action) {
	if row.State.Final() {
		return p.afterEnd(now, row, in), None
	}
	switch in := in.(type) {
	case Tick:
		return p.tick(now, row, in.Calling)
	case Restart:
		return p.tick(now, restart(now, row, in.NewBoot), false)
	case Abort:
		return abort(now, row), None
	case Resolve:
		return p.resolve(now, row, in), None
	case Answered:
		if in.To == Pay {
			return p.payAnswered(now, row, in), None
		}
		return p.inquiryAnswered(now, row, in), None
	case Reversed, Turn:
		return row, None // not of a payment that is open
	}
	panic("queue: unknown input")
}

// afterEnd is what may still happen to a payment that has ended.
func (p Policy) afterEnd(now time.Time, row Payment, in Input) Payment {
	if row.State != Paid {
		return row
	}
	switch in := in.(type) {
	case Abort:
		if row.AbortAt.IsZero() {
			row.AbortAt = now
			row.Reversal = p.reversal(row)
		}
	case Reversed:
		if row.Reversal == RefundPending {
			row.Reversal = in.Status
		}
	}
	return row
}

// reversal is how the undoing of a paid payment begins. A person's word is not undone
// by the agent.
func (p Policy) reversal(row Payment) RefundStatus {
	switch {
	case row.KnownFrom() == FromPerson:
		return p.notReversed()
	case p.KeepLateAborts:
		return ""
	}
	return RefundPending
}

// tick acts on what is due. The end of the window comes first: P4, no attempt
// begins after it.
func (p Policy) tick(now time.Time, row Payment, calling bool) (Payment, Action) {
	if !row.InDoubt && !now.Before(row.Deadline) {
		row = closeWindow(now, row)
	}
	if row.State.Final() || calling || now.Before(row.Due) {
		return row, None
	}
	if row.Next == Pay {
		row.State = Sending
		row.begin()
		return row, Pay
	}
	return row, Inquire
}

// closeWindow ends the time in which the agent may pay. What never left is
// known to be unpaid; anything else must be found out.
func closeWindow(now time.Time, row Payment) Payment {
	if row.State == Received {
		return endUnsent(now, row)
	}
	row.InDoubt = true
	return onlyAsk(now, row)
}

// onlyAsk ends the paying: from here on the agent asks.
func onlyAsk(now time.Time, row Payment) Payment {
	if row.State == Unresolved {
		return row
	}
	row.State, row.Inquiries = Unresolved, 0
	row.at(now, Inquire)
	return row
}

// abort records the wish. What never left ends here; what may have left is found
// out first.
func abort(now time.Time, row Payment) Payment {
	if !row.AbortAt.IsZero() {
		return row
	}
	row.AbortAt = now
	if row.State == Received {
		return endUnsent(now, row)
	}
	return onlyAsk(now, row)
}

// restart takes a row up again. A row that is not received may have had an
// attempt under way: it counts as given up now (antom-api §7), and is asked
// about once before anything else.
func restart(now time.Time, row Payment, newBoot bool) Payment {
	left := row.Deadline.Sub(now)
	if newBoot || now.Before(row.ReceivedAt) {
		// The clock started anew, or was set back: the age of the window can't be
		// known, so the agent may no longer pay.
		left = 0
	}
	row.Deadline = now.Add(left) // from here on by the monotonic clock
	if row.State == Received {
		row.at(now, Pay)
		return row
	}
	row.at(now, Inquire)
	if row.OpenAttempts > 0 {
		row.QuietFrom = now
	}
	return row
}

// payAnswered takes in how a pay request ended.
func (p Policy) payAnswered(now time.Time, row Payment, in Answered) Payment {
	a := in.Answer
	if a.Verdict == VerdictFailed && p.ConfirmAnswers {
		a.Verdict = VerdictRefused
	}
	if a.Verdict == VerdictPaid && p.ConfirmAnswers {
		return provisional(now, row, a)
	}
	switch a.Verdict {
	case VerdictPaid, VerdictFailed, VerdictCancelled:
		return p.end(now, row, a)
	case VerdictNotSent:
		return p.notSent(now, row, in.Chance)
	case VerdictRefused:
		return p.refused(now, row, a)
	case VerdictInconsistent:
		row.PayNoMore, row.Result = true, a.Result
	case VerdictUnknown:
		row.QuietFrom = now
		return p.retry(now, row, in.Chance)
	default: // open, pending, and what no pay request is told
		row.Result, row.Pending = a.Result, a.Verdict == VerdictPending
	}
	row.QuietFrom = now
	return p.askAgain(now, row)
}

// provisional keeps what a pay request was answered until an inquiry confirms it.
// The register is told nothing of it yet.
func provisional(now time.Time, row Payment, a Answer) Payment {
	row.PaymentID, row.CashierReceipt, row.CustomerReceipt = a.PaymentID, a.CashierReceipt, a.CustomerReceipt
	row.QuietFrom = now
	row.at(now, Inquire)
	return row
}

// refused takes in that the acquirer did not do what was asked: one inquiry
// settles it. An answer that may have been played back says nothing of the request
// itself, which may still be on its way.
func (p Policy) refused(now time.Time, row Payment, a Answer) Payment {
	if p.ConfirmAnswers {
		row.QuietFrom = now
	} else {
		row.OpenAttempts--
	}
	row.PayNoMore, row.Result = true, a.Result
	row.at(now, Inquire)
	return row
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
	row.at(now.Add(resubmitDelay(row.tries(), chance)), Pay)
	return row
}

// retry goes on after an attempt that nobody answered.
func (p Policy) retry(now time.Time, row Payment, chance float64) Payment {
	at := now.Add(resubmitDelay(row.tries(), chance))
	switch {
	case row.State == Unresolved:
		row.at(now, Inquire)
	case p.AskAfterTimeout || row.PayNoMore:
		row.at(at, Inquire)
	default:
		row.at(at, Pay)
	}
	return row
}

// inquiryAnswered takes in how an inquiry ended.
func (p Policy) inquiryAnswered(now time.Time, row Payment, in Answered) Payment {
	row.Inquiries++
	switch in.Answer.Verdict {
	case VerdictPaid, VerdictFailed, VerdictCancelled:
		return p.end(now, row, in.Answer)
	case VerdictNotFound:
		return p.notFound(now, row, in)
	case VerdictPending:
		row.Pending = true
	case VerdictInconsistent:
		row.PayNoMore = true
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
		row.at(now.Add(resubmitDelay(row.tries(), in.Chance)), Pay)
		return row
	}
	if !row.quiet(in.Asked, p.QuietTime) {
		return p.askAgain(now, row)
	}
	a := in.Answer
	a.Verdict = VerdictFailed
	if !row.AbortAt.IsZero() {
		a.Verdict = VerdictCancelled
	}
	return p.end(now, row, a)
}

// askAgain schedules the next inquiry. Inside the window the customer waits, and
// the pace stays what it is; after it, it slows.
func (p Policy) askAgain(now time.Time, row Payment) Payment {
	delay := p.InquiryInterval
	if row.State == Unresolved {
		delay = inquiryDelay(p.InquiryInterval, row.Inquiries)
	}
	row.at(now.Add(delay), Inquire)
	return row
}
