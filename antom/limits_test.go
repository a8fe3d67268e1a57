package antom

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLimitsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	g := newGateway(t)
	c, ctx := g.client(), testContext(t)
	pay := func(field string, change func(*PayRequest)) (string, error) {
		r := testPay()
		change(&r)
		_, err := c.Pay(ctx, r)
		return field, err
	}
	refund := func(field string, change func(*RefundRequest)) (string, error) {
		r := RefundRequest{RefundRequestID: "F1", PaymentID: "P1", RefundAmount: Amount{1, "SGD"}}
		change(&r)
		_, err := c.Refund(ctx, r)
		return field, err
	}
	long := strings.Repeat("é", 3000)
	refuse := func(field string, err error) {
		t.Helper()
		var e *Error
		if !errors.As(err, &e) || e.Sent || !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for _, id := range []string{"", "R-1", "R 1", "R1\n", "é", strings.Repeat("R", 65)} {
		refuse(pay("paymentRequestId", func(r *PayRequest) { r.PaymentRequestID = id }))
		refuse(refund("refundRequestId", func(r *RefundRequest) { r.RefundRequestID = id }))
		_, err := c.InquiryPayment(ctx, InquiryPaymentRequest{PaymentRequestID: id})
		refuse("paymentRequestId", err)
	}
	for _, value := range []int64{-1, 0, 2147483648} {
		refuse(pay("paymentAmount.value", func(r *PayRequest) { r.PaymentAmount.ValueMinor = value }))
		refuse(refund("refundAmount.value", func(r *RefundRequest) { r.RefundAmount.ValueMinor = value }))
	}
	for _, currency := range []string{"", "SG", "sgd", "SGDX", "S1D"} {
		refuse(pay("paymentAmount.currency", func(r *PayRequest) { r.PaymentAmount.Currency = currency }))
	}
	refuse(pay("paymentMethod", func(r *PayRequest) { r.PaymentMethod = "" }))
	refuse(pay("paymentMethod", func(r *PayRequest) { r.PaymentMethod = long[:2*65] }))
	refuse(pay("originalMerchantOrderId", func(r *PayRequest) { r.OriginalMerchantOrderID = long[:2*256] }))
	refuse(pay("originalMerchantStoreId", func(r *PayRequest) { r.OriginalMerchantStoreID = long[:2*256] }))
	refuse(pay("extendInfo", func(r *PayRequest) { r.ExtendInfo = long[:2*2049] }))
	refuse(pay("extendInfo", func(r *PayRequest) { r.ExtendInfo = "\xff" }))
	refuse(refund("paymentId", func(r *RefundRequest) { r.PaymentID = "" }))
	refuse(refund("memo", func(r *RefundRequest) { r.Memo = long[:2*257] }))
	refuse(refund("originalMerchantRefundId", func(r *RefundRequest) { r.OriginalMerchantRefundID = long[:2*256] }))
	_, err := c.InquiryRefund(ctx, InquiryRefundRequest{})
	refuse("refundId", err)
	_, err = c.Diagnosis(ctx, DiagnosisRequest{ExtendInfo: long})
	refuse("extendInfo", err)
	if g.seen.Load() != 0 {
		t.Errorf("the gateway saw %d requests", g.seen.Load())
	}
}

func TestTheLargestRequestIsWithinTheLimits(t *testing.T) {
	long := strings.Repeat("é", 3000)
	r := PayRequest{
		PaymentRequestID: strings.Repeat("R", 64), PaymentMethod: long[:2*64], PaymentAmount: Amount{2147483647, "SGD"},
		OriginalMerchantOrderID: long[:2*255], OriginalMerchantStoreID: long[:2*255], ExtendInfo: long[:2*2048],
	}
	if _, err := newGateway(t).client().Pay(testContext(t), r); err != nil {
		t.Error(err)
	}
}

func TestAmountIsReadFromAnIntegerOrDigits(t *testing.T) {
	for text, want := range map[string]int64{
		`1050`: 1050, `"1050"`: 1050, `0`: 0, `2147483647`: 2147483647, `"2147483647"`: 2147483647,
		`10.5`: -1, `10.0`: -1, `1e3`: -1, `"1e3"`: -1, `"10.50"`: -1, `-1`: -1, `"+1"`: -1, `" 1"`: -1, `""`: -1, `null`: -1,
		`2147483648`: -1, `99999999999999999999`: -1, `true`: -1, `[1]`: -1, `{}`: -1, `"0x10"`: -1, `"١"`: -1,
	} {
		var a Amount
		err := json.Unmarshal([]byte(`{"value":`+text+`,"currency":"sgd"}`), &a)
		if want < 0 {
			if err == nil || a != (Amount{}) {
				t.Errorf("%s: got %+v, %v", text, a, err)
			}
			continue
		}
		if err != nil || a != (Amount{want, "SGD"}) {
			t.Errorf("%s: got %+v, %v, want %d", text, a, err, want)
		}
	}
	for _, text := range []string{`{"value":1}`, `{"value":1,"currency":"SG"}`, `{"value":1,"currency":702}`, `{"currency":"SGD"}`, `[]`, `1050`, `{"VALUE":1,"currency":"SGD"}`} {
		var a Amount
		if err := json.Unmarshal([]byte(text), &a); err == nil {
			t.Errorf("%s: got %+v", text, a)
		}
	}
}

func TestAmountIsWrittenAsANumber(t *testing.T) {
	got, err := json.Marshal(Amount{1050, "SGD"})
	if want := `{"value":1050,"currency":"SGD"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
