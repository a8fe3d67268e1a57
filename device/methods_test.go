package device

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const refunding = `{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1","refundAmount":{"value":250,"currency":"SGD"}}`

func TestBadRequestsOfTheLaterMethodsNameTheMember(t *testing.T) {
	amount := `"refundAmount":{"value":250,"currency":"SGD"}`
	for body, names := range map[string]string{
		`{"method":"receipt","paymentRequestId":"R1"}`:                              "copy: ",
		`{"method":"receipt","paymentRequestId":"R1","copy":"both"}`:                "copy: ",
		`{"method":"receipt","copy":"cashier"}`:                                     "paymentRequestId: ",
		`{"method":"receipt","paymentRequestId":"R1","copy":"cashier","offset":-1}`: "offset: ",
		`{"method":"abort"}`:                                                                                  "paymentRequestId: ",
		`{"method":"abort","paymentRequestId":"R-1"}`:                                                         "paymentRequestId: ",
		`{"method":"refund","paymentRequestId":"R1",` + amount + `}`:                                          "refundRequestId: ",
		`{"method":"refund","refundRequestId":"F1",` + amount + `}`:                                           "paymentRequestId: ",
		`{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1","paymentId":"P1",` + amount + `}`:  "paymentId: ",
		`{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1"}`:                                  "refundAmount: ",
		`{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1","fullRefund":false}`:               "refundAmount: ",
		`{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1","fullRefund":true,` + amount + `}`: "refundAmount: ",
		`{"method":"refund","refundRequestId":"F1","paymentRequestId":"R1","fullRefund":"true"}`:              "fullRefund: ",
		strings.Replace(refunding, "250", "0", 1):                                                             "refundAmount.value: ",
		strings.Replace(refunding, `{"method"`, `{"memo":"`+strings.Repeat("m", 257)+`","method"`, 1):         "memo: ",
		`{"method":"inquiryRefund"}`:                                                                          "refundRequestId: ",
		`{"method":"delivered","rev":1}`:                                                                      "paymentRequestId: ",
		`{"method":"delivered","paymentRequestId":"R1","refundRequestId":"F1","rev":1}`:                       "refundRequestId: ",
		`{"method":"delivered","refundRequestId":"F1"}`:                                                       "rev: ",
		`{"method":"totals","from":"yesterday"}`:                                                              "from: ",
		`{"method":"totals","to":7}`:                                                                          "to: ",
		`{"method":"totals","from":"2026-08-23","to":"2026-08-23"}`:                                           "to: ",
		`{"method":"totals","from":"2026-08-24T00:00:00+08:00","to":"2026-08-23T23:00:00+08:00"}`:             "to: ",
	} {
		_, refused := understand(request{seq: 1, body: []byte(body), at: start})
		if refused == nil || refused.code != CodeParamIllegal || !strings.HasPrefix(refused.message, names) {
			t.Errorf("%s: %v, want %s…", body, refused, names)
		}
	}
}

// kept is an Engine that keeps a refund and the times of totals.
type kept struct {
	Engine
	refund   Refund
	from, to time.Time
}

func (k *kept) Refund(_ context.Context, _ string, r Refund) Reply { k.refund = r; return Reply{} }
func (k *kept) Totals(_ context.Context, _ string, from, to time.Time) Totals {
	k.from, k.to = from, to
	return Totals{Result: done()}
}

func (k *kept) ask(t *testing.T, body string, at time.Time) string {
	t.Helper()
	c, refused := understand(request{seq: 1, body: []byte(body), at: at})
	if refused != nil {
		t.Fatalf("%s: %v", body, refused)
	}
	response, _ := c.ask(t.Context(), k, "lane1", "01", defaultMaxBody)
	return string(response)
}

func TestRefundReachesTheEngineWhole(t *testing.T) {
	for body, want := range map[string]Refund{
		refunding: {RefundRequestID: "F1", PaymentRequestID: "R1", RefundAmount: &Amount{250, "SGD"}},
		`{"method":"refund","refundRequestId":"F2","paymentId":"2026-1","fullRefund":true,"memo":"broken"}`: {
			RefundRequestID: "F2", PaymentID: "2026-1", Memo: "broken"},
		strings.Replace(refunding, `{"method"`, `{"fullRefund":false,"method"`, 1): {
			RefundRequestID: "F1", PaymentRequestID: "R1", RefundAmount: &Amount{250, "SGD"}},
	} {
		var k kept
		if k.ask(t, body, start); !reflect.DeepEqual(k.refund, want) {
			t.Errorf("%s: got %+v", body, k.refund)
		}
	}
}

// The default is the local day, whatever it is: 23 hours long, 24 or 25.
func TestTotalsAreOfTheLocalDayUnlessTimesAreGiven(t *testing.T) {
	var k kept
	now := time.Date(2026, 8, 23, 0, 30, 0, 0, time.Local)
	day, next := time.Date(2026, 8, 23, 0, 0, 0, 0, time.Local), time.Date(2026, 8, 24, 0, 0, 0, 0, time.Local)
	for body, want := range map[string][2]time.Time{
		`{"method":"totals"}`:                                                                {day, next},
		`{"method":"totals","from":"2026-08-20"}`:                                            {time.Date(2026, 8, 20, 0, 0, 0, 0, time.Local), next},
		`{"method":"totals","to":"2026-08-23T12:00:00.5"}`:                                   {day, time.Date(2026, 8, 23, 12, 0, 0, 5e8, time.Local)},
		`{"method":"totals","from":"2026-08-22T16:00:00Z","to":"2026-08-24T00:00:00+08:00"}`: {time.Date(2026, 8, 22, 16, 0, 0, 0, time.UTC), time.Date(2026, 8, 23, 16, 0, 0, 0, time.UTC)},
	} {
		got := k.ask(t, body, now.UTC())
		if !k.from.Equal(want[0]) || !k.to.Equal(want[1]) {
			t.Errorf("%s: from %v to %v, want %v", body, k.from, k.to, want)
		}
		if want := `"currencies":[],"unresolved":[]}`; !strings.HasSuffix(got, want) {
			t.Errorf("answered %s, want %s", got, want)
		}
	}
}

