package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"posagent/antom"
	"posagent/queue"
)

// The rows of Antom's table "what an answer lets us conclude", through the whole of
// the pure function: package antom says what an answer means, package queue what
// that means for a payment with these attempts, at this time.
const (
	rowWindow   = 2 * time.Minute
	rowQuiet    = 45 * time.Second
	rowInterval = 3 * time.Second
)

// standing is a payment with a request under way.
type standing struct {
	policy queue.Policy
	now    time.Time
	row    queue.Payment
	do     queue.Action
}

// begun is a payment whose first request is under way, or whose second is, the
// first having been given up without an answer.
func begun(unanswered bool) *standing {
	s := &standing{
		policy: queue.Policy{InquiryInterval: rowInterval, QuietTime: rowQuiet},
		now:    time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC),
	}
	s.row, s.do = queue.Begin(s.now, "lane1", queue.Command{ID: "R1", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}, rowWindow)
	if unanswered {
		s.paid(antom.PayResponse{}, lostAnswer())
		s.wait(10 * time.Second)
	}
	return s
}

func lostAnswer() error {
	return &antom.Error{Op: "pay", Sent: true, Err: context.DeadlineExceeded}
}

func neverLeft() error { return &antom.Error{Op: "pay", Err: context.DeadlineExceeded} }

// paid says how the pay request ended.
func (s *standing) paid(resp antom.PayResponse, err error) {
	s.answered(queue.Pay, queue.Answer{Verdict: verdict(antom.ConcludePay(resp, err)), Result: result(resp.Result)})
}

// asked says how the inquiry ended.
func (s *standing) asked(resp antom.InquiryPaymentResponse, err error) {
	s.answered(queue.Inquire, queue.Answer{Verdict: verdict(antom.ConcludeInquiry(resp, err)), Result: result(resp.Result)})
}

func (s *standing) answered(to queue.Action, a queue.Answer) {
	s.row, s.do = s.policy.Step(s.now, s.row, queue.Answered{To: to, Asked: s.now, Answer: a})
}

// wait lets time pass until something is due.
func (s *standing) wait(d time.Duration) {
	s.now = s.now.Add(d)
	s.row, s.do = s.policy.Step(s.now, s.row, queue.Tick{})
}

// pass lets time pass while a request is under way.
func (s *standing) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.row, _ = s.policy.Step(s.now, s.row, queue.Tick{Calling: true})
}

// is says where the payment stands: its end, or what is done next.
func (s *standing) is() string {
	if s.row.State.Final() {
		return string(s.row.State)
	}
	return string(s.row.Next)
}

func payAnswer(status, code string) antom.PayResponse {
	return antom.PayResponse{Result: antom.Result{ResultStatus: status, ResultCode: code}}
}

func inquiryAnswer(status, code, payment string) antom.InquiryPaymentResponse {
	return antom.InquiryPaymentResponse{Result: antom.Result{ResultStatus: status, ResultCode: code}, PaymentStatus: payment}
}

func TestEveryRowAboutAPayAnswer(t *testing.T) {
	for _, c := range []struct {
		row, status, code string
		want              string
	}{
		{"pay S: paid", "S", "SUCCESS", "paid"},
		{"pay F PAYMENT_FAIL: failed, final", "F", "PAYMENT_FAIL", "failed"},
		{"pay F, any other code: ask", "F", "DPOS_PAYMENT_RISK_REJECT", "inquire"},
		{"pay F, a code nobody knows: ask", "F", "BRAND_NEW", "inquire"},
		{"pay F REPEAT_REQ_INCONSISTENT: ask", "F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", "inquire"},
		{"pay F SYSTEM_ERROR: ask", "F", "DPOS_SYSTEM_ERROR", "inquire"},
		{"pay F TERMINAL_BUSY: ask", "F", "TERMINAL_BUSY", "inquire"},
		{"pay U, whatever code: ask", "U", "PAYMENT_IN_PROGRESS", "inquire"},
		{"pay U with a failure's code: ask", "U", "PAYMENT_FAIL", "inquire"},
		{"pay, a status nobody knows: ask", "X", "SUCCESS", "inquire"},
	} {
		for _, unanswered := range []bool{false, true} {
			s := begun(unanswered)
			if s.paid(payAnswer(c.status, c.code), nil); s.is() != c.want {
				t.Errorf("%s, earlier attempt unanswered %v: got %s, want %s", c.row, unanswered, s.is(), c.want)
			}
		}
	}
}

// After a refusal one inquiry settles it, unless an attempt is unanswered.
func TestEveryRowAboutARefusedPay(t *testing.T) {
	for _, c := range []struct {
		status, code, payment string
		answered, unanswered  string // all earlier attempts are; one is not
	}{
		{"S", "SUCCESS", "SUCCESS", "paid", "paid"},
		{"S", "SUCCESS", "FAIL", "failed", "failed"},
		{"S", "SUCCESS", "CANCELLED", "cancelled", "cancelled"},
		{"F", "DPOS_PAYMENT_ORDER_NOT_EXIST", "", "failed", "inquire"},
		{"S", "SUCCESS", "PROCESSING", "inquire", "inquire"},
		{"F", "DPOS_PAYMENT_ACCESS_DENIED", "", "inquire", "inquire"},
		{"U", "UNKNOWN_EXCEPTION", "", "inquire", "inquire"},
	} {
		for unanswered, want := range map[bool]string{false: c.answered, true: c.unanswered} {
			s := begun(unanswered)
			s.paid(payAnswer("F", "DPOS_PAYMENT_CURRENCY_NOT_SUPPORT"), nil)
			s.wait(time.Second)
			if s.asked(inquiryAnswer(c.status, c.code, c.payment), nil); s.is() != want {
				t.Errorf("refused, then %s %s %s, unanswered %v: got %s, want %s", c.status, c.code, c.payment, unanswered, s.is(), want)
			}
		}
	}
}

