package antom

import (
	"context"
	"testing"
)

func TestConcludeRefund(t *testing.T) {
	for _, c := range []struct {
		row, status, code string
		want              Conclusion
	}{
		{"S is done", "S", "SUCCESS", Refunded},
		{"S is done, whatever code", "S", "", Refunded},
		{"U is asked about", "U", "PAYMENT_IN_PROGRESS", Open},
		{"U is asked about even with a failure's code", "U", "PROCESS_FAIL", Open},
		{"F SYSTEM_ERROR is repeated", "F", "SYSTEM_ERROR", Open},
		{"F DPOS_SYSTEM_ERROR is repeated", "F", "DPOS_SYSTEM_ERROR", Open},
		{"F TERMINAL_BUSY is repeated", "F", "TERMINAL_BUSY", Open},
		{"F UNKNOWN_EXCEPTION says itself that it is open", "F", "UNKNOWN_EXCEPTION", Open},
		{"F REPEAT_REQ_INCONSISTENT alarms", "F", "REPEAT_REQ_INCONSISTENT", Inconsistent},
		{"F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT alarms", "F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", Inconsistent},
		{"any other F is refused: PROCESS_FAIL", "F", "PROCESS_FAIL", Refused},
		{"any other F is refused: PAYMENT_FAIL", "F", "PAYMENT_FAIL", Refused},
		{"any other F is refused: a code nobody knows", "F", "BRAND_NEW", Refused},
		{"any other F is refused: none", "F", "", Refused},
		{"any other F is refused: the payment is not known", "F", "DPOS_PAYMENT_ORDER_NOT_EXIST", Refused},
		{"no status counts as U", "", "PROCESS_FAIL", Open},
		{"a new status counts as U", "X", "SUCCESS", Open},
	} {
		t.Run(c.row, func(t *testing.T) {
			resp := RefundResponse{Result: Result{ResultStatus: c.status, ResultCode: c.code}}
			if got := ConcludeRefund(resp, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestConcludeInquiryRefund(t *testing.T) {
	for _, c := range []struct {
		row, status, code, refund string
		want                      Conclusion
	}{
		{"S SUCCESS is done", "S", "SUCCESS", "SUCCESS", Refunded},
		{"S FAILED is failed", "S", "SUCCESS", "FAILED", Failed},
		{"S PENDING asks again", "S", "SUCCESS", "PENDING", Open},
		{"S FAIL is a payment's word, so a new one", "S", "SUCCESS", "FAIL", Open},
		{"S with a new word asks again", "S", "SUCCESS", "EXPIRED", Open},
		{"S without a status asks again", "S", "SUCCESS", "", Open},
		{"S does not speak of the refund by its code", "S", "REFUND_NOT_EXIST", "", Open},
		{"F REFUND_NOT_EXIST is not found", "F", "REFUND_NOT_EXIST", "", NotFound},
		{"F ORDER_NOT_EXIST is not found", "F", "DPOS_PAYMENT_ORDER_NOT_EXIST", "", NotFound},
		{"F with another code teaches nothing", "F", "DPOS_REFUND_KEY_NOT_FOUND", "", Open},
		{"F is not read for its refundStatus", "F", "PROCESS_FAIL", "FAILED", Open},
		{"U teaches nothing", "U", "UNKNOWN_EXCEPTION", "FAILED", Open},
		{"no status counts as U", "", "", "SUCCESS", Open},
	} {
		t.Run(c.row, func(t *testing.T) {
			resp := InquiryRefundResponse{Result: Result{ResultStatus: c.status, ResultCode: c.code}, RefundStatus: c.refund}
			if got := ConcludeInquiryRefund(resp, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestErrorsConcludeNothingAboutTheRefund(t *testing.T) {
	done := RefundResponse{Result: Result{ResultStatus: ResultS}}
	found := InquiryRefundResponse{Result: Result{ResultStatus: ResultS}, RefundStatus: RefundFailed}
	for name, c := range map[string]struct {
		err  error
		want Conclusion
	}{
		"not sent": {&Error{Op: "refund", Err: context.Canceled}, NotSent},
		"sent":     {&Error{Op: "refund", Sent: true, Err: ErrSignature, UntrustedStatus: "F"}, Unknown},
		"another":  {context.Canceled, Unknown},
	} {
		if got := ConcludeRefund(done, c.err); got != c.want {
			t.Errorf("%s: refund concludes %q, want %q", name, got, c.want)
		}
		if got := ConcludeInquiryRefund(found, c.err); got != c.want {
			t.Errorf("%s: inquiryRefund concludes %q, want %q", name, got, c.want)
		}
	}
}
