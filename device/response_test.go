package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestResponsesAreTheWorkedBytes(t *testing.T) {
	worked := workedBodies()
	payment := PaymentState{PaymentRequestID: "R03_20260823_000117", PaymentStatus: PaymentProcessing, Rev: 1}
	paid := PaymentState{PaymentRequestID: "R03_20260823_000117", PaymentStatus: PaymentSuccess, Final: true, Rev: 2,
		PaymentID: "2026082319401089010011100000123456", Display: []string{"PAID SGD 10.50"}}
	inProgress := Reply{Result: Result{ResultStatus: ResultOpen, ResultCode: CodePaymentInProgress}, State: State{Payment: &payment}}
	tests := []struct{ got, want string }{
		{string(echoBody("01", "hi", defaultMaxBody)), worked[0].body},
		{string(replyBody("pay", "02", inProgress, defaultMaxBody)), worked[3].body},
		{string(eventBody(State{Payment: &paid}, defaultMaxBody)), worked[4].body},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got  %s\nwant %s", test.got, test.want)
		}
	}
}

func TestStateHasItsMembersInOrderAndNoEmptyOnes(t *testing.T) {
	full := fullState("r1", "c1")
	got := string(eventBody(State{Payment: &full}, mostBody))
	want := `{"event":"payment","paymentRequestId":"R1","paymentStatus":"SUCCESS","final":true,"rev":7,"inDoubt":true,"abortRequested":true,` +
		`"paymentAmount":{"value":1050,"currency":"SGD"},"paymentId":"P1","paymentTime":"2026-08-23T19:40:10+08:00",` +
		`"paymentReceipt":{"cashierReceipt":"r1","customerReceipt":"c1"},"reversal":{"refundRequestId":"F1","refundStatus":"PENDING"},` +
		`"display":["PAID SGD 10.50"],"acquirerResult":{"resultStatus":"S","resultCode":"SUCCESS","resultMessage":"ok"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func fullState(cashier, customer string) PaymentState {
	return PaymentState{
		PaymentRequestID: "R1", PaymentStatus: PaymentSuccess, Final: true, Rev: 7, InDoubt: true, AbortRequested: true,
		PaymentAmount: &Amount{ValueMinor: 1050, Currency: "SGD"}, PaymentID: "P1", PaymentTime: "2026-08-23T19:40:10+08:00",
		PaymentReceipt: &Receipt{CashierReceipt: cashier, CustomerReceipt: customer},
		Reversal:       &Reversal{RefundRequestID: "F1", RefundStatus: "PENDING"},
		Display:        []string{"PAID SGD 10.50"},
		AcquirerResult: &Result{ResultStatus: "S", ResultCode: "SUCCESS", ResultMessage: "ok"},
	}
}

func TestOpeningNamesBothListsEvenEmpty(t *testing.T) {
	got := string(openingBody("00", welcome{Agent: "1.2.0", Terminal: "N950"}, start, Opening{Open: []string{"R1"}}, defaultMaxBody))
	want := `{"method":"initConnection","re":"00","result":{"resultStatus":"S","resultCode":"SUCCESS"},"agent":"1.2.0","terminal":"N950",` +
		`"protocol":"1","time":"2026-08-23T12:00:00.000Z","open":["R1"],"undelivered":[]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestListsAreCutToWhatWasAgreed(t *testing.T) {
	var o Opening
	for i := range 500 {
		o.Undelivered = append(o.Undelivered, fmt.Sprintf("R%063d", i))
	}
	o.Open = []string{"R1"}
	body := openingBody("00", welcome{}, start, o, defaultMaxBody)
	var told struct{ Open, Undelivered []string }
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	if len(body) > defaultMaxBody || len(body) < defaultMaxBody-200 || len(told.Open) != 1 || told.Undelivered[0] != o.Undelivered[0] {
		t.Errorf("%d bytes, %d open, %d undelivered", len(body), len(told.Open), len(told.Undelivered))
	}
}

func TestStateTooLongLeavesTheReceiptOutAndSaysSo(t *testing.T) {
	s := fullState(strings.Repeat("r", 3000), strings.Repeat("c", 3000))
	event := string(eventBody(State{Payment: &s}, defaultMaxBody))
	if strings.Contains(event, "paymentReceipt") || !strings.Contains(event, `"receiptOmitted":true`) || !strings.Contains(event, `"display"`) {
		t.Errorf("event %s", event)
	}
	reply := string(replyBody("inquiryPayment", "01", Reply{Result: done(), State: State{Payment: &s}}, defaultMaxBody))
	if strings.Contains(reply, "paymentReceipt") || !strings.Contains(reply, `"receiptOmitted":true`) {
		t.Errorf("reply %s", reply)
	}
	if s.PaymentReceipt == nil || s.ReceiptOmitted {
		t.Error("the state itself was changed")
	}
	if whole := string(eventBody(State{Payment: &s}, mostBody)); !strings.Contains(whole, "paymentReceipt") || strings.Contains(whole, "receiptOmitted") {
		t.Error("left out where it fits")
	}
}

func TestLongestStateFitsTheShortestAgreement(t *testing.T) {
	id := strings.Repeat("R", 64)
	s := PaymentState{
		PaymentRequestID: id, PaymentStatus: PaymentProcessing, Rev: mostRev, InDoubt: true, AbortRequested: true,
		PaymentAmount: &Amount{ValueMinor: mostAmountMinor, Currency: "SGD"}, PaymentID: id, PaymentTime: "2026-08-23T19:40:10.123+08:00",
		PaymentReceipt: &Receipt{CashierReceipt: strings.Repeat("収", 9000)},
		Reversal:       &Reversal{RefundRequestID: id, RefundStatus: "PROCESSING"},
		Display:        []string{strings.Repeat("é", 60), strings.Repeat("é", 60), "third"},
		AcquirerResult: &Result{ResultStatus: "U", ResultCode: id, ResultMessage: strings.Repeat("é", 256)},
	}
	reply := Reply{Result: Result{ResultStatus: "F", ResultCode: CodeInconsistent, ResultMessage: strings.Repeat("é", 256)}, State: State{Payment: &s}}
	body := replyBody("inquiryPayment", "FF", reply, leastMaxBody)
	if len(body) > leastMaxBody {
		t.Fatalf("%d bytes: %s", len(body), body)
	}
	for _, member := range []string{id, `"final":false`, `"rev":9007199254740991`, `"inDoubt":true`, `"reversal"`, `"paymentAmount"`, CodeInconsistent} {
		if !strings.Contains(string(body), member) {
			t.Errorf("%s is missing in %s", member, body)
		}
	}
}

func TestDisplayIsTwoLinesOfTwenty(t *testing.T) {
	got := fitDisplay([]string{strings.Repeat("é", 21), "2", "3"})
	if len(got) != 2 || got[0] != strings.Repeat("é", 20) || got[1] != "2" {
		t.Errorf("got %q", got)
	}
}

func TestBodiesAreASCIIOnlyAndStillMeanTheSame(t *testing.T) {
	text := "é 収 😀 \x7f \u2028 \x00 <&> \" \\"
	body := echoBody("01", text, defaultMaxBody)
	encode(1, body) // panics on a byte no frame may carry
	var back struct{ Text string }
	if err := json.Unmarshal(body, &back); err != nil || back.Text != text {
		t.Errorf("%s came back as %q, %v", body, back.Text, err)
	}
	if !strings.Contains(string(body), "<&>") {
		t.Errorf("escaped without need: %s", body)
	}
}

func TestEchoThatDoesNotFitIsRefusedNotCut(t *testing.T) {
	body := string(echoBody("01", strings.Repeat("😀", 256), leastMaxBody))
	if !strings.Contains(body, CodeTooLong) || strings.Contains(body, "ud83d") {
		t.Errorf("got %s", body)
	}
}

func TestReceiptsCanNotBePrinted(t *testing.T) {
	s := fullState("SECRET-CASHIER", "SECRET-CUSTOMER")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "state", s, "pointer", &s, "receipt", s.PaymentReceipt, "plain", *s.PaymentReceipt)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "state", s, "pointer", &s, "receipt", s.PaymentReceipt, "plain", *s.PaymentReceipt)
	fmt.Fprintf(&log, "%v %+v %#v %s %q %d %x", s.PaymentReceipt, *s.PaymentReceipt, *s.PaymentReceipt, s.PaymentReceipt, *s.PaymentReceipt, s.PaymentReceipt, *s.PaymentReceipt)
	fmt.Fprintf(&log, "%v %+v %#v", s, &s, s)
	fmt.Fprint(&log, errors.Join(fmt.Errorf("%v", s)))
	if strings.Contains(log.String(), "SECRET") || strings.Contains(log.String(), "5345435245") {
		t.Error(log.String())
	}
	if !strings.Contains(log.String(), "R1") {
		t.Error("the id is not in the log either")
	}
}
