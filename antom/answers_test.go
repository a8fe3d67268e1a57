package antom

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnswersThatAreNone(t *testing.T) {
	p := testPairs()
	header := func(name, value string) func(*spoken) {
		return func(s *spoken) { s.header = func(h http.Header) { h.Set(name, value) } }
	}
	wire := func(text string) func(*spoken) {
		return func(s *spoken) { s.onWire = func([]byte) []byte { return []byte(text) } }
	}
	body := func(text string) func(*spoken) { return func(s *spoken) { s.plain = text } }
	for name, c := range map[string]struct {
		speak func(*spoken)
		is    error
	}{
		"unsigned":                    {func(s *spoken) { s.signer = nil }, ErrUnsigned},
		"signed by a stranger":        {func(s *spoken) { s.signer = p.stranger }, ErrSignature},
		"signed by ourselves":         {func(s *spoken) { s.signer = p.ours }, ErrSignature},
		"signed for other path":       {func(s *spoken) { s.uri = "/openapi/v2/payments/refund" }, ErrSignature},
		"body changed":                {func(s *spoken) { s.onWire = func(b []byte) []byte { b[7] ^= 1; return b } }, ErrSignature},
		"a space after body":          {func(s *spoken) { s.onWire = func(b []byte) []byte { return append(b, ' ') } }, ErrSignature},
		"time changed":                {header("Response-Time", "2026-08-23T12:08:57.999+08:00"), ErrSignature},
		"client id changed":           {header("Client-Id", "N950SN0000002"), ErrSignature},
		"other algorithm":             {header("Signature", "algorithm=NONE,keyVersion=1,signature=QUJD"), ErrSignature},
		"signature empty":             {header("Signature", "algorithm=RSA256,keyVersion=1,signature="), ErrSignature},
		"signature not base64":        {header("Signature", "signature=%ZZ"), ErrSignature},
		"no client id":                {func(s *spoken) { s.header = func(h http.Header) { h.Del("Client-Id") } }, ErrSignature},
		"no time":                     {func(s *spoken) { s.header = func(h http.Header) { h.Del("Response-Time") } }, ErrSignature},
		"two signatures":              {func(s *spoken) { s.header = func(h http.Header) { h.Add("Signature", "signature=QUJD") } }, ErrSignature},
		"signed for another terminal": {func(s *spoken) { s.clientID = "N950SN0000002" }, ErrMisfit},
		"an hour old":                 {func(s *spoken) { s.time = testNow.Add(-time.Hour) }, ErrStale},
		"61 s old":                    {func(s *spoken) { s.time = testNow.Add(-61 * time.Second) }, ErrStale},
		"encrypted to another":        {func(s *spoken) { s.sealTo = &p.stranger.PublicKey }, ErrDecrypt},
		"not encrypted":               {func(s *spoken) { s.sealTo = nil }, ErrDecrypt},
		"no encrypt header":           {func(s *spoken) { s.header = func(h http.Header) { h.Del("Encrypt") } }, ErrDecrypt},
		"encrypt header broken":       {header("Encrypt", "symmetricKey"), ErrDecrypt},
		"no result":                   {body(`{"paymentId":"P1"}`), ErrMalformed},
		"result null":                 {body(`{"result":null}`), ErrMalformed},
		"result a string":             {body(`{"result":"S"}`), ErrMalformed},
		"signed array":                {body(`[{"result":{"resultStatus":"S"}}]`), ErrMalformed},
		"signed null":                 {body(`null`), ErrMalformed},
		"bytes after it":              {body(paidBody + paidBody), ErrMalformed},
		"truncated JSON":              {body(paidBody[:40]), ErrMalformed},
		"member twice":                {body(`{"result":{"resultStatus":"F"},"result":{"resultStatus":"S"}}`), ErrMalformed},
		"inner member twice":          {body(`{"result":{"resultStatus":"F","resultStatus":"S"}}`), ErrMalformed},
		"not UTF-8":                   {body("{\"result\":{\"resultStatus\":\"S\"},\"x\":\"\xff\"}"), ErrMalformed},
		"empty":                       {wire(""), ErrSignature},
		"502 HTML":                    {func(s *spoken) { s.status = 502; wire("<html>Bad Gateway</html>")(s) }, ErrHTTPStatus},
		"signed S at 500":             {func(s *spoken) { s.status = 500 }, ErrHTTPStatus},
		"redirect with body":          {func(s *spoken) { s.status = 307; header("Location", "/elsewhere")(s) }, ErrHTTPStatus},
		"redirect":                    {func(s *spoken) { s.status = 302; header("Location", "/elsewhere")(s) }, ErrHTTPStatus},
		"redirect to nowhere":         {func(s *spoken) { s.status = 302; header("Location", "http://[bad")(s) }, nil},
		"huge":                        {func(s *spoken) { s.onWire = func([]byte) []byte { return bytes.Repeat([]byte("a"), maxBody+1) } }, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			g.speak = c.speak
			resp, err := g.client().Pay(testContext(t), testPay())
			wantIgnorance(t, resp, err, true, c.is)
			if got := g.seen.Load(); got != 1 {
				t.Errorf("the gateway saw %d requests, want 1", got)
			}
		})
	}
}

