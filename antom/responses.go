package antom

import (
	"encoding/json"
	"fmt"
)

// Values of Result.ResultStatus.
const (
	ResultS = "S" // done
	ResultF = "F" // refused
	ResultU = "U" // unknown; also what a missing or new word counts as
)

// Result is Antom's word on the request (Antom v2, result). In an inquiry it
// speaks of the question, not of the payment.
type Result struct {
	ResultStatus  string `json:"resultStatus"`            // ResultS, ResultF or ResultU, nothing else
	ResultCode    string `json:"resultCode,omitempty"`    // verbatim; Antom says at most 64 characters
	ResultMessage string `json:"resultMessage,omitempty"` // verbatim; Antom says at most 256 characters
}

// Values of InquiryPaymentResponse.PaymentStatus; others may come.
const (
	PaymentSuccess    = "SUCCESS"
	PaymentFail       = "FAIL"
	PaymentProcessing = "PROCESSING"
	PaymentCancelled  = "CANCELLED"
	PaymentPending    = "PENDING" // paid, waiting for the last word
)

// Values of InquiryRefundResponse.RefundStatus; others may come. A failed
// refund is FAILED where a failed payment is FAIL.
const (
	RefundSuccess = "SUCCESS"
	RefundFailed  = "FAILED"
	RefundPending = "PENDING"
)

// Every member of a response beside its result may be missing, and is then
// empty: no page promises one. Antom publishes no lengths for them either; what
// bounds them is the whole answer's limit of 1 MiB. Times are Antom's text,
// ISO 8601 with an offset, and decide nothing here.

// DiagnosisResponse tells whether the terminal is ready (Antom v2, diagnosis).
type DiagnosisResponse struct {
	Result        Result `json:"result"`
	NetworkStatus string `json:"networkStatus,omitempty"` // "Y" or "N": it reaches Antom
	PrinterStatus string `json:"printerStatus,omitempty"` // "Y" or "N": it can print
	GlobalStatus  string `json:"globalStatus,omitempty"`  // "Y" or "N": all in all
}

// PaymentReceipt holds the two receipts of a card payment (Antom v2, pay).
type PaymentReceipt struct {
	CashierReceipt  Receipt `json:"cashierReceipt"`  // JSON inside a string; empty for QR payments
	CustomerReceipt Receipt `json:"customerReceipt"` // the same, for the customer
}

// PayResponse is the answer to a PayRequest, which it does not name (Antom v2,
// pay).
type PayResponse struct {
	Result         Result         `json:"result"`
	PaymentID      string         `json:"paymentId,omitempty"` // Antom's id; no answer where it belongs to another payment already
	PaymentReceipt PaymentReceipt `json:"paymentReceipt,omitzero"`
}

// InquiryPaymentResponse tells what became of a payment; it has no receipts
// (Antom v2, inquiryPayment).
type InquiryPaymentResponse struct {
	Result            Result `json:"result"`
	PaymentRequestID  string `json:"paymentRequestId,omitempty"`  // the one asked about, or the answer is refused
	PaymentID         string `json:"paymentId,omitempty"`         // Antom's id, as in a PayResponse
	PaymentStatus     string `json:"paymentStatus,omitempty"`     // one of the words above, or a new one
	PaymentCreateTime string `json:"paymentCreateTime,omitempty"` // when Antom took the request
	PaymentTime       string `json:"paymentTime,omitempty"`       // when it was paid
	PaymentAmount     Amount `json:"paymentAmount,omitzero"`      // 0…2147483647 minor units; the zero Amount where it is missing
	PaymentMethod     string `json:"paymentMethod,omitempty"`     // a word, or in v1's manner an object's JSON
}

// RefundResponse is the answer to a RefundRequest (Antom v2, refund).
type RefundResponse struct {
	Result          Result `json:"result"`
	RefundRequestID string `json:"refundRequestId,omitempty"` // the one asked for, or the answer is refused
	RefundID        string `json:"refundId,omitempty"`        // Antom's id, to ask inquiryRefund with
}

// InquiryRefundResponse tells what became of a refund (Antom v2, inquiryRefund).
type InquiryRefundResponse struct {
	Result       Result `json:"result"`
	RefundID     string `json:"refundId,omitempty"`     // the one asked about, or the answer is refused
	RefundStatus string `json:"refundStatus,omitempty"` // SUCCESS, FAILED or PENDING, or a new word
	RefundTime   string `json:"refundTime,omitempty"`   // when the money was given back
	PaymentID    string `json:"paymentId,omitempty"`    // of the payment it was given back from
}

// answer is what the five responses share.
type answer interface {
	read(result Result, o object) error
}

// readResult reads the result that every answer must have.
func readResult(o object) (Result, error) {
	result, ok := o.object("result")
	if !ok {
		return Result{}, fmt.Errorf("%w: no result in it", ErrMalformed)
	}
	status := result.word("resultStatus")
	if status != ResultS && status != ResultF {
		status = ResultU
	}
	return Result{status, result.text("resultCode"), result.text("resultMessage")}, nil
}

func (r *DiagnosisResponse) read(result Result, o object) error {
	*r = DiagnosisResponse{
		Result:        result,
		NetworkStatus: o.text("networkStatus"),
		PrinterStatus: o.text("printerStatus"),
		GlobalStatus:  o.text("globalStatus"),
	}
	return nil
}

func (r *PayResponse) read(result Result, o object) error {
	receipt, _ := o.object("paymentReceipt") // absent: both are empty
	*r = PayResponse{Result: result, PaymentID: o.text("paymentId")}
	if text := receipt.text("cashierReceipt"); text != "" {
		r.PaymentReceipt.CashierReceipt = NewReceipt(text)
	}
	if text := receipt.text("customerReceipt"); text != "" {
		r.PaymentReceipt.CustomerReceipt = NewReceipt(text)
	}
	return nil
}

func (r *InquiryPaymentResponse) read(result Result, o object) error {
	var amount Amount
	if o.text("paymentAmount") != "" {
		if err := json.Unmarshal(o.raw("paymentAmount"), &amount); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	*r = InquiryPaymentResponse{
		Result:            result,
		PaymentRequestID:  o.text("paymentRequestId"),
		PaymentID:         o.text("paymentId"),
		PaymentStatus:     o.word("paymentStatus"),
		PaymentCreateTime: o.text("paymentCreateTime"),
		PaymentTime:       o.text("paymentTime"),
		PaymentAmount:     amount,
		PaymentMethod:     o.text("paymentMethod"),
	}
	return nil
}

func (r *RefundResponse) read(result Result, o object) error {
	*r = RefundResponse{
		Result:          result,
		RefundRequestID: o.text("refundRequestId"),
		RefundID:        o.text("refundId"),
	}
	return nil
}

func (r *InquiryRefundResponse) read(result Result, o object) error {
	*r = InquiryRefundResponse{
		Result:       result,
		RefundID:     o.text("refundId"),
		RefundStatus: o.word("refundStatus"),
		RefundTime:   o.text("refundTime"),
		PaymentID:    o.text("paymentId"),
	}
	return nil
}