func TestTotalsLeaveIdsOutAndNeverSums(t *testing.T) {
	sums := Totals{Result: done(), Currencies: []CurrencyTotal{{"SGD", Tally{3, 1750}, Tally{1, 250}}}}
	for n := range 100 {
		sums.Unresolved = append(sums.Unresolved, fmt.Sprintf("R%063d", n))
	}
	body := string(totalsBody("01", sums, leastMaxBody))
	if len(body) > leastMaxBody || !strings.Contains(body, `{"currency":"SGD","paid":{"count":3,"value":1750},"refunded":{"count":1,"value":250}}`) ||
		!strings.Contains(body, sums.Unresolved[0]) {
		t.Errorf("%d bytes: %s", len(body), body)
	}
	for range 20 {
		sums.Currencies = append(sums.Currencies, sums.Currencies[0])
	}
	if body = string(totalsBody("01", sums, leastMaxBody)); !strings.Contains(body, CodeTooLong) || strings.Contains(body, "SGD") {
		t.Errorf("sums that do not fit: %s", body)
	}
	if len(sums.Unresolved) != 100 {
		t.Error("the engine's list was cut")
	}
}

func TestReceiptComesInPartsThatFitAndAddUp(t *testing.T) {
	whole := strings.Repeat("TOTAL 10.50 \"é\" 収\n😀\t<b>\\\x00 ", 200)
	for _, limit := range []int{leastMaxBody, defaultMaxBody, mostBody} {
		var together strings.Builder
		parts := 0
		for offset := 0; ; parts++ {
			body := receiptBody("01", ReceiptText{done(), ReceiptCopy(whole)}, offset, limit)
			var part receiptPart
			if err := json.Unmarshal(body, &part); err != nil || len(body) > limit || part.Offset != offset || part.Total != len([]rune(whole)) {
				t.Fatalf("%d bytes, %v, %+v", len(body), err, part)
			}
			encode(1, body) // panics on a byte no frame may carry
			if part.Text == "" {
				break
			}
			together.WriteString(part.Text)
			offset += len([]rune(part.Text))
		}
		if together.String() != whole || parts < len(whole)/limit {
			t.Errorf("limit %d: %d parts do not add up", limit, parts)
		}
	}
	if body := string(receiptBody("01", ReceiptText{done(), "short"}, 6, leastMaxBody)); !strings.Contains(body, "offset: within") {
		t.Errorf("beyond the end: %s", body)
	}
	if body := string(receiptBody("01", ReceiptText{Result: Result{ResultStatus: "F", ResultCode: CodeNotFound}}, 0, leastMaxBody)); strings.Contains(body, "total") {
		t.Errorf("refused: %s", body)
	}
	if text := fmt.Sprintf("%v %s %+v", ReceiptText{Text: "SECRET"}, ReceiptCopy("SECRET"), ReceiptCopy("SECRET")); strings.Contains(text, "SECRET") {
		t.Error(text)
	}
}

func TestLongestRefundFitsTheShortestAgreement(t *testing.T) {
	id := strings.Repeat("F", 64)
	s := State{Refund: &RefundState{RefundRequestID: id, PaymentRequestID: id, PaymentID: id, RefundID: id, RefundStatus: RefundPending,
		RefundAmount: &Amount{mostAmountMinor, "SGD"}, RefundTime: "2026-08-23T19:40:10.123+08:00", Rev: mostRev,
		Display:        []string{strings.Repeat("é", 20), strings.Repeat("é", 20)},
		AcquirerResult: &Result{"U", id, strings.Repeat("é", 256)}}}
	reply := Reply{Result: Result{"F", CodeInconsistent, strings.Repeat("é", 256)}, State: s}
	for _, body := range [][]byte{replyBody("inquiryRefund", "FF", reply, leastMaxBody), eventBody(s, leastMaxBody)} {
		for _, member := range []string{`"refundRequestId":"` + id, `"refundStatus":"PENDING","refundAmount":{"value":2147483647`, `"final":false,"rev":9007199254740991`} {
			if len(body) > leastMaxBody || !strings.Contains(string(body), member) {
				t.Errorf("%d bytes without %s: %s", len(body), member, body)
			}
		}
	}
	if s.Refund.RefundID == "" {
		t.Error("the state itself was changed")
	}
}

func TestRefundStateHasItsMembersInOrder(t *testing.T) {
	s := State{Refund: &RefundState{RefundRequestID: "F1", PaymentRequestID: "R1", PaymentID: "P1", RefundID: "X1", RefundStatus: RefundSuccess,
		RefundAmount: &Amount{250, "SGD"}, RefundTime: "2026-08-23T19:40:10+08:00", Final: true, Rev: 2,
		Display: []string{"REFUNDED SGD 2.50"}, AcquirerResult: &Result{ResultStatus: "S", ResultCode: "SUCCESS"}}}
	want := `{"event":"refund","refundRequestId":"F1","paymentRequestId":"R1","paymentId":"P1","refundId":"X1","refundStatus":"SUCCESS",` +
		`"refundAmount":{"value":250,"currency":"SGD"},"refundTime":"2026-08-23T19:40:10+08:00","final":true,"rev":2,` +
		`"display":["REFUNDED SGD 2.50"],"acquirerResult":{"resultStatus":"S","resultCode":"SUCCESS"}}`
	if got := string(eventBody(s, defaultMaxBody)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
