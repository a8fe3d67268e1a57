package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func TestUnverifiedRequestsAreRefusedUnsigned(t *testing.T) {
	good := payBody("R1", 1050)
	for name, bend := range map[string]func(*letterOut){
		"changed body":         func(l *letterOut) { l.spoil = func(b []byte) []byte { b[0] ^= 1; return b } },
		"changed time":         func(l *letterOut) { l.bend = func(h http.Header) { h.Set("Request-Time", "x") } },
		"no signature":         func(l *letterOut) { l.bend = func(h http.Header) { h.Del("Signature") } },
		"two signatures":       func(l *letterOut) { l.bend = func(h http.Header) { h.Add("Signature", h.Get("Signature")) } },
		"no Client-Id":         func(l *letterOut) { l.bend = func(h http.Header) { h.Del("Client-Id") } },
		"no Request-Time":      func(l *letterOut) { l.bend = func(h http.Header) { h.Del("Request-Time") } },
		"algorithm RSA512":     func(l *letterOut) { l.algorithm = "RSA512" },
		"algorithm lower case": func(l *letterOut) { l.algorithm = "rsa256" },
		"unknown keyVersion":   func(l *letterOut) { l.version = "2" },
		"keyVersion no number": func(l *letterOut) { l.version = "one" },
		"not URL-encoded":      func(l *letterOut) { l.signature = base64.StdEncoding.EncodeToString },
		"URL-safe base64":      func(l *letterOut) { l.signature = base64.URLEncoding.EncodeToString },
		"line break": func(l *letterOut) {
			encoded := l.signature
			l.signature = func(raw []byte) string { return encoded(raw) + "%0A" }
		},
		"signature cut":         func(l *letterOut) { l.signature = func([]byte) string { return "AAAA" } },
		"signed for other path": func(l *letterOut) { l.prefix = "/v2" },
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			l := g.letter("pay", good)
			bend(l)
			r := g.send(t.Context(), l)
			if r.signed || r.encrypted || r.result() != "F INVALID_SIGNATURE" {
				t.Errorf("got signed=%v encrypted=%v %v %s", r.signed, r.encrypted, r.err, r.raw)
			}
			g.wantCharges("R1", 0)
			if e := g.srv.History()[0]; e.Verified || e.Refusal == "" {
				t.Errorf("got event %+v", e)
			}
		})
	}
}

func TestHeadersAreTakenStrictly(t *testing.T) {
	at := time.Date(2026, 8, 23, 4, 8, 56, 253e6, time.UTC)
	header := func(name, value string) func(*letterOut) {
		return func(l *letterOut) { l.bend = func(h http.Header) { h.Set(name, value) } }
	}
	stamp := func(layout string) func(*letterOut) {
		return func(l *letterOut) { l.stamp = at.Format(layout) }
	}
	for name, c := range map[string]struct {
		code string
		bend func(*letterOut)
	}{
		"time with Z":             {"PARAM_ILLEGAL", stamp("2006-01-02T15:04:05.000Z")},
		"time without millis":     {"PARAM_ILLEGAL", stamp("2006-01-02T15:04:05-07:00")},
		"time with a comma":       {"PARAM_ILLEGAL", stamp("2006-01-02T15:04:05,000-07:00")},
		"time with microseconds":  {"PARAM_ILLEGAL", stamp("2006-01-02T15:04:05.000000-07:00")},
		"time in epoch millis":    {"PARAM_ILLEGAL", func(l *letterOut) { l.stamp = fmt.Sprint(at.UnixMilli()) }},
		"offset without colon":    {"PARAM_ILLEGAL", stamp("2006-01-02T15:04:05.000-0700")},
		"no charset":              {"PARAM_ILLEGAL", func(l *letterOut) { l.contentType = "application/json" }},
		"other charset":           {"PARAM_ILLEGAL", func(l *letterOut) { l.contentType = "application/json; charset=GBK" }},
		"text":                    {"PARAM_ILLEGAL", func(l *letterOut) { l.contentType = "text/plain; charset=UTF-8" }},
		"unknown Client-Id":       {"CLIENT_INVALID", func(l *letterOut) { l.clientID = "N950SN0000002" }},
		"no such call":            {"INVALID_API", func(l *letterOut) { l.path = "/openapi/v2/payments/cancel" }},
		"PUT":                     {"METHOD_NOT_SUPPORTED", func(l *letterOut) { l.method = "PUT" }},
		"Encrypt algorithm":       {"INVALID_ENCRPT_DATA", header("Encrypt", "algorithm=AES,keyVersion=1,symmetricKey=x")},
		"Encrypt keyVersion":      {"KEY_NOT_FOUND", header("Encrypt", "algorithm=RSA_AES,keyVersion=7,symmetricKey=x")},
		"symmetricKey garbled":    {"INVALID_ENCRPT_DATA", header("Encrypt", "algorithm=RSA_AES,keyVersion=1,symmetricKey=AAAA")},
		"symmetricKey too short":  {"INVALID_ENCRPT_DATA", func(l *letterOut) { l.key = "k9Qw2ZrT7mLx4VbN" }},
		"symmetricKey with signs": {"INVALID_ENCRPT_DATA", func(l *letterOut) { l.key = "k9Qw2ZrT7mLx4VbN-cYh3JfD6sPg1AeU" }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			l := g.letter("pay", payBody("R1", 1050))
			c.bend(l)
			r := g.send(t.Context(), l)
			wantTrue(t, r, "F "+c.code)
			g.wantCharges("R1", 0)
		})
	}
}

