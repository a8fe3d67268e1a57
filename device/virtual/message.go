package virtual

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Message is one body from the agent: a response or an event (register-link §3).
// Its accessors return the zero value for a member that is absent or of another
// type than the protocol says.
type Message struct {
	Body json.RawMessage // ASCII JSON, exactly as received
}

// Method names the request a response belongs to. It is empty in an event, and
// in the response to a body whose method could not be read.
func (m Message) Method() string { return m.head().Method }

// Event names an event: payment, refund or link. It is empty in a response.
func (m Message) Event() string { return m.head().Event }

// Re is the SEQ of the request a response belongs to, two upper-case hex digits.
func (m Message) Re() string { return m.head().Re }

// Result says what became of the request. What became of the money is never
// said here but by paymentStatus and final. Events have none.
func (m Message) Result() Result { return m.head().Result }

// Open lists the ids of payments that are not final, from the response to
// initConnection and from a refusal with TERMINAL_BUSY.
func (m Message) Open() []string { return m.head().Open }

// Undelivered lists the ids of payments and refunds whose outcome the register
// has not confirmed, from the response to initConnection.
func (m Message) Undelivered() []string { return m.head().Undelivered }

// PaymentState is the payment state the message carries, and whether it carries
// one: without an id and a status there is none.
func (m Message) PaymentState() (PaymentState, bool) {
	var s PaymentState
	if json.Unmarshal(m.Body, &s) != nil || s.PaymentRequestID == "" || s.PaymentStatus == "" {
		return PaymentState{}, false
	}
	return s, true
}

// Decode reads the body into v, as encoding/json does.
func (m Message) Decode(v any) error {
	if err := json.Unmarshal(m.Body, v); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	return nil
}

type head struct {
	Method, Event, Re string
	Result            Result
	Open, Undelivered []string
}

func (m Message) head() head {
	members := m.members()
	var h head
	for name, into := range map[string]any{
		"method": &h.Method, "event": &h.Event, "re": &h.Re, "result": &h.Result,
		"open": &h.Open, "undelivered": &h.Undelivered,
	} {
		_ = json.Unmarshal(members[name], into) // Absent or of another type: the zero value, as promised.
	}
	return h
}

func (m Message) members() map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(m.Body, &members) != nil {
		return nil
	}
	return members
}

// Result is the agent's word about a request, or Antom's about a payment.
type Result struct {
	Status  string `json:"resultStatus"` // S, F or U
	Code    string `json:"resultCode"`
	Message string `json:"resultMessage,omitempty"`
}

// Amount is money as the link writes it.
type Amount struct {
	ValueMinor int64  `json:"value"`    // in the currency's minor unit, 1 to 2147483647
	Currency   string `json:"currency"` // three upper-case letters of ISO 4217
}

// Receipt holds the texts to print, passed through from Antom untouched.
type Receipt struct {
	CashierReceipt  string `json:"cashierReceipt,omitempty"`
	CustomerReceipt string `json:"customerReceipt,omitempty"`
}

// Reversal is the full refund of a payment whose abort came too late.
type Reversal struct {
	RefundRequestID string `json:"refundRequestId,omitempty"`
	RefundStatus    string `json:"refundStatus,omitempty"` // PENDING, SUCCESS or FAILED
}

// PaymentState is what the agent knows of one payment (register-link §3).
// Members the agent left out are zero or nil.
type PaymentState struct {
	PaymentRequestID string    `json:"paymentRequestId"`
	PaymentStatus    string    `json:"paymentStatus"` // PROCESSING, PENDING, SUCCESS, FAIL or CANCELLED
	Final            bool      `json:"final"`
	Rev              int64     `json:"rev"` // rises with every change
	InDoubt          bool      `json:"inDoubt,omitempty"`
	AbortRequested   bool      `json:"abortRequested,omitempty"`
	PaymentAmount    *Amount   `json:"paymentAmount,omitempty"`
	PaymentID        string    `json:"paymentId,omitempty"`
	PaymentTime      string    `json:"paymentTime,omitempty"` // ISO 8601, as received
	PaymentReceipt   *Receipt  `json:"paymentReceipt,omitempty"`
	ReceiptOmitted   bool      `json:"receiptOmitted,omitempty"`
	Reversal         *Reversal `json:"reversal,omitempty"`
	Display          []string  `json:"display,omitempty"` // at most 2 lines of 20
	AcquirerResult   *Result   `json:"acquirerResult,omitempty"`
}

// encodeBody writes v as one JSON object in printable ASCII, \uXXXX for the
// rest (register-link §3).
func encodeBody(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return toASCII(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// encodeRequest writes a request with its method first and the other members in
// the order of their names.
func encodeRequest(method string, members map[string]any) ([]byte, error) {
	name, err := encodeBody(method)
	if err != nil {
		return nil, err
	}
	b := append([]byte(`{"method":`), name...)
	if len(members) == 0 {
		return append(b, '}'), nil
	}
	rest, err := encodeBody(members)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	b = append(b, ',')
	return append(b, rest[1:]...), nil
}

// toASCII escapes every character outside 20…7E. In JSON they occur inside
// strings only, where an escape means the same.
func toASCII(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if r >= 0x20 && r <= 0x7e {
			out = append(out, byte(r))
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, u)
		}
	}
	return out
}
