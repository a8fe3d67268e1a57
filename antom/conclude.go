package antom

import (
	"errors"
	"strings"
)

// Conclusion is what an answer, or the lack of one, lets us say about a payment
// or a refund.
type Conclusion string

// The conclusions. Only Paid, Failed, Cancelled and Refunded are final.
const (
	Paid         Conclusion = "paid"         // the money was taken
	Failed       Conclusion = "failed"       // no money was moved, and none will be under this id
	Cancelled    Conclusion = "cancelled"    // the same, called off
	Open         Conclusion = "open"         // Antom answered, and the outcome is not known: ask
	Pending      Conclusion = "pending"      // paid, waiting for the last word: ask
	Refused      Conclusion = "refused"      // this request did nothing; an earlier one may have: one inquiry settles it
	Inconsistent Conclusion = "inconsistent" // the id was used with other content, and that may be paid: ask, alarm
	NotFound     Conclusion = "not_found"    // Antom has none of that id; "no" only once the quiet time has passed
	Unknown      Conclusion = "unknown"      // no answer, and the request may have arrived
	NotSent      Conclusion = "not_sent"     // no answer, and provably no byte of the request left
	Refunded     Conclusion = "refunded"     // of a refund: the money is given back
)

// Codes that decide (Antom v2, result codes). The set is open; an ending
// stands for every prefix before it.
const (
	codePaymentFail  = "PAYMENT_FAIL"
	codeInProgress   = "PAYMENT_IN_PROGRESS" // v2
	codeInProcess    = "PAYMENT_IN_PROCESS"  // v1
	codeNotExist     = "ORDER_NOT_EXIST"
	codeInconsistent = "REPEAT_REQ_INCONSISTENT"
	codeSystemError  = "SYSTEM_ERROR"
	codeBusy         = "TERMINAL_BUSY"
	codeUnknown      = "UNKNOWN_EXCEPTION" // Antom lists it with U
	codeTimeout      = "TIMEOUT_EXCEPTION" // Antom lists it with U
)

// ConcludePay judges what Client.Pay returned. An F whose code says itself that
// the outcome is unknown (in progress, system error, busy, the two codes that
// Antom lists with U) is Open like every U.
func ConcludePay(resp PayResponse, err error) Conclusion {
	if err != nil {
		return concludeError(err)
	}
	switch resp.Result.ResultStatus {
	case ResultS:
		return Paid
	case ResultF:
		return concludeRefusal(plainCode(resp.Result.ResultCode))
	}
	return Open
}

func concludeRefusal(code string) Conclusion {
	if code == codePaymentFail {
		return Failed
	}
	if endsIn(code, codeInconsistent) {
		return Inconsistent
	}
	for _, open := range []string{codeSystemError, codeBusy, codeInProgress, codeInProcess, codeUnknown, codeTimeout} {
		if endsIn(code, open) {
			return Open
		}
	}
	return Refused
}

// ConcludeInquiry judges what Client.InquiryPayment returned. The result speaks
// of the question; only under S does paymentStatus speak of the payment. A
// signed answer that teaches nothing is Open.
func ConcludeInquiry(resp InquiryPaymentResponse, err error) Conclusion {
	if err != nil {
		return concludeError(err)
	}
	switch resp.Result.ResultStatus {
	case ResultS:
		return concludeStatus(resp.PaymentStatus)
	case ResultF:
		if endsIn(plainCode(resp.Result.ResultCode), codeNotExist) {
			return NotFound
		}
	}
	return Open
}

func concludeStatus(status string) Conclusion {
	switch status {
	case PaymentSuccess:
		return Paid
	case PaymentFail:
		return Failed
	case PaymentCancelled:
		return Cancelled
	case PaymentPending:
		return Pending
	}
	return Open
}

// concludeError tells "provably not sent" from "nobody knows". An error of
// another kind proves nothing.
func concludeError(err error) Conclusion {
	var e *Error
	if errors.As(err, &e) && !e.Sent {
		return NotSent
	}
	return Unknown
}

// plainCode takes out spaces, with which one code was once printed, and case.
func plainCode(code string) string {
	return strings.ToUpper(strings.Join(strings.Fields(code), ""))
}

func endsIn(code, ending string) bool {
	return code == ending || strings.HasSuffix(code, "_"+ending)
}
