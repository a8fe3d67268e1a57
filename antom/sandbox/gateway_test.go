package sandbox_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func TestSameIDAgainIsPaidOnce(t *testing.T) {
	g := newRig(t, nil)
	first := g.pay("R1", 1050)
	wantTrue(t, first, "S SUCCESS")
	again := g.pay("R1", 1050)
	wantTrue(t, again, "S SUCCESS")
	if first.text("paymentId") == "" || first.text("paymentId") != again.text("paymentId") {
		t.Errorf("got paymentIds %q and %q, want one", first.text("paymentId"), again.text("paymentId"))
	}
	ledger := g.srv.Ledger()
	if len(ledger) != 1 || ledger[0].AmountMinor != 1050 || ledger[0].Currency != "SGD" ||
		ledger[0].Status != "SUCCESS" || ledger[0].PayRequests != 2 || !ledger[0].BookedAt.Equal(g.clock.now()) {
		t.Errorf("got ledger %+v", ledger)
	}
}

func TestSameIDWithOtherContentIsInconsistent(t *testing.T) {
	g := newRig(t, nil)
	wantTrue(t, g.pay("R1", 1050), "S SUCCESS")
	wantTrue(t, g.pay("R1", 1051), "F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT")
	other := `{"paymentRequestId":"R1","paymentMethod":"VISA","paymentAmount":{"value":1050,"currency":"SGD"},"extendInfo":""}`
	wantTrue(t, g.ask("pay", other), "F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT")
	g.wantCharges("R1", 1)
}

func TestFailedPaymentStaysFailed(t *testing.T) {
	g := newRig(t, nil)
	wantTrue(t, g.pay("R1", 1061), "F PAYMENT_FAIL")
	wantTrue(t, g.pay("R1", 1061), "F PAYMENT_FAIL")
	r := g.inquire("R1")
	wantTrue(t, r, "S SUCCESS")
	if got := r.text("paymentStatus"); got != "FAIL" {
		t.Errorf("got paymentStatus %s, want FAIL", got)
	}
	g.wantCharges("R1", 0)
}

