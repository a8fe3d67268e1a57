package device

import (
	"context"
	"time"
)

// replying asks what the engine replies to.
func replying(method string, reply func(Engine, context.Context, string) Reply) ask {
	return func(ctx context.Context, e Engine, register, re string, limit int) ([]byte, State) {
		r := reply(e, ctx, register)
		return replyBody(method, re, r, limit), r.State
	}
}

func askDiagnosis(ctx context.Context, e Engine, register, re string, limit int) ([]byte, State) {
	return diagnosisBody(re, e.Diagnosis(ctx, register), limit), State{}
}

func readPay(m *members) ask {
	pay := Pay{
		PaymentRequestID:        m.id("paymentRequestId"),
		PaymentMethod:           m.text("paymentMethod", 1, 64),
		PaymentAmount:           m.amount("paymentAmount"),
		OriginalMerchantOrderID: m.optionalText("originalMerchantOrderId", 255),
		OriginalMerchantStoreID: m.optionalText("originalMerchantStoreId", 255),
		ExtendInfo:              m.optionalText("extendInfo", 2048),
	}
	millis := m.optionalInteger("commandExecuteTimeout", 5000, 600000)
	pay.CommandExecuteTimeout = time.Duration(millis) * time.Millisecond
	return replying("pay", func(e Engine, ctx context.Context, register string) Reply {
		return e.Pay(ctx, register, pay)
	})
}

func readInquiryPayment(m *members) ask {
	id := m.id("paymentRequestId")
	return replying("inquiryPayment", func(e Engine, ctx context.Context, register string) Reply {
		return e.InquiryPayment(ctx, register, id)
	})
}

func readReceipt(m *members) ask {
	id, which := m.id("paymentRequestId"), m.text("copy", 1, 64)
	offset := int(m.optionalInteger("offset", 0, mostAmountMinor))
	if which != CopyCashier && which != CopyCustomer {
		m.refuse("copy", CopyCashier+" or "+CopyCustomer)
	}
	return func(ctx context.Context, e Engine, register, re string, limit int) ([]byte, State) {
		return receiptBody(re, e.Receipt(ctx, register, id, which), offset, limit), State{}
	}
}

func readAbort(m *members) ask {
	id := m.id("paymentRequestId")
	return replying("abort", func(e Engine, ctx context.Context, register string) Reply {
		return e.Abort(ctx, register, id)
	})
}

// readRefund wants the payment named in one way or the other, and exactly one of
// an amount and "fullRefund":true (register-link §3).
func readRefund(m *members) ask {
	refund := Refund{RefundRequestID: m.id("refundRequestId"), Memo: m.optionalText("memo", 256)}
	switch byOurs, byTheirs := m.has("paymentRequestId"), m.has("paymentId"); {
	case byOurs && byTheirs:
		m.refuse("paymentId", "left out where paymentRequestId names the payment")
	case byTheirs:
		refund.PaymentID = m.printable("paymentId", 64)
	default:
		refund.PaymentRequestID = m.id("paymentRequestId")
	}
	full := m.optionalBool("fullRefund", false)
	switch {
	case !full:
		amount := m.amount("refundAmount")
		refund.RefundAmount = &amount
	case m.has("refundAmount"):
		m.refuse("refundAmount", "left out of a fullRefund")
	}
	return replying("refund", func(e Engine, ctx context.Context, register string) Reply {
		return e.Refund(ctx, register, refund)
	})
}

func readInquiryRefund(m *members) ask {
	id := m.id("refundRequestId")
	return replying("inquiryRefund", func(e Engine, ctx context.Context, register string) Reply {
		return e.InquiryRefund(ctx, register, id)
	})
}

// readTotals takes a time that is absent from the local day of now: its
// beginning, and that of the next.
func readTotals(m *members, now time.Time) ask {
	now = now.Local()
	year, month, day := now.Date()
	from := m.optionalTime("from", time.Date(year, month, day, 0, 0, 0, 0, now.Location()))
	to := m.optionalTime("to", time.Date(year, month, day+1, 0, 0, 0, 0, now.Location()))
	if !from.Before(to) {
		m.refuse("to", "later than from")
	}
	return func(ctx context.Context, e Engine, register, re string, limit int) ([]byte, State) {
		return totalsBody(re, e.Totals(ctx, register, from, to), limit), State{}
	}
}

// readDelivered wants exactly one of the two ids.
func readDelivered(m *members) ask {
	var of StateID
	switch isPayment, isRefund := m.has("paymentRequestId"), m.has("refundRequestId"); {
	case isPayment && isRefund:
		m.refuse("refundRequestId", "left out where paymentRequestId is given")
	case isRefund:
		of = StateID{KindRefund, m.id("refundRequestId")}
	default:
		of = StateID{KindPayment, m.id("paymentRequestId")}
	}
	rev := m.integer("rev", 1, mostRev)
	return replying("delivered", func(e Engine, ctx context.Context, register string) Reply {
		return e.Delivered(ctx, register, of, rev)
	})
}

// optionalTime reads a time in ISO 8601, to the second or finer, of any zone or
// else of the local one; a date is the beginning of that day.
func (m *members) optionalTime(name string, otherwise time.Time) time.Time {
	if !m.has(name) {
		return otherwise
	}
	text := m.text(name, 1, 40)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t
		}
	}
	m.refuse(name, "a time of ISO 8601, such as 2026-08-23T00:00:00+08:00")
	return otherwise
}
