package antom

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestConcludePay(t *testing.T) {
	for _, c := range []struct {
		row, status, code string
		want              Conclusion
	}{
		{"S is paid", "S", "SUCCESS", Paid},
		{"S is paid, whatever code", "S", "ANYTHING", Paid},
		{"S is paid, without a code", "S", "", Paid},
		{"F PAYMENT_FAIL is failed", "F", "PAYMENT_FAIL", Failed},
		{"F with another ending is not failed", "F", "DPOS_PAYMENT_FAIL", Refused},
		{"F PROCESS_FAIL is refused", "F", "PROCESS_FAIL", Refused},
		{"F RISK_REJECT is refused", "F", "DPOS_PAYMENT_RISK_REJECT", Refused},
		{"F PARAM_ILLEGAL is refused", "F", "PARAM_ILLEGAL", Refused},
		{"F INVALID_SIGNATURE is refused", "F", "INVALID_SIGNATURE", Refused},
		{"F SIGNATURE_INVALID is refused", "F", "SIGNATURE_INVALID", Refused},
		{"F ORDER_NOT_EXIST is refused", "F", "DPOS_PAYMENT_ORDER_NOT_EXIST", Refused},
		{"F with an unknown code is refused", "F", "BRAND_NEW", Refused},
		{"F without a code is refused", "F", "", Refused},
		{"F REPEAT_REQ_INCONSISTENT may hide a payment", "F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", Inconsistent},
		{"F REPEAT_REQ_INCONSISTENT without a prefix", "F", "REPEAT_REQ_INCONSISTENT", Inconsistent},
		{"F SYSTEM_ERROR is unknown", "F", "SYSTEM_ERROR", Open},
		{"F DPOS_SYSTEM_ERROR is unknown", "F", "DPOS_SYSTEM_ERROR", Open},
		{"F DPOS_SYSTEM_ERROR with the printed space", "F", "DPOS_SYSTEM_ ERROR", Open},
		{"F TERMINAL_BUSY may be busy with us", "F", "TERMINAL_BUSY", Open},
		{"F PAYMENT_IN_PROGRESS says itself that it is open", "F", "PAYMENT_IN_PROGRESS", Open},
		{"F PAYMENT_IN_PROCESS, spelt as in v1", "F", "PAYMENT_IN_PROCESS", Open},
		{"F UNKNOWN_EXCEPTION says itself that it is open", "F", "UNKNOWN_EXCEPTION", Open},
		{"F TIMEOUT_EXCEPTION says itself that it is open", "F", "TIMEOUT_EXCEPTION", Open},
		{"U PAYMENT_IN_PROGRESS is unknown", "U", "PAYMENT_IN_PROGRESS", Open},
		{"U PAYMENT_IN_PROCESS is unknown", "U", "PAYMENT_IN_PROCESS", Open},
		{"U is unknown even with PAYMENT_FAIL", "U", "PAYMENT_FAIL", Open},
		{"U is unknown even with SUCCESS", "U", "SUCCESS", Open},
		{"U is unknown even when inconsistent", "U", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", Open},
		{"no status counts as U", "", "PAYMENT_FAIL", Open},
		{"a new status counts as U", "X", "SUCCESS", Open},
	} {
		t.Run(c.row, func(t *testing.T) {
			resp := PayResponse{Result: Result{ResultStatus: c.status, ResultCode: c.code}}
			if got := ConcludePay(resp, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestConcludeInquiry(t *testing.T) {
	for _, c := range []struct {
		row, status, code, payment string
		want                       Conclusion
	}{
		{"S SUCCESS is paid", "S", "SUCCESS", "SUCCESS", Paid},
		{"S FAIL is failed", "S", "SUCCESS", "FAIL", Failed},
		{"S CANCELLED is cancelled", "S", "SUCCESS", "CANCELLED", Cancelled},
		{"S PROCESSING asks again", "S", "SUCCESS", "PROCESSING", Open},
		{"S PENDING asks again", "S", "SUCCESS", "PENDING", Pending},
		{"S with a new word asks again", "S", "SUCCESS", "EXPIRED", Open},
		{"S FAILED is a refund's word, so a new one", "S", "SUCCESS", "FAILED", Open},
		{"S in other case is a new word", "S", "SUCCESS", "success", Open},
		{"S without a status asks again", "S", "SUCCESS", "", Open},
		{"S does not speak of the payment by its code", "S", "ORDER_NOT_EXIST", "", Open},
		{"F ORDER_NOT_EXIST is not found", "F", "ORDER_NOT_EXIST", "", NotFound},
		{"F DPOS_PAYMENT_ORDER_NOT_EXIST is not found", "F", "DPOS_PAYMENT_ORDER_NOT_EXIST", "", NotFound},
		{"F with a code that only ends alike teaches nothing", "F", "REORDER_NOT_EXIST", "", Open},
		{"F with another code teaches nothing", "F", "DPOS_PAYMENT_ACCESS_DENIED", "", Open},
		{"F PAYMENT_FAIL speaks of the question", "F", "PAYMENT_FAIL", "", Open},
		{"F is not read for its paymentStatus", "F", "PROCESS_FAIL", "SUCCESS", Open},
		{"F without a code teaches nothing", "F", "", "", Open},
		{"U teaches nothing", "U", "UNKNOWN_EXCEPTION", "", Open},
		{"U ORDER_NOT_EXIST teaches nothing", "U", "ORDER_NOT_EXIST", "", Open},
		{"U is not read for its paymentStatus", "U", "", "FAIL", Open},
		{"no status counts as U", "", "", "SUCCESS", Open},
	} {
		t.Run(c.row, func(t *testing.T) {
			resp := InquiryPaymentResponse{Result: Result{ResultStatus: c.status, ResultCode: c.code}, PaymentStatus: c.payment}
			if got := ConcludeInquiry(resp, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestErrorsConcludeNothingAboutThePayment(t *testing.T) {
	paid := PayResponse{Result: Result{ResultStatus: ResultS}}
	found := InquiryPaymentResponse{Result: Result{ResultStatus: ResultS}, PaymentStatus: PaymentFail}
	for name, c := range map[string]struct {
		err  error
		want Conclusion
	}{
		"not sent":          {&Error{Op: "pay", Err: context.Canceled}, NotSent},
		"not sent, wrapped": {fmt.Errorf("pay R1: %w", &Error{Op: "pay", Err: ErrClock}), NotSent},
		"sent":              {&Error{Op: "pay", Sent: true, Err: context.DeadlineExceeded}, Unknown},
		"sent, untrusted":   {&Error{Op: "pay", Sent: true, Err: ErrSignature, UntrustedStatus: "F", UntrustedCode: "PAYMENT_FAIL"}, Unknown},
		"another error":     {errors.New("disk full"), Unknown},
	} {
		if got := ConcludePay(paid, c.err); got != c.want {
			t.Errorf("%s: pay concludes %q, want %q", name, got, c.want)
		}
		if got := ConcludeInquiry(found, c.err); got != c.want {
			t.Errorf("%s: inquiry concludes %q, want %q", name, got, c.want)
		}
	}
}