func TestBodyMustBeEncryptedWhenItMust(t *testing.T) {
	g := newRig(t, nil)
	g.cipher = ""
	if r := g.pay("R1", 1050); !r.verified || r.encrypted || r.result() != "F INVALID_ENCRPT_DATA" {
		t.Errorf("got verified=%v %s for a request in the clear", r.verified, r.clear)
	}
	g = newRig(t, func(o *sandbox.Options) { o.Encryption = "off" })
	g.cipher = "ecb"
	if r := g.pay("R1", 1050); !r.verified || r.result() != "F INVALID_ENCRPT_DATA" {
		t.Errorf("got verified=%v %s for an encrypted request with encryption off", r.verified, r.clear)
	}
	g = newRig(t, nil)
	g.cipher = "gcm"
	g.pay("R1", 1050) // the caller cannot read the answer, which is in the other cipher
	if e := g.srv.History()[0]; e.ResultCode != "INVALID_ENCRPT_DATA" || !e.Verified || e.Encrypted {
		t.Errorf("got event %+v for another cipher", e)
	}
	g.wantCharges("R1", 0)
}

func TestBodiesAreTakenStrictly(t *testing.T) {
	long := strings.Repeat("x", 300)
	pay := func(id, amount string) string {
		return `{"paymentRequestId":` + id + `,"paymentMethod":"M","paymentAmount":` + amount + `,"extendInfo":""}`
	}
	const fine = `{"value":1,"currency":"SGD"}`
	for name, c := range map[string]struct{ call, body string }{
		"no extendInfo":      {"pay", `{"paymentRequestId":"R1","paymentMethod":"M","paymentAmount":{"value":1,"currency":"SGD"}}`},
		"extendInfo object":  {"diagnosis", `{"extendInfo":{}}`},
		"hyphen in id":       {"pay", pay(`"R-1"`, fine)},
		"empty id":           {"pay", pay(`""`, fine)},
		"id of 65":           {"pay", pay(`"`+long[:65]+`"`, fine)},
		"id a number":        {"pay", pay(`1`, fine)},
		"id null":            {"pay", pay(`null`, fine)},
		"amount in a string": {"pay", pay(`"R1"`, `{"value":"1","currency":"SGD"}`)},
		"fraction":           {"pay", pay(`"R1"`, `{"value":1.0,"currency":"SGD"}`)},
		"exponent":           {"pay", pay(`"R1"`, `{"value":1e2,"currency":"SGD"}`)},
		"negative":           {"pay", pay(`"R1"`, `{"value":-1,"currency":"SGD"}`)},
		"beyond 31 bits":     {"pay", pay(`"R1"`, `{"value":2147483648,"currency":"SGD"}`)},
		"currency in lower":  {"pay", pay(`"R1"`, `{"value":1,"currency":"sgd"}`)},
		"no currency":        {"pay", pay(`"R1"`, `{"value":1}`)},
		"amount twice":       {"pay", pay(`"R1"`, `{"value":1,"value":2,"currency":"SGD"}`)},
		"member twice":       {"inquiryPayment", `{"paymentRequestId":"R1","paymentRequestId":"R2","extendInfo":""}`},
		"unknown member":     {"inquiryPayment", `{"paymentRequestID":"R1","paymentRequestId":"R1","extendInfo":""}`},
		"other case":         {"inquiryPayment", `{"PaymentRequestId":"R1","extendInfo":""}`},
		"bytes behind":       {"diagnosis", `{"extendInfo":""} {}`},
		"an array":           {"diagnosis", `[]`},
		"cut":                {"diagnosis", `{"extendInfo":""`},
		"nothing":            {"diagnosis", ``},
		"not UTF-8":          {"diagnosis", "{\"extendInfo\":\"\xff\"}"},
		"long order id":      {"pay", `{"paymentRequestId":"R1","paymentMethod":"M","paymentAmount":` + fine + `,"originalMerchantOrderId":"` + long + `","extendInfo":""}`},
		"long memo":          {"refund", `{"refundRequestId":"B1","paymentId":"P1","memo":"` + long + `","extendInfo":""}`},
		"refund by request":  {"inquiryRefund", `{"refundRequestId":"B1","extendInfo":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			wantTrue(t, g.ask(c.call, c.body), "F PARAM_ILLEGAL")
			g.wantCharges("R1", 0)
		})
	}
}

func TestLimitsThemselvesAreTaken(t *testing.T) {
	g := newRig(t, func(o *sandbox.Options) { o.AllowMissingExtendInfo = true; o.PlainAmounts = true })
	id := strings.Repeat("Z", 64)
	body := `{"paymentRequestId":"` + id + `","paymentMethod":"M","paymentAmount":{"value":2147483647,"currency":"SGD"},` +
		`"originalMerchantOrderId":"` + strings.Repeat("é", 255) + `"}`
	wantTrue(t, g.ask("pay", body), "S SUCCESS")
	g.wantCharges(id, 1)
}

func TestBodyBeyondItsLimitGetsNoAnswer(t *testing.T) {
	g := newRig(t, func(o *sandbox.Options) { o.Encryption = "off" })
	r := g.ask("diagnosis", `{"extendInfo":"`+strings.Repeat("x", 1<<20)+`"}`)
	if r.err == nil {
		t.Errorf("got an answer to a body beyond 1 MiB: %s", r.raw)
	}
	g.await(func(e sandbox.Event) bool {
		return e.Stage == sandbox.StageOver && strings.Contains(e.Refusal, "longer than 1048576")
	})
}
