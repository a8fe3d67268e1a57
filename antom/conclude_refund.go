package antom

// codeRefundNotExist is how Antom's other products say that a refund is not
// known; no list of inquiryRefund's codes is published.
const codeRefundNotExist = "REFUND_NOT_EXIST"

// ConcludeRefund judges what Client.Refund returned. Refunded is final.
//
// An F other than the open ones is Refused: this request did nothing. Where no
// earlier request of the same refund can still take effect (each was answered, or
// the quiet time is over) the refund has failed and its amount is free again;
// until then calling it free would invite a second refund.
//
// Open, Inconsistent and Unknown mean: ask inquiryRefund where a refundId is known,
// and where none is, send the identical refund again, which can't be given twice.
// Inconsistent wants an alarm besides.
func ConcludeRefund(resp RefundResponse, err error) Conclusion {
	if err != nil {
		return concludeError(err)
	}
	switch resp.Result.ResultStatus {
	case ResultS:
		return Refunded
	case ResultF:
		if c := concludeRefusal(plainCode(resp.Result.ResultCode)); c != Failed {
			return c
		}
		return Refused // PAYMENT_FAIL ends a payment, and no refund
	}
	return Open
}

// ConcludeInquiryRefund judges what Client.InquiryRefund returned. The result
// speaks of the question; only under S does refundStatus speak of the refund.
// NotFound contradicts Antom, who gave the refundId: send the identical refund
// again, and raise an alarm.
func ConcludeInquiryRefund(resp InquiryRefundResponse, err error) Conclusion {
	if err != nil {
		return concludeError(err)
	}
	switch resp.Result.ResultStatus {
	case ResultS:
		return concludeRefundStatus(resp.RefundStatus)
	case ResultF:
		if notThere(resp.Result.ResultCode) {
			return NotFound
		}
	}
	return Open
}

func concludeRefundStatus(status string) Conclusion {
	switch status {
	case RefundSuccess:
		return Refunded
	case RefundFailed:
		return Failed
	}
	return Open // RefundPending, a new word, or none
}

// notThere reports whether a code says that there is no such payment or refund.
func notThere(code string) bool {
	code = plainCode(code)
	return endsIn(code, codeRefundNotExist) || endsIn(code, codeNotExist)
}
