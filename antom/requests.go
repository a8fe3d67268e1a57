package antom

// Every request carries extendInfo (Antom v2, overview), at most 2048
// characters here. Options.SendExtendInfo leaves it out where a gateway
// follows the pages of the calls, which do not list it.

// DiagnosisRequest asks whether the terminal is ready (Antom v2, diagnosis).
type DiagnosisRequest struct {
	ExtendInfo string `json:"extendInfo"` // at most 2048 characters (the limit is ours); may be empty
}

// PayRequest asks for one payment (Antom v2, pay). It is idempotent by
// PaymentRequestID: the same id again starts nothing new.
type PayRequest struct {
	PaymentRequestID        string `json:"paymentRequestId"`                  // 1–64 of A-Z a-z 0-9 _, unique per store
	PaymentMethod           string `json:"paymentMethod"`                     // 1–64 characters (the limit is ours), as the register gave it
	PaymentAmount           Amount `json:"paymentAmount"`                     // 1…2147483647 minor units
	OriginalMerchantOrderID string `json:"originalMerchantOrderId,omitempty"` // at most 255 characters
	OriginalMerchantStoreID string `json:"originalMerchantStoreId,omitempty"` // at most 255 characters
	ExtendInfo              string `json:"extendInfo"`                        // as in a DiagnosisRequest
}

// InquiryPaymentRequest asks what became of a payment (Antom v2,
// inquiryPayment).
type InquiryPaymentRequest struct {
	PaymentRequestID string `json:"paymentRequestId"` // as in the PayRequest
	ExtendInfo       string `json:"extendInfo"`       // as in a DiagnosisRequest
}

// RefundRequest asks for money to be given back (Antom v2, refund). It is
// idempotent by RefundRequestID. Antom takes a refund without an amount as one
// of everything; here the amount is always spelt out, so that a repeat after a
// lost answer can never mean another sum than the first.
type RefundRequest struct {
	RefundRequestID          string `json:"refundRequestId"`                    // 1–64 of A-Z a-z 0-9 _
	PaymentID                string `json:"paymentId"`                          // Antom's id, 1–64 characters (the limit is ours)
	RefundAmount             Amount `json:"refundAmount"`                       // 1…2147483647 minor units
	Memo                     string `json:"memo,omitempty"`                     // at most 256 characters
	OriginalMerchantRefundID string `json:"originalMerchantRefundId,omitempty"` // USB mode; at most 255 characters (the limit is ours)
	ExtendInfo               string `json:"extendInfo"`                         // as in a DiagnosisRequest
}

// InquiryRefundRequest asks what became of a refund (Antom v2, inquiryRefund):
// by Antom's id, the only one that call knows.
type InquiryRefundRequest struct {
	RefundID   string `json:"refundId"`   // Antom's id, 1–64 characters (the limit is ours)
	ExtendInfo string `json:"extendInfo"` // as in a DiagnosisRequest
}

// question is what the five requests share.
type question interface {
	check() error // the limits, before anything is sent
	bare() any    // the form on the wire without extendInfo
	echo() echo   // what an answer to it names
}

// bare returns the request with a member of the same name beside it, always
// empty: of two members of one name encoding/json takes the outer one.

func (r DiagnosisRequest) bare() any { return struct{}{} }

func (r PayRequest) bare() any {
	return struct {
		PayRequest
		ExtendInfo *string `json:"extendInfo,omitempty"`
	}{PayRequest: r}
}

func (r InquiryPaymentRequest) bare() any {
	return struct {
		InquiryPaymentRequest
		ExtendInfo *string `json:"extendInfo,omitempty"`
	}{InquiryPaymentRequest: r}
}

func (r RefundRequest) bare() any {
	return struct {
		RefundRequest
		ExtendInfo *string `json:"extendInfo,omitempty"`
	}{RefundRequest: r}
}

func (r InquiryRefundRequest) bare() any {
	return struct {
		InquiryRefundRequest
		ExtendInfo *string `json:"extendInfo,omitempty"`
	}{InquiryRefundRequest: r}
}

// echo is the id in an answer that ties the answer to its question.
type echo struct {
	field, id string
	absence   bool // that there is none of that id says something of it, too
}

func (r DiagnosisRequest) echo() echo { return echo{} }

// A pay answer names no paymentRequestId to compare (Antom v2, pay).
func (r PayRequest) echo() echo { return echo{} }

func (r InquiryPaymentRequest) echo() echo { return echo{"paymentRequestId", r.PaymentRequestID, true} }

// A refusal of a refund ends it only once it was said twice, so that a name is
// asked for under S alone.
func (r RefundRequest) echo() echo { return echo{"refundRequestId", r.RefundRequestID, false} }

func (r InquiryRefundRequest) echo() echo { return echo{"refundId", r.RefundID, true} }
