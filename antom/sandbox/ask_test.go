package sandbox_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func payBody(id string, minor int64) string {
	return fmt.Sprintf(`{"paymentRequestId":%q,"paymentMethod":"ALIPAY_CN",`+
		`"paymentAmount":{"value":%d,"currency":"SGD"},"extendInfo":""}`, id, minor)
}

func refundBody(id, paymentID string, minor int64) string {
	return fmt.Sprintf(`{"refundRequestId":%q,"paymentId":%q,`+
		`"refundAmount":{"value":%d,"currency":"SGD"},"extendInfo":""}`, id, paymentID, minor)
}

// patience bounds every wait of a test.
const patience = 20 * time.Second

func (g *rig) ask(call, plain string) reply {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return g.send(ctx, g.letter(call, plain))
}

func (g *rig) pay(id string, minor int64) reply {
	g.t.Helper()
	return g.ask("pay", payBody(id, minor))
}

func (g *rig) inquire(id string) reply {
	g.t.Helper()
	return g.ask("inquiryPayment", fmt.Sprintf(`{"paymentRequestId":%q,"extendInfo":""}`, id))
}

func (g *rig) refund(id, paymentID string, minor int64) reply {
	g.t.Helper()
	return g.ask("refund", refundBody(id, paymentID, minor))
}

func (g *rig) inquireRefund(refundID string) reply {
	g.t.Helper()
	return g.ask("inquiryRefund", fmt.Sprintf(`{"refundId":%q,"extendInfo":""}`, refundID))
}

func (g *rig) arm(p sandbox.Plan) {
	g.t.Helper()
	if err := g.srv.Arm(p); err != nil {
		g.t.Fatal(err)
	}
}

// wantTrue checks a signed, encrypted answer.
func wantTrue(t *testing.T, r reply, result string) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("got no answer: %v; want %s", r.err, result)
	}
	if r.status != 200 || !r.verified || !r.encrypted {
		t.Fatalf("got HTTP %d verified=%v encrypted=%v body %.200s; want a signed, encrypted %s",
			r.status, r.verified, r.encrypted, r.clear, result)
	}
	if got := r.result(); got != result {
		t.Fatalf("got %s (%s); want %s", got, r.clear, result)
	}
}

// wantCharges checks how often money moved for an id.
func (g *rig) wantCharges(id string, want int) {
	g.t.Helper()
	got := 0
	for _, c := range g.srv.Ledger() {
		if c.PaymentRequestID == id {
			got++
		}
	}
	if got != want {
		g.t.Fatalf("got %d charges of %s, want %d; ledger %+v", got, id, want, g.srv.Ledger())
	}
}

// await waits for an event of the history.
func (g *rig) await(match func(sandbox.Event) bool) sandbox.Event {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e, err := g.srv.Await(ctx, match)
	if err != nil {
		g.t.Fatalf("%v; history %+v", err, g.srv.History())
	}
	return e
}

// payAndLeave pays, waits until the request hangs, and goes away.
func (g *rig) payAndLeave(id string, minor int64) {
	g.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	gone := make(chan reply, 1)
	go func() { gone <- g.send(ctx, g.letter("pay", payBody(id, minor))) }()
	g.await(func(e sandbox.Event) bool { return e.ID == id && e.Stage == sandbox.StageHangs })
	leave()
	if r := <-gone; r.err == nil {
		g.t.Fatalf("got an answer from a hanging request: %s", r.clear)
	}
	g.await(func(e sandbox.Event) bool { return e.ID == id && e.Fate == sandbox.FateGone })
}

// unwrap returns the symmetric key of an answer.
func unwrap(t *testing.T, r reply) []byte {
	t.Helper()
	text, err := url.QueryUnescape(field(r.header.Get("Encrypt"), "symmetricKey"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.DecryptPKCS1v15(nil, merchantKey(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
