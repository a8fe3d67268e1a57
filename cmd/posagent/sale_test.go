package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

func TestAnOrdinarySaleGoesThroughTheWholeHouse(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	told := s.sell(s.till(), "R03_20260823_000117", 1050)
	s.wantAgree(told)
	if told.PaymentStatus != "SUCCESS" || told.Rev != 2 || len(told.Display) != 1 || told.Display[0] != "PAID SGD 10.50" {
		t.Errorf("the register was told %+v", told)
	}
	if told.AcquirerResult == nil || told.AcquirerResult.Code != "SUCCESS" {
		t.Errorf("Antom's last word is %+v", told.AcquirerResult)
	}
}

// The story of a sale says that its register was told the end, before it says that the
// register has stored it.
func TestTheStoryOfASaleSaysWhatTheRegisterWasTold(t *testing.T) {
	s := openShop(t, quick)
	stop := s.serve()
	s.wantAgree(s.sell(s.till(), "R1", 1050))
	stop()
	code, story, stderr := output(t, "explain", "-config", s.site.configFile(), "R1")
	told, stored := strings.Index(story, "is told the end"), strings.Index(story, "has stored the end")
	if code != 0 || told < 0 || stored < told {
		t.Errorf("explain ends with %d and says\n%s%s", code, story, stderr)
	}
}

// Every way in which an answer can be lost, forged or spoilt: the register is told
// the truth, and the ledger has one charge or none. P1, P3 and P5 end to end, by both
// ways to Antom: what a terminal's keeps out by encryption and by asking twice, the
// cloud's must know by the signature alone.
func TestWhateverHappensToAnAnswerTheRegisterIsToldTheTruth(t *testing.T) {
	for name, w := range map[string]way{"terminal": toTerminal(), "cloud": toCloud()} {
		for _, cruelty := range []string{
			"decline", "in_progress", "decline_later", "pending",
			"close_before", "close_after", "html_before", "html_after", "cut_answer", "late_arrival",
			"unsigned", "wrong_key", "other_bytes", "forged_decline", "forged_success", "other_client", "replayed",
			"truncated_json", "not_json", "no_result", "unknown_status", "unknown_code", "huge", "wrong_encryption", "clock_off",
			"system_error", "busy", "inconsistent", "foreign_payment_id", "unnamed", "other_id",
		} {
			if w.encryption == "off" && cruelty == "wrong_encryption" {
				continue
			}
			t.Run(name+"/"+cruelty, func(t *testing.T) {
				t.Parallel()
				s := openShopBy(t, w, quick)
				s.serve()
				till := s.till()
				s.sell(till, "BEFORE", 500)
				s.arm(sandbox.Plan{Name: cruelty, ID: "R1", Duration: briefly(cruelty)})
				s.wantAgree(s.sell(till, "R1", 1050))
				s.wantAgree(s.sell(till, "AFTER", 700))
			})
		}
	}
}

// Where nothing is encrypted the signature is all that tells Antom's word from a
// forger's, who names the very payment that was asked about: not paid, he says, and
// it is (P5).
func TestAForgedWordIsNotBelievedWhereNothingIsEncrypted(t *testing.T) {
	s := openShopBy(t, inTheOpen(), quick)
	s.serve()
	s.arm(sandbox.Plan{Name: "forged_decline", ID: "R1"})
	s.arm(sandbox.Plan{Name: "forged_decline", Path: "inquiryPayment", ID: "R1"})
	s.wantAgree(s.sell(s.till(), "R1", 1050))
	if left := s.server.Armed(); len(left) != 0 {
		t.Errorf("the forger was not asked: %+v", left)
	}
}

// briefly shortens the cruelties that take a while.
func briefly(name string) time.Duration {
	if name == "late_arrival" {
		return 300 * time.Millisecond
	}
	return 0
}

// A hang before and after booking: the same id goes out again, one charge.
func TestALostAnswerIsResubmittedUnderTheSameID(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hang_before", "hang_after"} {
		s := openShop(t, quick)
		s.serve()
		s.arm(sandbox.Plan{Name: name, ID: "R1"})
		s.wantAgree(s.sell(s.till(), "R1", 1050))
		if c := s.charges("R1"); len(c) != 1 || c[0].PayRequests != 2 {
			t.Errorf("%s: the ledger has %+v, want one charge asked for twice", name, c)
		}
	}
}

