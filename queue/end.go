package queue

import "time"

// end writes the outcome into a payment's row. Money that was taken although its
// abort was wished is given back.
func (p Policy) end(now time.Time, row Payment, a Answer) Payment {
	switch a.Verdict {
	case VerdictPaid:
		row.State = Paid
	case VerdictCancelled:
		row.State = Cancelled
	default:
		row.State = Failed
	}
	row.Result = lastWord(row, a)
	if row.State == Paid && !row.AbortAt.IsZero() {
		row.Reversal = p.reversal(row)
	}
	if row.PaymentID == "" || row.PaymentID != a.PaymentID || row.State != Paid {
		row.CashierReceipt, row.CustomerReceipt = a.CashierReceipt, a.CustomerReceipt
	} // else this confirms what the pay request was answered, receipts and all
	row.PaymentID, row.PaymentTime = a.PaymentID, a.PaymentTime
	row.Pending, row.InDoubt, row.EndedAt = false, false, now
	row.over()
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

// notConnected is what the agent says of a payment that never left; Antom has the
// code, too, and its own words for it.
const notConnected = "the acquirer could not be reached; nothing was sent"

// endUnsent ends a payment of which no byte ever left, in the agent's own words.
func endUnsent(now time.Time, row Payment) Payment {
	row.State = Failed
	row.Result = Result{Status: "F", Code: codeNotConnected, Message: notConnected}
	if !row.AbortAt.IsZero() {
		row.State = Cancelled
		row.Result = Result{Status: "F", Code: codeAborted, Message: "aborted before anything was sent"}
	}
	row.Pending, row.InDoubt, row.EndedAt = false, false, now
	row.over()
	return row
}
