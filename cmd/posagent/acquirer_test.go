package main

import (
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"posagent/antom"
	"posagent/queue"
)

// An inquiry that is answered with another amount or currency speaks of another
// payment under this id: it is not paid by that, and an alarm.
func TestAnAnswerAboutAnotherAmountPaysNothing(t *testing.T) {
	p := queue.Payment{Command: queue.Command{ID: "R1", AmountMinor: 1050, Currency: "SGD"}}
	for _, c := range []struct {
		told antom.Amount
		want queue.Verdict
	}{
		{antom.Amount{ValueMinor: 1050, Currency: "SGD"}, queue.VerdictPaid},
		{antom.Amount{}, queue.VerdictPaid}, // Antom may leave it out
		{antom.Amount{ValueMinor: 1051, Currency: "SGD"}, queue.VerdictInconsistent},
		{antom.Amount{ValueMinor: 1050, Currency: "JPY"}, queue.VerdictInconsistent},
	} {
		resp := inquiryAnswer("S", "SUCCESS", "SUCCESS")
		resp.PaymentAmount = c.told
		if got := answerAbout(p, resp, nil); got.Verdict != c.want {
			t.Errorf("told %+v: %s, want %s", c.told, got.Verdict, c.want)
		}
	}
}

// A refund is not given by the word about another payment's.
func TestAnAnswerAboutAnotherPaymentsRefundIsNone(t *testing.T) {
	r := queue.Refund{ID: "F1", PaymentID: "A1", RefundID: "B1"}
	for paymentID, want := range map[string]queue.Verdict{
		"A1": queue.VerdictRefunded, "": queue.VerdictRefunded, "A2": queue.VerdictUnknown,
	} {
		resp := antom.InquiryRefundResponse{
			Result: antom.Result{ResultStatus: "S"}, RefundID: "B1", RefundStatus: "SUCCESS", PaymentID: paymentID,
		}
		if got := answerAboutRefund(r, resp, nil); got.Verdict != want {
			t.Errorf("of payment %q: %s, want %s", paymentID, got.Verdict, want)
		}
	}
}

// Keys that change while a row is on its way to the disk are those that its request
// leaves with: the ones before may be refused by then, and the sale with them.
func TestAPayLeavesWithTheKeysInForce(t *testing.T) {
	signed := make(chan string, 1)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed <- r.Header.Get("Signature")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer gateway.Close()
	ours, err := antom.GenerateKey()
	must(t, err)
	antoms, err := antom.GenerateKey()
	must(t, err)
	o := antom.Options{
		BaseURL: gateway.URL + "/v2", ClientID: "T1", PrivateKey: ours, AntomKeys: []*rsa.PublicKey{antoms.Public()},
		KeyVersion: 1, Encryption: antom.EncryptionOff, Now: time.Now,
	}
	client, err := antom.New(o)
	must(t, err)
	a := newAcquirer(client)
	call := a.Pay(queue.Payment{Command: queue.Command{ID: "R1", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}})
	o.KeyVersion = 2
	next, err := client.Renew(o)
	must(t, err)
	a.renew(next)
	if got := call(t.Context()); got.Verdict != queue.VerdictUnknown {
		t.Fatalf("got %+v", got)
	}
	if got := <-signed; !strings.Contains(got, "keyVersion=2") {
		t.Errorf("signed as %q, want by key version 2", got)
	}
}