// The proof above must be able to fail: an acquirer that breaks its pledge charges
// twice, and it shows.
func TestAnAcquirerThatForgetsIsFoundOut(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.arm(sandbox.Plan{Name: "forgetful", ID: "R1", Count: 2})
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
	told := s.sell(s.till(), "R1", 1050)
	if agrees(s.charges("R1"), told, 1050) && len(s.charges("R1")) == 1 {
		t.Skip("the two cruelties did not meet in one request")
	}
	if agrees(s.charges("R1"), told, 1050) {
		t.Errorf("two charges and no disagreement: %+v", s.charges("R1"))
	}
}

// Antom can't be reached, provably: the sale fails when its window ends, and the
// register may say so.
func TestNothingSentIsNotPaid(t *testing.T) {
	s := openShop(t, strings.Replace(quick, "20s", "1s", 1))
	s.site.cfg.Antom.BaseURL = ""
	rewrite(t, s.site.configFile(), "base_url = ", `base_url = "http://127.0.0.1:1/openapi/v2"`)
	s.serve()
	told := s.sell(s.till(), "R1", 1050)
	if told.PaymentStatus != "FAIL" || told.AcquirerResult == nil || told.AcquirerResult.Code != "DEVICE_NOT_CONNECT" {
		t.Errorf("told %s, %+v; want FAIL DEVICE_NOT_CONNECT", told.PaymentStatus, told.AcquirerResult)
	}
}

// The window ends while the request may have arrived: the register is told that it
// is in doubt, never "not paid", until Antom says what became of it.
func TestInDoubtUntilAntomSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	s := openShop(t, strings.Replace(quick, "20s", "700ms", 1))
	s.serve()
	reg := s.register()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1", Count: 100})
	s.arm(sandbox.Plan{Name: "hang_before", ID: "R1", Path: "inquiryPayment", Count: 2})
	_, err := reg.Init(ctx)
	must(t, err)
	_, err = reg.Request(ctx, "pay", payBody("R1", 1050))
	must(t, err)
	doubt := awaitState(ctx, t, reg, func(p virtual.PaymentState) bool { return p.InDoubt })
	if doubt.Final || doubt.PaymentStatus != "PROCESSING" || strings.Join(doubt.Display, " ") != "OUTCOME NOT KNOWN DO NOT CHARGE AGAIN" {
		t.Errorf("in doubt the register is told %+v", doubt)
	}
	told := awaitState(ctx, t, reg, func(p virtual.PaymentState) bool { return p.Final })
	s.wantAgree(told)
	if told.PaymentStatus != "SUCCESS" || told.Rev <= doubt.Rev {
		t.Errorf("told %s rev %d after rev %d", told.PaymentStatus, told.Rev, doubt.Rev)
	}
}

func payBody(id string, minor int64) map[string]any {
	return map[string]any{"paymentRequestId": id, "paymentMethod": "ALIPAY_CN",
		"paymentAmount": map[string]any{"value": minor, "currency": "SGD"}}
}

// awaitState waits for an event about a payment.
func awaitState(ctx context.Context, t *testing.T, reg *virtual.Register, want func(virtual.PaymentState) bool) virtual.PaymentState {
	t.Helper()
	for {
		select {
		case m := <-reg.Events():
			if p, ok := m.PaymentState(); ok && want(p) {
				return p
			}
		case <-ctx.Done():
			t.Fatal("no such event came")
		}
	}
}

