package sandbox_test

import (
	"context"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
)

// story is a client and a stand-in over many calls, with one honest payment and
// one honest refund at their begin, to ask about.
type story struct {
	far
	t        *testing.T
	c        *antom.Client
	paidID   string // paymentRequestId
	payment  string // paymentId
	refundID string
	receipts []string // every receipt that was read
}

func openStory(t *testing.T, f far) *story {
	t.Helper()
	s := &story{far: f, t: t, c: f.client(t), paidID: fresh()}
	s.amountMinor = 1_000_000
	for _, call := range []string{pay, inquiryPayment, refund, inquiryRefund, diagnosis} {
		if got, err := s.ask(call, s.paidID, false); err != nil {
			t.Fatalf("%s: %s, %v", call, got, err)
		}
	}
	s.amountMinor = 1000
	return s
}

// ask makes one call about id, or about the honest payment or refund where the
// call asks for one. Where the stand-in hangs, the caller leaves once it does.
func (s *story) ask(call, id string, leaves bool) (antom.Conclusion, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if leaves {
		seen := len(s.standIn.History())
		go func() {
			defer cancel()
			_, _ = s.standIn.Await(ctx, func(e sandbox.Event) bool { return e.Number > seen && e.Stage == sandbox.StageHangs })
		}()
	}
	switch call {
	case pay:
		return s.pay(ctx, id)
	case inquiryPayment:
		resp, err := s.c.InquiryPayment(ctx, antom.InquiryPaymentRequest{PaymentRequestID: s.paidID})
		return antom.ConcludeInquiry(resp, err), err
	case refund:
		return s.refund(ctx, id)
	case inquiryRefund:
		resp, err := s.c.InquiryRefund(ctx, antom.InquiryRefundRequest{RefundID: s.refundID})
		return antom.ConcludeInquiryRefund(resp, err), err
	}
	_, err := s.c.Diagnosis(ctx, antom.DiagnosisRequest{})
	if err != nil {
		return antom.ConcludePay(antom.PayResponse{}, err), err
	}
	return answered, nil
}

func (s *story) pay(ctx context.Context, id string) (antom.Conclusion, error) {
	resp, err := s.c.Pay(ctx, antom.PayRequest{
		PaymentRequestID: id, PaymentMethod: s.method,
		PaymentAmount: antom.Amount{ValueMinor: s.amountMinor, Currency: s.currency},
	})
	if s.payment == "" {
		s.payment = resp.PaymentID
	}
	for _, r := range []antom.Receipt{resp.PaymentReceipt.CashierReceipt, resp.PaymentReceipt.CustomerReceipt} {
		s.receipts = append(s.receipts, r.Reveal())
	}
	return antom.ConcludePay(resp, err), err
}

func (s *story) refund(ctx context.Context, id string) (antom.Conclusion, error) {
	resp, err := s.c.Refund(ctx, antom.RefundRequest{
		RefundRequestID: id, PaymentID: s.payment,
		RefundAmount: antom.Amount{ValueMinor: 100, Currency: s.currency},
	})
	if s.refundID == "" {
		s.refundID = resp.RefundID
	}
	return antom.ConcludeRefund(resp, err), err
}

// settle finds out what became of id, as an agent would, and compares both what
// was concluded first and what is found with the ledger.
func (s *story) settle(c sandbox.Cruelty, call, id string, first antom.Conclusion) {
	s.t.Helper()
	var last antom.Conclusion
	switch call {
	case pay:
		last = s.settlePayment(id)
		s.wantAgree(c.Name, call, first, antom.Paid, s.charges(id))
		s.wantAgree(c.Name, call, last, antom.Paid, s.charges(id))
	case refund:
		if last = first; c.Name != "forgetful" { // who forgets gives back at every repeat
			last = s.settleRefund(id)
		}
		s.wantAgree(c.Name, call, first, antom.Refunded, s.refunds(id))
		s.wantAgree(c.Name, call, last, antom.Refunded, s.refunds(id))
	default:
		last = s.patiently(func() antom.Conclusion { got, _ := s.ask(call, id, false); return got })
		if want := (row{inquiryPayment: antom.Paid, inquiryRefund: antom.Refunded, diagnosis: answered})[call]; last != want {
			s.t.Errorf("%s in %s, asked again: concluded %s, want %s", c.Name, call, last, want)
		}
	}
	if len(s.charges(id)) > 1 || call == pay && len(s.refunds(id)) > 0 || len(s.refunds(id)) > 1 {
		s.t.Errorf("%s in %s: the money moved %d and %d times", c.Name, call, len(s.charges(id)), len(s.refunds(id)))
	}
}

// wantAgree: paid means that money moved, failed that none did.
func (s *story) wantAgree(cruelty, call string, got, done antom.Conclusion, moved []string) {
	s.t.Helper()
	final := got == antom.Failed || got == antom.Cancelled
	if got == done && len(moved) == 0 || final && len(moved) > 0 {
		s.t.Errorf("%s in %s: concluded %s, the ledger has %v", cruelty, call, got, moved)
	}
}

// patiently asks until nothing more is to be learnt.
func (s *story) patiently(ask func() antom.Conclusion) antom.Conclusion {
	s.t.Helper()
	quiet := time.Now().Add(250 * time.Millisecond) // longer than what is armed for these stories
	for range 10_000 {
		switch got := ask(); got {
		case antom.Open, antom.Pending, antom.Unknown, antom.NotSent:
		case antom.NotFound:
			if time.Now().After(quiet) {
				return got
			}
		default:
			return got
		}
	}
	s.t.Fatal("no end of it")
	return ""
}

func (s *story) settlePayment(id string) antom.Conclusion {
	return s.patiently(func() antom.Conclusion {
		resp, err := s.c.InquiryPayment(context.Background(), antom.InquiryPaymentRequest{PaymentRequestID: id})
		if err == nil && resp.PaymentAmount.ValueMinor != s.amountMinor && resp.PaymentAmount != (antom.Amount{}) {
			s.t.Errorf("%s: got amount %+v", id, resp.PaymentAmount)
		}
		return antom.ConcludeInquiry(resp, err)
	})
}

// settleRefund sends the identical refund again: where an answer was lost no
// refundId is known to ask with.
func (s *story) settleRefund(id string) antom.Conclusion {
	refused := false
	return s.patiently(func() antom.Conclusion {
		got, _ := s.refund(context.Background(), id)
		switch {
		case got == antom.Refused && refused: // and no request is on its way
			return antom.Failed
		case got == antom.Refused:
			refused = true
			return antom.Open
		}
		return got
	})
}

func (s *story) charges(id string) (ids []string) {
	for _, c := range s.standIn.Ledger() {
		if c.PaymentRequestID == id {
			ids = append(ids, c.PaymentID)
		}
	}
	return ids
}

func (s *story) refunds(id string) (ids []string) {
	for _, r := range s.standIn.Refunds() {
		if r.RefundRequestID == id && r.Status == "SUCCESS" {
			ids = append(ids, r.RefundID)
		}
	}
	return ids
}
