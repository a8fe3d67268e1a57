package main

import (
	"context"
	"sync/atomic"

	"posagent/antom"
	"posagent/queue"
)

// acquirer is Antom in the queue's words: it translates, and decides nothing.
type acquirer struct{ now *atomic.Pointer[antom.Client] }

func newAcquirer(client *antom.Client) acquirer {
	a := acquirer{new(atomic.Pointer[antom.Client])}
	a.now.Store(client)
	return a
}

// client is the one that the next call is made by.
func (a acquirer) client() *antom.Client { return a.now.Load() }

// renew has the next calls made by another client. Those under way go on to their
// ends by the one before.
func (a acquirer) renew(client *antom.Client) { a.now.Swap(client).CloseIdleConnections() }

// Pay makes ready, and then sends, the one pay request of a payment, the same at every
// attempt. What was made ready by a client that is not in force any more, as with keys
// that Antom knows no longer, is made anew.
func (a acquirer) Pay(p queue.Payment) queue.Call {
	client := a.client()
	req := antom.PayRequest{
		PaymentRequestID:        p.ID,
		PaymentMethod:           p.Method,
		PaymentAmount:           antom.Amount{ValueMinor: p.AmountMinor, Currency: p.Currency},
		OriginalMerchantOrderID: p.MerchantOrderID,
		OriginalMerchantStoreID: p.MerchantStoreID,
		ExtendInfo:              p.ExtendInfo,
	}
	prepared := client.PreparePay(req)
	return func(ctx context.Context) queue.Answer {
		if now := a.client(); now != client {
			prepared = now.PreparePay(req)
		}
		resp, err := prepared.Send(ctx)
		return queue.Answer{
			Verdict:         verdict(antom.ConcludePay(resp, err)),
			Result:          result(resp.Result),
			PaymentID:       resp.PaymentID,
			CashierReceipt:  queue.Receipt(resp.PaymentReceipt.CashierReceipt.Reveal()),
			CustomerReceipt: queue.Receipt(resp.PaymentReceipt.CustomerReceipt.Reveal()),
			Why:             why(err),
		}
	}
}

// Inquire asks what became of a payment.
func (a acquirer) Inquire(ctx context.Context, p queue.Payment) queue.Answer {
	resp, err := a.client().InquiryPayment(ctx, antom.InquiryPaymentRequest{PaymentRequestID: p.ID})
	return answerAbout(p, resp, err)
}

// answerAbout is what an inquiry about p was answered. An answer about another amount
// than the one that was asked for is not about this payment.
func answerAbout(p queue.Payment, resp antom.InquiryPaymentResponse, err error) queue.Answer {
	asked, told := antom.Amount{ValueMinor: p.AmountMinor, Currency: p.Currency}, resp.PaymentAmount
	if err == nil && told != (antom.Amount{}) && told != asked {
		return queue.Answer{Verdict: queue.VerdictInconsistent, Result: result(resp.Result),
			Why: "Antom holds this payment with another amount: " + money(told.ValueMinor, told.Currency)}
	}
	return queue.Answer{
		Verdict:     verdict(antom.ConcludeInquiry(resp, err)),
		Result:      result(resp.Result),
		PaymentID:   resp.PaymentID,
		PaymentTime: resp.PaymentTime,
		Why:         why(err),
	}
}

// Refund sends the one refund request of a refund, the same at every attempt.
func (a acquirer) Refund(ctx context.Context, r queue.Refund) queue.Answer {
	resp, err := a.client().Refund(ctx, antom.RefundRequest{
		RefundRequestID: r.ID,
		PaymentID:       r.PaymentID,
		RefundAmount:    antom.Amount{ValueMinor: r.AmountMinor, Currency: r.Currency},
		Memo:            r.Memo,
	})
	return queue.Answer{
		Verdict:  verdict(antom.ConcludeRefund(resp, err)),
		Result:   result(resp.Result),
		RefundID: resp.RefundID,
		Why:      why(err),
	}
}

// InquireRefund asks what became of a refund.
func (a acquirer) InquireRefund(ctx context.Context, r queue.Refund) queue.Answer {
	resp, err := a.client().InquiryRefund(ctx, antom.InquiryRefundRequest{RefundID: r.RefundID})
	return answerAboutRefund(r, resp, err)
}

// answerAboutRefund is what an inquiry about r was answered. One about a refund of
// another payment is no answer.
func answerAboutRefund(r queue.Refund, resp antom.InquiryRefundResponse, err error) queue.Answer {
	if err == nil && resp.PaymentID != "" && resp.PaymentID != r.PaymentID {
		return queue.Answer{Verdict: queue.VerdictUnknown, Why: "Antom speaks of the refund of another payment, " + resp.PaymentID}
	}
	return queue.Answer{
		Verdict:    verdict(antom.ConcludeInquiryRefund(resp, err)),
		Result:     result(resp.Result),
		RefundID:   resp.RefundID,
		RefundTime: resp.RefundTime,
		Why:        why(err),
	}
}

// verdict is a conclusion in the queue's words.
func verdict(c antom.Conclusion) queue.Verdict {
	switch c {
	case antom.Paid:
		return queue.VerdictPaid
	case antom.Failed:
		return queue.VerdictFailed
	case antom.Cancelled:
		return queue.VerdictCancelled
	case antom.Open:
		return queue.VerdictOpen
	case antom.Pending:
		return queue.VerdictPending
	case antom.Refused:
		return queue.VerdictRefused
	case antom.Inconsistent:
		return queue.VerdictInconsistent
	case antom.NotFound:
		return queue.VerdictNotFound
	case antom.Refunded:
		return queue.VerdictRefunded
	case antom.NotSent:
		return queue.VerdictNotSent
	}
	return queue.VerdictUnknown // whatever else it may be, it is not knowledge
}

func result(r antom.Result) queue.Result {
	return queue.Result{Status: r.ResultStatus, Code: r.ResultCode, Message: r.ResultMessage}
}

func why(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