func TestEveryRowAboutAnInquiryAnswer(t *testing.T) {
	const notFound = "DPOS_PAYMENT_ORDER_NOT_EXIST"
	for _, c := range []struct {
		row, status, code, payment string
		inside, over, quiet        string // the window is open; over; over and quiet
	}{
		{"S SUCCESS", "S", "SUCCESS", "SUCCESS", "paid", "paid", "paid"},
		{"S FAIL", "S", "SUCCESS", "FAIL", "failed", "failed", "failed"},
		{"S CANCELLED", "S", "SUCCESS", "CANCELLED", "cancelled", "cancelled", "cancelled"},
		{"S PROCESSING: ask again", "S", "SUCCESS", "PROCESSING", "inquire", "inquire", "inquire"},
		{"S PENDING: ask again", "S", "SUCCESS", "PENDING", "inquire", "inquire", "inquire"},
		{"S, a new word: ask again", "S", "SUCCESS", "EXPIRED", "inquire", "inquire", "inquire"},
		{"S, no word: ask again", "S", "SUCCESS", "", "inquire", "inquire", "inquire"},
		{"F ORDER_NOT_EXIST: not found is not no", "F", notFound, "", "pay", "inquire", "failed"},
		{"F, anything else: ask again", "F", "PROCESS_FAIL", "", "inquire", "inquire", "inquire"},
		{"F PAYMENT_FAIL is about the question: ask again", "F", "PAYMENT_FAIL", "FAIL", "inquire", "inquire", "inquire"},
		{"U: ask again", "U", "UNKNOWN_EXCEPTION", "", "inquire", "inquire", "inquire"},
		{"U ORDER_NOT_EXIST: ask again", "U", notFound, "", "inquire", "inquire", "inquire"},
	} {
		const late = rowWindow - time.Second
		for _, when := range []struct {
			givenUp, asked time.Duration // the attempt; the question after it
			want           string
		}{
			{time.Second, 4 * time.Second, c.inside}, {late, rowWindow, c.over},
			{late, late + rowQuiet - 1, c.over}, {late, late + rowQuiet, c.quiet},
		} {
			s := begun(false)
			s.policy.AskAfterTimeout = true
			s.pass(when.givenUp)
			s.paid(antom.PayResponse{}, lostAnswer())
			s.wait(when.asked - when.givenUp)
			if s.do != queue.Inquire {
				t.Fatalf("%s after %v: %q is due, want an inquiry", c.row, when.asked, s.do)
			}
			if s.asked(inquiryAnswer(c.status, c.code, c.payment), nil); s.is() != when.want {
				t.Errorf("%s after %v: got %s, want %s", c.row, when.asked, s.is(), when.want)
			}
		}
	}
}

func TestEveryRowAboutNoAnswer(t *testing.T) {
	for _, c := range []struct {
		row          string
		unanswered   bool
		err          error
		inside, over string
	}{
		{"lost: the same again; then ask", false, lostAnswer(), "pay", "inquire"},
		{"never left: the same again; then it is known that nothing was paid", false, neverLeft(), "pay", "failed"},
		{"never left, but an earlier one did: the same again; then ask", true, neverLeft(), "pay", "inquire"},
		{"not to be believed, whatever it says", false, forgedDecline(), "pay", "inquire"},
	} {
		s := begun(c.unanswered)
		if s.paid(antom.PayResponse{}, c.err); s.is() != c.inside {
			t.Errorf("%s, inside the window: got %s, want %s", c.row, s.is(), c.inside)
		}
		s = begun(c.unanswered)
		s.pass(rowWindow)
		if s.paid(antom.PayResponse{}, c.err); s.is() != c.over {
			t.Errorf("%s, after it: got %s, want %s", c.row, s.is(), c.over)
		}
	}
}

func forgedDecline() error {
	return &antom.Error{Op: "pay", Sent: true, HTTPStatus: 200, Err: antom.ErrSignature, UntrustedStatus: "F", UntrustedCode: "PAYMENT_FAIL"}
}

// Every conclusion has a verdict of its own: none falls back to "unknown".
func TestEveryConclusionIsTranslated(t *testing.T) {
	for _, c := range []antom.Conclusion{
		antom.Paid, antom.Failed, antom.Cancelled, antom.Open, antom.Pending, antom.Refused,
		antom.Inconsistent, antom.NotFound, antom.Unknown, antom.NotSent, antom.Refunded,
	} {
		if got := string(verdict(c)); !strings.EqualFold(got, string(c)) {
			t.Errorf("%s becomes %s", c, got)
		}
	}
}
