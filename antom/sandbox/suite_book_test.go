package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
)

// The calls, as plans name them.
const (
	pay            = "pay"
	inquiryPayment = "inquiryPayment"
	refund         = "refund"
	inquiryRefund  = "inquiryRefund"
	diagnosis      = "diagnosis"
)

// answered is what a diagnosis concludes about money: nothing, but somebody spoke.
const answered antom.Conclusion = "answered"

// row is what must be concluded, call by call, from a gateway that suffers one
// cruelty.
type row map[string]antom.Conclusion

// expected is the table: cruelty, call, conclusion. The money has moved in most of
// these rows, and in none may it be called failed.
//
// Over plain http what names nothing is not believed, over https it is.
func expected(plain bool) map[string]row {
	lost := row{pay: antom.Unknown, inquiryPayment: antom.Unknown, refund: antom.Unknown,
		inquiryRefund: antom.Unknown, diagnosis: antom.Unknown}
	truth := row{pay: antom.Paid, inquiryPayment: antom.Paid, refund: antom.Refunded,
		inquiryRefund: antom.Refunded, diagnosis: answered}
	open := row{pay: antom.Open, inquiryPayment: antom.Open, refund: antom.Open,
		inquiryRefund: antom.Open, diagnosis: answered}
	only := func(r row, calls ...string) row {
		part := row{}
		for _, call := range calls {
			part[call] = r[call]
		}
		return part
	}
	unnamed := truth
	if plain {
		unnamed = lost
	}
	return map[string]row{
		// outcomes
		"decline":       {pay: antom.Failed, refund: antom.Refused},
		"in_progress":   only(open, pay, refund),
		"decline_later": only(open, pay, refund),
		"pending":       only(open, pay),
		"slow_customer": only(lost, pay),
		"forgetful":     only(truth, pay, refund),
		// losses
		"hang_before": lost, "hang_after": lost, "close_before": lost, "close_after": lost,
		"html_before": lost, "html_after": lost, "cut_answer": lost, "refuse": lost,
		"late_arrival": only(lost, pay),
		"not_found":    {pay: antom.Unknown, inquiryPayment: antom.NotFound},
		"trickle":      truth,
		// forgeries
		"unsigned": lost, "wrong_key": lost, "other_bytes": lost, "forged_decline": lost, "replayed": lost,
		"other_client": lost, "clock_off": lost, "wrong_encryption": lost,
		"forged_success": only(lost, pay, refund),
		"other_id":       only(lost, inquiryPayment, refund, inquiryRefund),
		"unnamed":        only(unnamed, inquiryPayment, refund, inquiryRefund),
		// The outcome is true; whose paymentId it is can only tell who keeps payments.
		"foreign_payment_id": only(truth, pay, inquiryPayment, inquiryRefund),
		// lies
		"truncated_json": lost, "no_result": lost, "huge": lost, "not_json": lost,
		"unknown_status": open, "system_error": open, "busy": open,
		"unknown_code": {pay: antom.Refused, inquiryPayment: antom.Open, refund: antom.Refused,
			inquiryRefund: antom.Open, diagnosis: answered},
		"inconsistent": {pay: antom.Inconsistent, refund: antom.Inconsistent},
		// oddities
		"response_time":      truth,
		"amounts_as_strings": only(truth, inquiryPayment),
	}
}

func TestNoCrueltyLeadsToAWrongConclusion(t *testing.T) {
	for _, name := range []string{"http, ecb", "https, gcm"} {
		t.Run(name, func(t *testing.T) {
			s := openStory(t, openStandIn(t, modes()[name], nil, nil))
			s.throughTheBook()
		})
	}
}

// throughTheBook suffers every cruelty in every call it can be armed for.
func (s *story) throughTheBook() {
	table := expected(strings.HasPrefix(s.BaseURL, "http:"))
	for _, c := range sandbox.Book() {
		want := table[c.Name]
		delete(table, c.Name)
		for _, call := range c.Calls {
			if want[call] == "" {
				s.t.Errorf("the table says nothing of %s in %s", c.Name, call)
			}
			s.suffer(c, call, want[call])
		}
		if len(want) != len(c.Calls) {
			s.t.Errorf("%s: the table has %d calls, the book %v", c.Name, len(want), c.Calls)
		}
	}
	for name := range table {
		s.t.Errorf("the table has %s, the book has not", name)
	}
}

// suffer arms the cruelty for one call, makes the call, and compares what is
// concluded with the table, then with the ledger.
func (s *story) suffer(c sandbox.Cruelty, call string, want antom.Conclusion) {
	s.t.Helper()
	plan := sandbox.Plan{Name: c.Name, Path: call}
	waits := slices.Contains([]string{"hang_before", "hang_after", "slow_customer"}, c.Name)
	switch {
	case c.Name == "slow_customer" || c.Name == "refuse" || c.Name == "not_found" && call == pay || c.Name == "late_arrival":
		plan.Duration = 100 * time.Millisecond
	case c.Name == "trickle":
		plan.Duration = 40 * time.Millisecond
	}
	if err := s.standIn.Arm(plan); err != nil {
		s.t.Fatal(err)
	}
	id := fresh()
	got, err := s.ask(call, id, waits)
	if got != want {
		s.t.Errorf("%s in %s: concluded %s (%v), want %s", c.Name, call, got, err, want)
	}
	if left := s.standIn.Armed(); len(left) != 0 {
		s.t.Errorf("%s in %s was not suffered: %v", c.Name, call, left)
	}
	if c.Name == "refuse" && s.refuses {
		if next, err := s.ask(call, fresh(), false); next != antom.NotSent {
			s.t.Errorf("%s in %s, the next: concluded %s (%v), want %s", c.Name, call, next, err, antom.NotSent)
		}
	}
	s.settle(c, call, id, got)
}
