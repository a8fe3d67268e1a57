package antom

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of Antom v2, in characters; those of paymentMethod, extendInfo and
// Antom's own ids are ours.
const (
	maxID         = 64
	maxMethod     = 64
	maxMerchantID = 255
	maxMemo       = 256
	maxExtend     = 2048
)

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

func (r DiagnosisRequest) check() error { return atMost("extendInfo", r.ExtendInfo, maxExtend) }

func (r PayRequest) check() error {
	return first(
		checkID("paymentRequestId", r.PaymentRequestID),
		someAtMost("paymentMethod", r.PaymentMethod, maxMethod),
		checkAmount("paymentAmount", r.PaymentAmount),
		atMost("originalMerchantOrderId", r.OriginalMerchantOrderID, maxMerchantID),
		atMost("originalMerchantStoreId", r.OriginalMerchantStoreID, maxMerchantID),
		atMost("extendInfo", r.ExtendInfo, maxExtend),
	)
}

func (r InquiryPaymentRequest) check() error {
	return first(
		checkID("paymentRequestId", r.PaymentRequestID),
		atMost("extendInfo", r.ExtendInfo, maxExtend),
	)
}

func (r RefundRequest) check() error {
	return first(
		checkID("refundRequestId", r.RefundRequestID),
		someAtMost("paymentId", r.PaymentID, maxID),
		checkAmount("refundAmount", r.RefundAmount),
		atMost("memo", r.Memo, maxMemo),
		atMost("originalMerchantRefundId", r.OriginalMerchantRefundID, maxMerchantID),
		atMost("extendInfo", r.ExtendInfo, maxExtend),
	)
}

func (r InquiryRefundRequest) check() error {
	return first(
		someAtMost("refundId", r.RefundID, maxID),
		atMost("extendInfo", r.ExtendInfo, maxExtend),
	)
}

func first(faults ...error) error {
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

func broken(field, rule string) error { return fmt.Errorf("%w: %s: %s", ErrRequest, field, rule) }

func checkID(field, id string) error {
	if id == "" || len(id) > maxID || strings.Trim(id, idCharacters) != "" {
		return broken(field, "must be 1 to 64 of A-Z a-z 0-9 _")
	}
	return nil
}

func checkAmount(field string, a Amount) error {
	if a.ValueMinor < 1 || a.ValueMinor > maxValueMinor {
		return broken(field+".value", fmt.Sprintf("must be 1 to %d minor units", maxValueMinor))
	}
	if !isCurrency(a.Currency) {
		return broken(field+".currency", "must be three upper-case letters")
	}
	return nil
}

func someAtMost(field, s string, limit int) error {
	if s == "" {
		return broken(field, "is missing")
	}
	return atMost(field, s, limit)
}

func atMost(field, s string, limit int) error {
	if !utf8.ValidString(s) {
		return broken(field, "must be UTF-8")
	}
	if utf8.RuneCountInString(s) > limit {
		return broken(field, fmt.Sprintf("must be at most %d characters", limit))
	}
	return nil
}