func TestWhatAPayIsAnswered(t *testing.T) {
	s := openShop(t, quick+"methods = [\"ALIPAY_CN\", \"VISA\"]\n")
	s.serve()
	reg := s.register()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.arm(sandbox.Plan{Name: "hang_before", ID: "R1"})
	if _, err := reg.Init(ctx); err != nil {
		t.Fatal(err)
	}
	other := payBody("R1", 1051)
	wrongMethod := payBody("R9", 1050)
	wrongMethod["paymentMethod"] = "CASH"
	for _, c := range []struct {
		name, method string
		members      map[string]any
		status, code string
	}{
		{"nothing has ended yet", "lastResult", nil, "F", "AGENT_NOT_FOUND"},
		{"a new payment", "pay", payBody("R1", 1050), "U", "PAYMENT_IN_PROGRESS"},
		{"the same again", "pay", payBody("R1", 1050), "U", "PAYMENT_IN_PROGRESS"},
		{"the same id, another amount", "pay", other, "F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"},
		{"another id meanwhile", "pay", payBody("R2", 1050), "F", "TERMINAL_BUSY"},
		{"a method that is not taken", "pay", wrongMethod, "F", "PARAM_ILLEGAL"},
		{"an id never seen", "inquiryPayment", map[string]any{"paymentRequestId": "R7"}, "F", "AGENT_NOT_FOUND"},
		{"delivered before the end", "delivered", map[string]any{"paymentRequestId": "R1", "rev": 1}, "F", "PARAM_ILLEGAL"},
		{"a method nobody knows", "dance", nil, "F", "AGENT_UNKNOWN_METHOD"},
	} {
		m, err := reg.Request(ctx, c.method, c.members)
		must(t, err)
		if r := m.Result(); r.Status != c.status || r.Code != c.code {
			t.Errorf("%s: %s %s, want %s %s", c.name, r.Status, r.Code, c.status, c.code)
		}
	}
	final := awaitState(ctx, t, reg, func(p virtual.PaymentState) bool { return p.Final })
	for _, method := range []string{"lastResult", "pay"} {
		m, err := reg.Request(ctx, method, payBody("R1", 1050))
		must(t, err)
		if p, _ := m.PaymentState(); m.Result().Code != "SUCCESS" || p.PaymentRequestID != "R1" || p.Rev != final.Rev {
			t.Errorf("%s after the end: %s", method, m.Body)
		}
	}
}

// A body that is wrong gets the code that the protocol names, and the link stays up.
func TestBadBodiesAreAnswered(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	reg := s.register()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := reg.Init(ctx); err != nil {
		t.Fatal(err)
	}
	pay := `{"method":"pay","paymentRequestId":"R1","paymentMethod":"X","paymentAmount":{"value":%s,"currency":"SGD"}}`
	for _, c := range []struct{ body, code string }{
		{"not json at all", "AGENT_BAD_JSON"},
		{`{"method":"echo","text":"a"} x`, "AGENT_BAD_JSON"},
		{`{"method":"echo","text":"a","text":"b"}`, "PARAM_ILLEGAL"},
		{fmt.Sprintf(pay, "10.50"), "PARAM_ILLEGAL"},
		{fmt.Sprintf(pay, `"1050"`), "PARAM_ILLEGAL"},
		{fmt.Sprintf(pay, "0"), "PARAM_ILLEGAL"},
		{fmt.Sprintf(pay, "2147483648"), "PARAM_ILLEGAL"},
		{`{"method":"pay","paymentRequestId":"R-1"}`, "PARAM_ILLEGAL"},
		{`{"method":"echo","text":"` + strings.Repeat("x", 4200) + `"}`, "AGENT_TOO_LONG"},
	} {
		m, err := reg.RequestRaw(ctx, []byte(c.body))
		must(t, err)
		if m.Result().Code != c.code || m.Result().Status != "F" {
			t.Errorf("%.60s: %s, want %s", c.body, m.Body, c.code)
		}
	}
	if m, err := reg.Request(ctx, "echo", map[string]any{"text": "still there"}); err != nil || m.Result().Status != "S" {
		t.Errorf("after all that: %s (%v)", m.Body, err)
	}
	if len(s.server.Ledger()) != 0 {
		t.Errorf("money moved: %+v", s.server.Ledger())
	}
}

// The log of a sale with everything in it names no receipt, key or signature.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.arm(sandbox.Plan{Name: "unsigned", ID: "R1"})
	s.arm(sandbox.Plan{Name: "close_after", ID: "R1"})
	s.wantAgree(s.sell(s.till(), "R1", 1050))
	log := s.log.String()
	if !strings.Contains(log, "R1") {
		t.Fatal("the log does not even name the payment")
	}
	for _, secret := range []string{"symmetricKey", "signature=", "PRIVATE", "cashierReceipt", "merchantName"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