// Whoever looks for what is wrong with keys and settings needs to tell these apart.
func TestAnUnsignedAnswerAndAnotherCipherAreToldApart(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) { s.signer = nil }
	if _, err := g.client().Pay(testContext(t), testPay()); !errors.Is(err, ErrUnsigned) || !errors.Is(err, ErrSignature) {
		t.Errorf("unsigned: got %v", err)
	}
	g.speak = func(s *spoken) { s.signer = testPairs().stranger }
	if _, err := g.client().Pay(testContext(t), testPay()); errors.Is(err, ErrUnsigned) {
		t.Errorf("signed by a stranger: got %v", err)
	}
	g.speak, g.mode = nil, CipherGCM
	c := g.client(func(o *Options) { o.Cipher = CipherCBC })
	g.hook = g.write
	if _, err := c.Pay(testContext(t), testPay()); !errors.Is(err, ErrCipher) || !errors.Is(err, ErrDecrypt) {
		t.Errorf("another cipher: got %v", err)
	}
	g.speak = func(s *spoken) { s.sealTo = &testPairs().stranger.PublicKey }
	if _, err := c.Pay(testContext(t), testPay()); errors.Is(err, ErrCipher) {
		t.Errorf("another key: got %v", err)
	}
}

func TestAnAnswerOfExactlyTheLimitIsRead(t *testing.T) {
	g := newGateway(t)
	g.plain = true
	g.speak = func(s *spoken) {
		s.plain = paidBody + strings.Repeat(" ", maxBody-len(paidBody))
	}
	if _, err := g.client().Pay(testContext(t), testPay()); err != nil {
		t.Error(err)
	}
}

func TestUntrustedWordsAreCarriedAndMarked(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.signer, s.sealTo, s.status = nil, nil, 400
		s.plain = `{"result":{"resultStatus":"F","resultCode":"INVALID_SIGNATURE","resultMessage":"` + strings.Repeat("é", 300) + `"}}`
	}
	resp, err := g.client().Pay(testContext(t), testPay())
	e := wantIgnorance(t, resp, err, true, ErrSignature)
	if e.HTTPStatus != 400 || e.UntrustedStatus != "F" || e.UntrustedCode != "INVALID_SIGNATURE" || e.UntrustedText != strings.Repeat("é", 256) {
		t.Errorf("got %+v", *e)
	}
	if !strings.Contains(err.Error(), `unverified, it says "F" "INVALID_SIGNATURE"`) {
		t.Errorf("got %q", err)
	}
}

func TestEncryptedAnswerWithEncryptionOffIsNone(t *testing.T) {
	g := newGateway(t)
	g.plain = true
	g.speak = func(s *spoken) { s.sealTo = &testPairs().ours.PublicKey }
	resp, err := g.client().Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, ErrMalformed)
}

// echoing are the calls whose answers name what was asked about, with R1.
func echoing(ctx context.Context, c *Client) map[string]func() error {
	return map[string]func() error{
		"paymentRequestId": func() error {
			_, err := c.InquiryPayment(ctx, InquiryPaymentRequest{PaymentRequestID: "R1"})
			return err
		},
		"refundRequestId": func() error {
			_, err := c.Refund(ctx, RefundRequest{"R1", "P1", Amount{1, "SGD"}, "", "", ""})
			return err
		},
		"refundId": func() error { _, err := c.InquiryRefund(ctx, InquiryRefundRequest{RefundID: "R1"}); return err },
	}
}

func TestEchoedIDMustBeTheOneAskedAbout(t *testing.T) {
	g := newGateway(t)
	server, roots, _ := overTLS(t, g)
	secure := func(o *Options) { o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots }
	for way, c := range map[string]*Client{"http": g.client(), "https": g.client(secure)} {
		for field, ask := range echoing(testContext(t), c) {
			g.speak = func(s *spoken) { s.plain = `{"result":{"resultStatus":"S"},"` + field + `":"R2"}` }
			if err := ask(); !errors.Is(err, ErrMisfit) {
				t.Errorf("%s, %s of another: got %v", way, field, err)
			}
			g.speak = func(s *spoken) { s.plain = `{"result":{"resultStatus":"S"},"` + field + `":"R1"}` }
			if err := ask(); err != nil {
				t.Errorf("%s, the right %s: got %v", way, field, err)
			}
		}
	}
}

// Over plain http whoever holds an answer back can give it to another question, if
// it names none. What says nothing of a payment or refund needs no name.
func TestOverPlainHTTPAnAnswerThatSaysSomethingNamesItsQuestion(t *testing.T) {
	g := newGateway(t)
	server, roots, _ := overTLS(t, g)
	secure := func(o *Options) { o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots }
	for way, c := range map[string]*Client{"http": g.client(), "https": g.client(secure)} {
		for field, ask := range echoing(testContext(t), c) {
			for result, says := range map[string]bool{
				`"S"`: true,
				`"F","resultCode":"DPOS_PAYMENT_ORDER_NOT_EXIST"`: field != "refundRequestId",
				`"F","resultCode":"refund_not_exist"`:             field != "refundRequestId",
				`"F","resultCode":"PARAM_ILLEGAL"`:                false,
				`"U","resultCode":"UNKNOWN_EXCEPTION"`:            false,
			} {
				for _, name := range []string{"", `,"` + field + `":""`, `,"` + field + `":null`} {
					g.speak = func(s *spoken) { s.plain = `{"result":{"resultStatus":` + result + `}` + name + `}` }
					want := way == "http" && says
					if err := ask(); (err != nil) != want || want && !errors.Is(err, ErrMisfit) {
						t.Errorf("%s, %s without %s%s: got %v", way, result, field, name, err)
					}
				}
			}
		}
	}
}

func TestUnreadableAmountIsNoAnswer(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) {
		s.plain = `{"result":{"resultStatus":"S"},"paymentRequestId":"R1","paymentStatus":"SUCCESS","paymentAmount":{"value":10.5,"currency":"SGD"}}`
	}
	resp, err := g.client().InquiryPayment(testContext(t), InquiryPaymentRequest{PaymentRequestID: "R1"})
	if !errors.Is(err, ErrMalformed) || resp != (InquiryPaymentResponse{}) {
		t.Errorf("got %+v, %v", resp, err)
	}
}
