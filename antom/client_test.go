package antom

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPayIsAnsweredInEveryMode(t *testing.T) {
	for _, mode := range []Cipher{CipherECB, CipherCBC, CipherGCM, ""} {
		t.Run("mode "+string(mode), func(t *testing.T) {
			g := newGateway(t)
			g.mode, g.plain = mode, mode == ""
			resp, err := g.client().Pay(testContext(t), testPay())
			if err != nil {
				t.Fatal(err)
			}
			if resp.Result.ResultStatus != ResultS || resp.PaymentID != "2026082319401089010011100000123456" {
				t.Errorf("got %+v", resp)
			}
			want := `{"paymentRequestId":"R03_20260823_000117","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"},"extendInfo":""}`
			if got := *g.lastBody.Load(); got != want {
				t.Errorf("body sent\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestHeadersAreThoseOfTheProtocol(t *testing.T) {
	g := newGateway(t)
	c := g.client(func(o *Options) { o.Now = func() time.Time { return testNow.UTC() } })
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	head := *g.lastHead.Load()
	for name, want := range map[string]string{
		"Client-Id":       testClientID,
		"Request-Time":    "2026-08-23T04:08:56.253+00:00", // an offset, never Z
		"Content-Type":    "application/json; charset=UTF-8",
		"Accept":          "text/plain,text/xml,text/javascript,text/html,application/json",
		"Idempotency-Key": "",
		"Accept-Encoding": "",
	} {
		if got := head.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestAllFiveCallsReadTheirAnswers(t *testing.T) {
	g := newGateway(t)
	c, ctx := g.client(), testContext(t)
	say := func(body string) { g.speak = func(s *spoken) { s.plain = body } }
	const ok = `{"result":{"resultStatus":"S","resultCode":"SUCCESS"},`
	result := Result{ResultStatus: "S", ResultCode: "SUCCESS"}

	say(ok + `"networkStatus":"Y","printerStatus":"N","globalStatus":"Y"}`)
	diagnosis, err := c.Diagnosis(ctx, DiagnosisRequest{})
	if want := (DiagnosisResponse{result, "Y", "N", "Y"}); err != nil || diagnosis != want {
		t.Errorf("diagnosis: got %+v, %v, want %+v", diagnosis, err, want)
	}

	say(ok + `"paymentId":"P1","paymentReceipt":{"cashierReceipt":"{\"a\":1}","customerReceipt":"{\"b\":2}"}}`)
	pay, err := c.Pay(ctx, testPay())
	receipts := pay.PaymentReceipt
	if err != nil || pay.PaymentID != "P1" || receipts.CashierReceipt.Reveal() != `{"a":1}` || receipts.CustomerReceipt.Reveal() != `{"b":2}` {
		t.Errorf("pay: got %+v, %v", pay, err)
	}

	say(ok + `"paymentRequestId":"R1","paymentId":"P1","paymentStatus":"SUCCESS","paymentCreateTime":"t0","paymentTime":"t1",
		"paymentAmount":{"value":"1050","currency":"SGD"},"paymentMethod":{"paymentMethodType":"CARD"}}`)
	inquiry, err := c.InquiryPayment(ctx, InquiryPaymentRequest{PaymentRequestID: "R1"})
	want := InquiryPaymentResponse{result, "R1", "P1", PaymentSuccess, "t0", "t1", Amount{1050, "SGD"}, `{"paymentMethodType":"CARD"}`}
	if err != nil || inquiry != want {
		t.Errorf("inquiryPayment: got %+v, %v, want %+v", inquiry, err, want)
	}

	say(ok + `"refundRequestId":"F1","refundId":"A1"}`)
	refund, err := c.Refund(ctx, RefundRequest{RefundRequestID: "F1", PaymentID: "P1", RefundAmount: Amount{1050, "SGD"}, Memo: "wrong"})
	if want := (RefundResponse{result, "F1", "A1"}); err != nil || refund != want {
		t.Errorf("refund: got %+v, %v, want %+v", refund, err, want)
	}
	if got, want := *g.lastBody.Load(), `{"refundRequestId":"F1","paymentId":"P1","refundAmount":{"value":1050,"currency":"SGD"},"memo":"wrong","extendInfo":""}`; got != want {
		t.Errorf("refund sent\n got %s\nwant %s", got, want)
	}

	say(ok + `"refundId":"A1","refundStatus":"SUCCESS","refundTime":"t2","paymentId":"P1"}`)
	inquiryRefund, err := c.InquiryRefund(ctx, InquiryRefundRequest{RefundID: "A1"})
	if want := (InquiryRefundResponse{result, "A1", RefundSuccess, "t2", "P1"}); err != nil || inquiryRefund != want {
		t.Errorf("inquiryRefund: got %+v, %v, want %+v", inquiryRefund, err, want)
	}
}

func TestExtendInfoIsSentOrLeftOutAsSet(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) { s.plain = `{"result":{"resultStatus":"U"}}` }
	ctx := testContext(t)
	calls := []func(*Client) error{
		func(c *Client) error { _, err := c.Diagnosis(ctx, DiagnosisRequest{"x"}); return err },
		func(c *Client) error { r := testPay(); r.ExtendInfo = "x"; _, err := c.Pay(ctx, r); return err },
		func(c *Client) error { _, err := c.InquiryPayment(ctx, InquiryPaymentRequest{"R1", "x"}); return err },
		func(c *Client) error {
			_, err := c.Refund(ctx, RefundRequest{"F1", "P1", Amount{1, "SGD"}, "", "", "x"})
			return err
		},
		func(c *Client) error { _, err := c.InquiryRefund(ctx, InquiryRefundRequest{"A1", "x"}); return err },
	}
	for _, send := range []bool{true, false} {
		c := g.client(func(o *Options) { o.SendExtendInfo = send })
		for i, call := range calls {
			if err := call(c); err != nil {
				t.Fatal(err)
			}
			if got := *g.lastBody.Load(); strings.Contains(got, `"extendInfo":"x"`) != send {
				t.Errorf("call %d, sending %v: body %s", i, send, got)
			}
		}
	}
}

func TestURIPrefixIsSignedInPlaceOfThePath(t *testing.T) {
	g := newGateway(t)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI = strings.Replace(r.RequestURI, "/shop/antom", "/openapi/v2", 1)
		g.ServeHTTP(w, r)
	}))
	defer outside.Close()
	c := g.client(func(o *Options) { o.BaseURL, o.URIPrefix = outside.URL+"/shop/antom/", "/openapi/v2/" })
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Error(err)
	}
}

func TestEitherKeyOfARotationIsBelieved(t *testing.T) {
	p := testPairs()
	g := newGateway(t)
	c := g.client(func(o *Options) { o.AntomKeys = []*rsa.PublicKey{&p.antom.PublicKey, &p.next.PublicKey} })
	for _, signer := range []*rsa.PrivateKey{p.antom, p.next} {
		g.speak = func(s *spoken) { s.signer = signer }
		if _, err := c.Pay(testContext(t), testPay()); err != nil {
			t.Error(err)
		}
	}
	g.speak = func(s *spoken) { s.signer = p.stranger }
	if _, err := c.Pay(testContext(t), testPay()); err == nil {
		t.Error("a third key is believed")
	}
}

func TestEitherTimeHeaderIsTaken(t *testing.T) {
	for _, name := range []string{"Request-Time", "Response-Time", "response-time", "REQUEST-TIME"} {
		g := newGateway(t)
		g.speak = func(s *spoken) { s.timeName = name }
		if _, err := g.client().Pay(testContext(t), testPay()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.header = func(h http.Header) { h.Set("Request-Time", "2026-08-23T12:08:56.253+08:00") } // ours, echoed
	}
	if _, err := g.client().Pay(testContext(t), testPay()); err != nil {
		t.Errorf("both headers: %v", err)
	}
}

func TestSignatureNotURLEncodedIsTaken(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.header = func(h http.Header) {
			h.Set("Signature", strings.NewReplacer("%2B", "+", "%2F", "/", "%3D", "=").Replace(h.Get("Signature")))
		}
	}
	if _, err := g.client().Pay(testContext(t), testPay()); err != nil {
		t.Error(err)
	}
}

func TestSignedAnswerAtHTTP400IsAnAnswer(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.status, s.plain = 400, `{"result":{"resultStatus":"F","resultCode":"PARAM_ILLEGAL"}}`
	}
	resp, err := g.client().Pay(testContext(t), testPay())
	if err != nil || resp.Result.ResultCode != "PARAM_ILLEGAL" {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestMissingOrUnknownStatusCountsAsU(t *testing.T) {
	for _, result := range []string{`{}`, `{"resultStatus":"X"}`, `{"resultStatus":1}`, `{"resultStatus":null}`, `{"resultStatus":"s"}`, `{"resultstatus":"S"}`} {
		g := newGateway(t)
		g.speak = func(s *spoken) { s.plain = `{"result":` + result + `}` }
		resp, err := g.client().Pay(testContext(t), testPay())
		if err != nil || resp.Result.ResultStatus != ResultU {
			t.Errorf("%s: got %+v, %v", result, resp.Result, err)
		}
	}
}

func TestOneConnectionServesManyCalls(t *testing.T) {
	g := newGateway(t)
	addresses := map[string]bool{}
	c := g.client()
	g.hook = func(w http.ResponseWriter, r *http.Request) { addresses[r.RemoteAddr] = true; g.write(w, r) }
	for range 5 {
		if _, err := c.Pay(testContext(t), testPay()); err != nil {
			t.Fatal(err)
		}
	}
	if len(addresses) != 1 {
		t.Errorf("%d connections for five calls, want 1", len(addresses))
	}
}

func TestTLSWithACAOfOurOwn(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewUnstartedServer(g)
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := g.client(func(o *Options) { o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots })
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Error(err)
	}
}
