package queue

import "time"

// BeginRefund is the first step of a refund. Where another refund of the same
// payment is under way it waits for its turn.
func BeginRefund(now time.Time, r Refund, turn bool) (Refund, Action) {
	r.State, r.Rev, r.ReceivedAt = RefundWaiting, 1, now
	if !turn {
		return r, None
	}
	return giveBack(now, r), GiveBack
}

// StepRefund is [Policy.Step] for a refund, with the same duty for its caller. A
// refund has no window: it is money owed to the customer, and is repeated, always
// with the same content, until it is answered; then it is asked about until it is
// final.
func (p Policy) StepRefund(now time.Time, row Refund, in Input) (Refund, Action) {
	if row.State.Final() {
		return row, None
	}
	next, act := p.stepRefund(now, row, in)
	if next.told() != row.told() {
		next.Rev++
	}
	return next, act
}

func (p Policy) stepRefund(now time.Time, row Refund, in Input) (Refund, Action) {
	switch in := in.(type) {
	case Turn:
		if row.State == RefundWaiting {
			return giveBack(now, row), GiveBack
		}
		return row, None
	case Tick:
		return p.tickRefund(now, row, in.Calling)
	case Restart:
		return p.tickRefund(now, restartRefund(now, row), false)
	case Answered:
		if in.To == GiveBack {
			return p.refundAnswered(now, row, in), None
		}
		return p.refundInquired(now, row, in), None
	case Abort, Resolve, Reversed:
		return row, None // not of a refund
	}
	panic("queue: unknown input")
}

func giveBack(now time.Time, row Refund) Refund {
	row.State = RefundSending
	row.at(now, GiveBack)
	row.begin()
	return row
}

func (p Policy) tickRefund(now time.Time, row Refund, calling bool) (Refund, Action) {
	if calling || row.State == RefundWaiting || now.Before(row.Due) {
		return row, None
	}
	if row.Next == GiveBack {
		return giveBack(now, row), GiveBack
	}
	return row, InquireRefund
}

// restartRefund takes a refund up again: what was under way counts as given up.
func restartRefund(now time.Time, row Refund) Refund {
	if row.State == RefundWaiting {
		return row
	}
	row.Due = now
	if row.OpenAttempts > 0 {
		row.QuietFrom = now
	}
	return row
}

// refundAnswered takes in how a refund request ended (antom-api §6).
func (p Policy) refundAnswered(now time.Time, row Refund, in Answered) Refund {
	a := in.Answer
	if a.RefundID != "" {
		row.RefundID = a.RefundID
	}
	switch a.Verdict {
	case VerdictRefunded, VerdictFailed:
		return endRefund(now, row, a)
	case VerdictRefused:
		// Refused: but an earlier request that nobody answered may have been taken,
		// or the refusal may be about the request and not about the money, and then
		// this amount is not free. The same request is sent once more, and only a
		// second refusal is believed, at a time when nothing else can be on its way.
		row.OpenAttempts--
		if row.Result.Status == "F" && row.quiet(in.Asked, p.QuietTime) {
			return endRefund(now, row, a)
		}
		row.Result = a.Result
	case VerdictNotSent:
		row.OpenAttempts--
	case VerdictUnknown:
		row.QuietFrom = now
	default: // taken on, or an answer that leaves it open
		row.QuietFrom, row.Result = now, a.Result
	}
	return p.refundAgain(now, row, in.Chance)
}

// refundAgain schedules what comes next: with the acquirer's refundId it can be
// asked, without it the identical request is all there is.
func (p Policy) refundAgain(now time.Time, row Refund, chance float64) Refund {
	if row.RefundID != "" {
		row.State = RefundAsking
		row.at(now.Add(inquiryDelay(p.InquiryInterval, row.Inquiries)), InquireRefund)
		return row
	}
	row.State = RefundSending
	row.at(now.Add(max(resubmitDelay(row.tries(), chance), slowing(p.InquiryInterval, row.tries()))), GiveBack)
	return row
}

// slowing is the inquiries' pace for a request that is repeated without end; at
// first the resubmissions' own is the slower one.
func slowing(interval time.Duration, n int) time.Duration {
	if n < inquiriesEager {
		return 0
	}
	return inquiryDelay(interval, n)
}

// refundInquired takes in how an inquiry about a refund ended. A refund that the
// acquirer does not know under its own name is asked for again: the request is
// the same, so it can't be given twice.
func (p Policy) refundInquired(now time.Time, row Refund, in Answered) Refund {
	row.Inquiries++
	switch in.Answer.Verdict {
	case VerdictRefunded, VerdictFailed:
		return endRefund(now, row, in.Answer)
	case VerdictNotFound:
		row.RefundID = ""
	}
	return p.refundAgain(now, row, in.Chance)
}

func endRefund(now time.Time, row Refund, a Answer) Refund {
	row.State = RefundRefused
	if a.Verdict == VerdictRefunded {
		row.State = Refunded
	}
	if a.RefundID != "" {
		row.RefundID = a.RefundID
	}
	row.RefundTime, row.Result, row.EndedAt = a.RefundTime, a.Result, now
	row.over()
	return row
}
