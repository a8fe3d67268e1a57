package sandbox

import (
	"encoding/json"
	"strconv"
	"time"
)

// result is the member every answer has, unless a cruelty takes it out.
type result struct {
	Status  string `json:"resultStatus"`
	Code    string `json:"resultCode"`
	Message string `json:"resultMessage"`
}

type receipts struct {
	Cashier  string `json:"cashierReceipt"`
	Customer string `json:"customerReceipt"`
}

type textAmount struct {
	ValueMinor string `json:"value"`
	Currency   string `json:"currency"`
}

// answer holds the members of all five answers.
type answer struct {
	Result            *result   `json:"result,omitempty"`
	NetworkStatus     string    `json:"networkStatus,omitempty"`
	PrinterStatus     string    `json:"printerStatus,omitempty"`
	GlobalStatus      string    `json:"globalStatus,omitempty"`
	PaymentRequestID  string    `json:"paymentRequestId,omitempty"`
	PaymentID         string    `json:"paymentId,omitempty"`
	PaymentStatus     string    `json:"paymentStatus,omitempty"`
	PaymentCreateTime string    `json:"paymentCreateTime,omitempty"`
	PaymentTime       string    `json:"paymentTime,omitempty"`
	PaymentAmount     any       `json:"paymentAmount,omitempty"` // amount or textAmount
	PaymentMethod     string    `json:"paymentMethod,omitempty"`
	PaymentReceipt    *receipts `json:"paymentReceipt,omitempty"`
	RefundRequestID   string    `json:"refundRequestId,omitempty"`
	RefundID          string    `json:"refundId,omitempty"`
	RefundStatus      string    `json:"refundStatus,omitempty"`
	RefundTime        string    `json:"refundTime,omitempty"`
	Unheard           string    `json:"sandboxMember,omitempty"` // a member nobody knows
}

func says(status, code, message string) *answer {
	return &answer{Result: &result{status, code, message}}
}

func success() *answer { return says("S", "SUCCESS", "success") }

func inProgress() *answer {
	return says("U", "PAYMENT_IN_PROGRESS", "the payment is still in progress")
}

func failed() *answer { return says("F", "PAYMENT_FAIL", "the payment failed") }

func notExist() *answer {
	return says("F", "DPOS_PAYMENT_ORDER_NOT_EXIST", "no such order")
}

// notExistNamed says of which id there is no payment, as a caller over plain http
// needs it.
func notExistNamed(id string) *answer {
	a := notExist()
	a.PaymentRequestID = id
	return a
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(stampLayout)
}

// receiptsFor makes receipts that nobody can take for real ones: each is JSON
// inside a string, with quotes, a line break and letters beyond ASCII.
func receiptsFor(p *payment) *receipts {
	one := func(title string) string {
		text, _ := json.Marshal(map[string]string{ // strings always marshal
			"title":  title + "\nSANDBOX, NO MONEY HAS MOVED \u2713 caf\u00e9",
			"amount": strconv.FormatInt(p.PaymentAmount.ValueMinor, 10) + " " + p.PaymentAmount.Currency,
			"id":     p.id,
		})
		return string(text)
	}
	return &receipts{Cashier: one("CASHIER \"COPY\""), Customer: one("CUSTOMER \"COPY\"")}
}
