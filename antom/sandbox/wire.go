package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// The five calls of version 2, named by the last part of their path.
const (
	callDiagnosis      = "diagnosis"
	callPay            = "pay"
	callInquiryPayment = "inquiryPayment"
	callRefund         = "refund"
	callInquiryRefund  = "inquiryRefund"
)

// paths maps the path behind the base address to its call.
func paths() map[string]string {
	return map[string]string{
		"/device/diagnosis":        callDiagnosis,
		"/payments/pay":            callPay,
		"/payments/inquiryPayment": callInquiryPayment,
		"/payments/refund":         callRefund,
		"/payments/inquiryRefund":  callInquiryRefund,
	}
}

// amount is Antom's Amount; a zero currency means it was absent.
type amount struct {
	ValueMinor int64  `json:"value"`
	Currency   string `json:"currency"`
}

// request holds the members of all five requests; two of them are the same
// request when they are equal.
type request struct {
	PaymentRequestID         string `json:"paymentRequestId"`
	PaymentMethod            string `json:"paymentMethod"`
	PaymentAmount            amount `json:"paymentAmount"`
	OriginalMerchantOrderID  string `json:"originalMerchantOrderId"`
	OriginalMerchantStoreID  string `json:"originalMerchantStoreId"`
	RefundRequestID          string `json:"refundRequestId"`
	PaymentID                string `json:"paymentId"`
	RefundAmount             amount `json:"refundAmount"`
	Memo                     string `json:"memo"`
	OriginalMerchantRefundID string `json:"originalMerchantRefundId"`
	RefundID                 string `json:"refundId"`
	ExtendInfo               string `json:"extendInfo"`
}

// id is what the caller would know this request by.
func (r request) id() string {
	for _, id := range []string{r.PaymentRequestID, r.RefundRequestID, r.RefundID} {
		if id != "" {
			return id
		}
	}
	return ""
}

// member is one member of a request: its limits as documented.
type member struct {
	name     string
	required bool
	check    func(json.RawMessage) error
}

func membersOf(call string) []member {
	switch call {
	case callPay:
		return []member{
			{"paymentRequestId", true, checkID},
			{"paymentMethod", true, textUpTo(1, 64)},
			{"paymentAmount", true, checkAmount},
			{"originalMerchantOrderId", false, textUpTo(0, 255)},
			{"originalMerchantStoreId", false, textUpTo(0, 255)},
		}
	case callInquiryPayment:
		return []member{{"paymentRequestId", true, checkID}}
	case callRefund:
		return []member{
			{"refundRequestId", true, checkID},
			{"paymentId", true, textUpTo(1, 64)},
			{"refundAmount", false, checkAmount},
			{"memo", false, textUpTo(0, 256)},
			{"originalMerchantRefundId", false, textUpTo(0, 255)},
		}
	case callInquiryRefund:
		return []member{{"refundId", true, textUpTo(1, 64)}}
	}
	return nil
}

// parseRequest reads a plain body as call's request. A member unknown to the
// documents is refused, so that a misspelt optional one does not go unnoticed.
func parseRequest(call string, plain []byte, needExtendInfo bool) (request, error) {
	if !utf8.Valid(plain) {
		return request{}, errors.New("body is not UTF-8")
	}
	members := append(membersOf(call), member{"extendInfo", needExtendInfo, textUpTo(0, maxBody)})
	if err := checkObject(plain, members); err != nil {
		return request{}, err
	}
	var req request
	if err := json.Unmarshal(plain, &req); err != nil {
		return request{}, fmt.Errorf("body: %w", err)
	}
	return req, nil
}

// checkObject wants exactly one JSON object of the given members, none twice.
func checkObject(plain []byte, members []member) error {
	dec := json.NewDecoder(bytes.NewReader(plain))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		if err := checkMember(dec, members, seen); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errors.New("not a whole JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("bytes after the JSON object")
	}
	for _, m := range members {
		if m.required && !seen[m.name] {
			return fmt.Errorf("%s is required", m.name)
		}
	}
	return nil
}

func checkMember(dec *json.Decoder, members []member, seen map[string]bool) error {
	token, err := dec.Token()
	if err != nil {
		return errors.New("not a whole JSON object")
	}
	name, _ := token.(string)
	if seen[name] {
		return fmt.Errorf("%s is given twice", name)
	}
	seen[name] = true
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("%s is not JSON", name)
	}
	for _, m := range members {
		if m.name != name {
			continue
		}
		if err := m.check(raw); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("%q is not a member of this request", name)
}

// textUpTo counts characters, not bytes.
func textUpTo(least, most int) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var text string
		if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
			return errors.New("must be a string")
		}
		if n := utf8.RuneCountInString(text); n < least || n > most {
			return fmt.Errorf("must have %d to %d characters, has %d", least, most, n)
		}
		return nil
	}
}

func checkPattern(raw json.RawMessage, pattern, sentence string) error {
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return errors.New("must be a string")
	}
	if !regexp.MustCompile(pattern).MatchString(text) {
		return errors.New(sentence)
	}
	return nil
}

func checkID(raw json.RawMessage) error {
	return checkPattern(raw, `^[A-Za-z0-9_]{1,64}$`, "must be 1 to 64 letters, digits and underscores")
}

func checkCurrency(raw json.RawMessage) error {
	return checkPattern(raw, `^[A-Z]{3}$`, "must be three upper-case letters")
}

// checkMinor wants an Integer 0…2147483647: no sign, fraction, exponent, quotes.
func checkMinor(raw json.RawMessage) error {
	if n, err := strconv.ParseUint(string(raw), 10, 31); err != nil || strconv.FormatUint(n, 10) != string(raw) {
		return errors.New("must be an integer of minor units, 0 to 2147483647")
	}
	return nil
}

func checkAmount(raw json.RawMessage) error {
	return checkObject(raw, []member{{"value", true, checkMinor}, {"currency", true, checkCurrency}})
}
