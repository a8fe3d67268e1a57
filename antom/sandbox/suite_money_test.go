package sandbox_test

import (
	"context"
	"testing"
	"time"

	"posagent/antom"
)

// payAndRefund moves money, and moves it back.
func payAndRefund(t *testing.T, f far) {
	if f.method == "" {
		t.Skip("POSAGENT_TEST_PAYMENT is not set, so no payment is made: see README.md of posagent/antom")
	}
	c := f.client(t)
	req := antom.PayRequest{
		PaymentRequestID: fresh(), PaymentMethod: f.method,
		PaymentAmount: antom.Amount{ValueMinor: f.amountMinor, Currency: f.currency},
	}
	id := paidOnce(t, c, req)

	other := req
	other.PaymentAmount.ValueMinor++
	resp, err := c.Pay(within(t), other)
	wantConclusion(t, "the same id with another amount", antom.ConcludePay(resp, err), err, antom.Inconsistent)

	part := antom.RefundRequest{
		RefundRequestID: fresh(), PaymentID: id, Memo: "a test gives it back",
		RefundAmount: antom.Amount{ValueMinor: 1, Currency: f.currency},
	}
	first := refundedOnce(t, c, part)
	rest := part
	rest.RefundRequestID, rest.RefundAmount.ValueMinor = fresh(), f.amountMinor-1
	if rest.RefundAmount.ValueMinor > 0 {
		if again := refundedOnce(t, c, rest); again == first {
			t.Errorf("two refunds are one: %s", first)
		}
	}
	more := part
	more.RefundRequestID = fresh()
	gave, err := c.Refund(within(t), more)
	wantConclusion(t, "a refund of more than is left", antom.ConcludeRefund(gave, err), err, antom.Refused)
}

// paidOnce pays, sends the identical request again and asks: it is one payment.
func paidOnce(t *testing.T, c *antom.Client, req antom.PayRequest) (paymentID string) {
	t.Helper()
	for _, time := range []string{"first", "again"} {
		resp, err := c.Pay(patiently(t), req)
		got := antom.ConcludePay(resp, err)
		if got == antom.Open {
			got = askUntilKnown(t, c, req.PaymentRequestID)
		}
		wantConclusion(t, "pay, "+time, got, err, antom.Paid)
	}
	asked, err := c.InquiryPayment(within(t), antom.InquiryPaymentRequest{PaymentRequestID: req.PaymentRequestID})
	wantConclusion(t, "inquiryPayment", antom.ConcludeInquiry(asked, err), err, antom.Paid)
	if asked.PaymentAmount != req.PaymentAmount {
		t.Errorf("got amount %+v, want %+v", asked.PaymentAmount, req.PaymentAmount)
	}
	resp, err := c.Pay(patiently(t), req)
	if wantConclusion(t, "pay, at last", antom.ConcludePay(resp, err), err, antom.Paid); resp.PaymentID != asked.PaymentID {
		t.Errorf("pay says paymentId %q, inquiryPayment %q", resp.PaymentID, asked.PaymentID)
	}
	return asked.PaymentID
}

// patiently leaves a customer the time that a payment may take.
func patiently(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// askUntilKnown asks as often as it takes, at the pace of an agent.
func askUntilKnown(t *testing.T, c *antom.Client, id string) antom.Conclusion {
	t.Helper()
	ctx, pace := patiently(t), time.NewTicker(3*time.Second)
	defer pace.Stop()
	for {
		resp, err := c.InquiryPayment(ctx, antom.InquiryPaymentRequest{PaymentRequestID: id})
		switch got := antom.ConcludeInquiry(resp, err); got {
		case antom.Paid, antom.Failed, antom.Cancelled:
			return got
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			t.Fatalf("%s has no outcome after two minutes: %v", id, err)
		}
	}
}

// refundedOnce gives back, sends the identical refund again and asks: it is one
// refund.
func refundedOnce(t *testing.T, c *antom.Client, req antom.RefundRequest) (refundID string) {
	t.Helper()
	pace := time.NewTicker(3 * time.Second)
	defer pace.Stop()
	for range 2 {
		for {
			resp, err := c.Refund(within(t), req)
			got := antom.ConcludeRefund(resp, err)
			wantConclusion(t, "refund", got, err, antom.Refunded, antom.Open)
			if refundID != "" && resp.RefundID != refundID {
				t.Errorf("the identical refund is %q now, was %q", resp.RefundID, refundID)
			}
			if refundID = resp.RefundID; got == antom.Refunded {
				break
			}
			<-pace.C
		}
	}
	asked, err := c.InquiryRefund(within(t), antom.InquiryRefundRequest{RefundID: refundID})
	wantConclusion(t, "inquiryRefund", antom.ConcludeInquiryRefund(asked, err), err, antom.Refunded, antom.Open)
	return refundID
}