func TestInquirySpeaksOfThePayment(t *testing.T) {
	g := newRig(t, nil)
	wantTrue(t, g.inquire("R1"), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
	paid := g.pay("R1", 1050)
	r := g.inquire("R1")
	wantTrue(t, r, "S SUCCESS")
	amount, _ := json.Marshal(r.members["paymentAmount"])
	got := []string{r.text("paymentRequestId"), r.text("paymentId"), r.text("paymentStatus"),
		r.text("paymentTime"), r.text("paymentMethod"), string(amount)}
	want := []string{"R1", paid.text("paymentId"), "SUCCESS", "2026-08-23T12:08:56.253+08:00",
		"ALIPAY_CN", `{"currency":"SGD","value":1050}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if r.members["paymentReceipt"] != nil || paid.members["paymentReceipt"] == nil {
		t.Error("a receipt belongs in the answer to pay and in no other")
	}
}

func TestDiagnosisIsReady(t *testing.T) {
	g := newRig(t, nil)
	r := g.ask("diagnosis", `{"extendInfo":""}`)
	wantTrue(t, r, "S SUCCESS")
	for _, name := range []string{"networkStatus", "printerStatus", "globalStatus"} {
		if r.text(name) != "Y" {
			t.Errorf("got %s %q, want Y", name, r.text(name))
		}
	}
}

func TestEveryCipherAndBothBases(t *testing.T) {
	for _, mode := range []string{"ecb", "cbc", "gcm"} {
		g := newRig(t, func(o *sandbox.Options) { o.Cipher = mode })
		for i, base := range []string{"/openapi/v2", "/v2"} {
			g.base = base
			wantTrue(t, g.pay(fmt.Sprintf("R%d", i), 1050), "S SUCCESS")
		}
	}
}

func TestEncryptionOffIsInTheClear(t *testing.T) {
	g := newRig(t, func(o *sandbox.Options) { o.Encryption = "off" })
	r := g.pay("R1", 1050)
	if !r.verified || r.encrypted || r.result() != "S SUCCESS" {
		t.Errorf("got verified=%v encrypted=%v %s", r.verified, r.encrypted, r.clear)
	}
}

func TestURIPrefixIsWhatIsSigned(t *testing.T) {
	g := newRig(t, func(o *sandbox.Options) { o.URIPrefix = "/ams/api" })
	l := g.letter("pay", payBody("R1", 1050))
	l.prefix = "/ams/api"
	wantTrue(t, g.send(t.Context(), l), "S SUCCESS")
	if r := g.pay("R2", 1050); r.signed || r.result() != "F INVALID_SIGNATURE" {
		t.Errorf("got %s for a signature over the path itself", r.clear)
	}
}

func TestAnswerKeyIsFreshUnlessReused(t *testing.T) {
	const key = "k9Qw2ZrT7mLx4VbN8cYh3JfD6sPg1AeU"
	for _, reuse := range []bool{false, true} {
		g := newRig(t, func(o *sandbox.Options) { o.ReuseRequestKey = reuse })
		l := g.letter("pay", payBody("R1", 1050))
		l.key = key
		r := g.send(t.Context(), l)
		wantTrue(t, r, "S SUCCESS")
		if got := string(unwrap(t, r)); (got == key) != reuse {
			t.Errorf("reuse=%v: got answer key %q", reuse, got)
		}
	}
}

func TestAnswersAreSpeltInManyWaysUnlessSteady(t *testing.T) {
	for _, steady := range []bool{false, true} {
		g := newRig(t, func(o *sandbox.Options) { o.Steady = steady })
		spellings := map[string]bool{}
		for range 12 {
			r := g.ask("diagnosis", `{"extendInfo":""}`)
			wantTrue(t, r, "S SUCCESS")
			spellings[fmt.Sprint(r.header.Get("Response-Time") != "", r.header.Get("Signature")[:18],
				len(field(r.header.Get("Signature"), "signature")) > 344, len(r.clear))] = true
		}
		if steady && len(spellings) != 1 || !steady && len(spellings) < 6 {
			t.Errorf("steady=%v: got %d spellings", steady, len(spellings))
		}
	}
}

func TestRefundsHaveARunningRemainder(t *testing.T) {
	g := newRig(t, nil)
	id := g.pay("R1", 1050).text("paymentId")
	first := g.refund("B1", id, 1000)
	wantTrue(t, first, "S SUCCESS")
	again := g.refund("B1", id, 1000)
	wantTrue(t, again, "S SUCCESS")
	if first.text("refundId") == "" || first.text("refundId") != again.text("refundId") {
		t.Errorf("got refundIds %q and %q, want one", first.text("refundId"), again.text("refundId"))
	}
	wantTrue(t, g.refund("B1", id, 10), "F REPEAT_REQ_INCONSISTENT")
	wantTrue(t, g.refund("B2", id, 51), "F REFUND_AMOUNT_EXCEED")
	wantTrue(t, g.refund("B2", id, 50), "S SUCCESS")
	if got := g.srv.Ledger()[0].RefundedMinor; got != 1050 {
		t.Errorf("got %d refunded, want 1050", got)
	}
	r := g.inquireRefund(first.text("refundId"))
	wantTrue(t, r, "S SUCCESS")
	if r.text("refundStatus") != "SUCCESS" || r.text("paymentId") != id {
		t.Errorf("got %s", r.clear)
	}
	wantTrue(t, g.inquireRefund("nobody"), "F REFUND_NOT_EXIST")
}

func TestRefundsOfOnePaymentAreOneAtATime(t *testing.T) {
	g := newRig(t, nil)
	id := g.pay("R1", 1050).text("paymentId")
	g.arm(sandbox.Plan{Name: "in_progress", Path: "refund", Duration: time.Minute})
	wantTrue(t, g.refund("B1", id, 100), "U PAYMENT_IN_PROGRESS")
	wantTrue(t, g.refund("B2", id, 100), "F TERMINAL_BUSY")
	g.clock.advance(time.Minute)
	wantTrue(t, g.refund("B2", id, 100), "S SUCCESS")
	if got := g.srv.Ledger()[0].RefundedMinor; got != 200 {
		t.Errorf("got %d refunded, want 200", got)
	}
}

func TestRefundRefusals(t *testing.T) {
	g := newRig(t, nil)
	wantTrue(t, g.refund("B1", "nobody", 10), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
	open := g.pay("R1", 1073).text("paymentId")
	wantTrue(t, g.refund("B1", open, 10), "F DPOS_PAYMENT_ORDER_STATUS_INVALID")
	paid := g.pay("R2", 1000).text("paymentId")
	yen := fmt.Sprintf(`{"refundRequestId":"B1","paymentId":%q,"refundAmount":{"value":1,"currency":"JPY"},"extendInfo":""}`, paid)
	wantTrue(t, g.ask("refund", yen), "F DPOS_PAYMENT_CURRENCY_NOT_SUPPORT")
	whole := fmt.Sprintf(`{"refundRequestId":"B1","paymentId":%q,"extendInfo":""}`, paid)
	wantTrue(t, g.ask("refund", whole), "S SUCCESS")
	if got := g.srv.Refunds(); len(got) != 1 || got[0].AmountMinor != 1000 || got[0].Status != "SUCCESS" {
		t.Errorf("got refunds %+v", got)
	}
}

func TestManyAtOnceArePaidOnceEach(t *testing.T) {
	g := newRig(t, nil)
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			if r := g.pay(fmt.Sprintf("R%d", i%6), 1050); r.result() != "S SUCCESS" {
				t.Errorf("got %v %s", r.err, r.clear)
			}
			g.srv.Ledger()
			g.srv.History()
		})
	}
	wait.Wait()
	if got := g.srv.Ledger(); len(got) != 6 {
		t.Errorf("got %d charges, want 6", len(got))
	}
	numbers := map[int]bool{}
	for _, e := range g.srv.History() {
		numbers[e.Number] = true
	}
	if len(numbers) != 24 {
		t.Errorf("got %d numbered events, want 24", len(numbers))
	}
}

func TestHistoryTellsWhatHappened(t *testing.T) {
	g := newRig(t, nil)
	l := g.letter("pay", payBody("R1", 1050))
	l.stamp = g.clock.now().Add(90 * time.Second).Format("2006-01-02T15:04:05.000-07:00")
	wantTrue(t, g.send(t.Context(), l), "S SUCCESS")
	// The caller has the answer before the event is over.
	e := g.await(func(e sandbox.Event) bool { return e.Stage == sandbox.StageOver })
	e.TookMillis, e.Bytes = 0, 0
	want := sandbox.Event{Number: 1, At: g.clock.now(), Method: "POST", URI: "/openapi/v2/payments/pay",
		Call: "pay", ID: "R1", AmountMinor: 1050, Currency: "SGD", Verified: true, Encrypted: true,
		SkewMillis: 90_000, Stage: "over", Acted: true, Fate: "answered", HTTPStatus: 200,
		ResultStatus: "S", ResultCode: "SUCCESS"}
	if e != want {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
}
