package sandbox_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptrace"
	"strconv"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
)

// The suite is what a gateway must do for antom.Client, whoever plays the
// gateway: the stand-in here, a real one in suite_real_test.go. Files named
// suite… are the only ones here that know antom: they hold the two sides
// together, which share no code.

// far is a gateway to call.
type far struct {
	antom.Options
	method      string // of the payments to make; "" makes none
	amountMinor int64
	currency    string
	standIn     *sandbox.Server // nil: a real gateway
	refuses     bool            // its port can be closed and opened again
}

func (f far) client(t *testing.T) *antom.Client {
	t.Helper()
	c, err := antom.New(f.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// mode is a way to reach the stand-in.
type mode struct {
	secure     bool // HTTPS
	encryption antom.Encryption
	cipher     antom.Cipher
}

func modes() map[string]mode {
	return map[string]mode{
		"http, ecb":  {false, antom.EncryptionRSAAES, antom.CipherECB},
		"http, cbc":  {false, antom.EncryptionRSAAES, antom.CipherCBC},
		"http, gcm":  {false, antom.EncryptionRSAAES, antom.CipherGCM},
		"http, off":  {false, antom.EncryptionOff, ""},
		"https, ecb": {true, antom.EncryptionRSAAES, antom.CipherECB},
		"https, cbc": {true, antom.EncryptionRSAAES, antom.CipherCBC},
		"https, gcm": {true, antom.EncryptionRSAAES, antom.CipherGCM},
		"https, off": {true, antom.EncryptionOff, ""},
	}
}

// openStandIn serves a stand-in until the test ends. Change, and a listener other
// than the usual one, may be nil.
func openStandIn(t *testing.T, m mode, ln net.Listener, change func(*sandbox.Options)) far {
	t.Helper()
	f := far{method: "ALIPAY_CN", amountMinor: 1000, currency: "SGD", refuses: ln == nil}
	o := sandbox.Options{
		MerchantKey: &merchantKey().PublicKey, AntomKey: antomKey(), ClientID: terminal,
		Encryption: string(m.encryption), Cipher: string(m.cipher),
	}
	scheme := "http"
	if m.secure {
		cert, root, err := sandbox.NewCertificate(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		scheme, o.Certificate, f.RootCAs = "https", cert, x509.NewCertPool()
		f.RootCAs.AppendCertsFromPEM(root)
	}
	if change != nil {
		change(&o)
	}
	var err error
	if f.standIn, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}
	if ln == nil {
		if ln, err = sandbox.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	f.BaseURL = scheme + "://" + ln.Addr().String() + "/openapi/v2"
	f.ClientID, f.KeyVersion, f.SendExtendInfo = terminal, 1, true
	f.PrivateKey, f.AntomKeys = privateKey(t, merchantKey()), []*rsa.PublicKey{&antomKey().PublicKey}
	f.Encryption, f.Cipher, f.Now = m.encryption, m.cipher, time.Now
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.standIn.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return f
}

// privateKey takes a key over into antom the way a file would.
func privateKey(t *testing.T, key *rsa.PrivateKey) *antom.PrivateKey {
	t.Helper()
	ours, err := antom.ParsePrivateKey(pkcs8(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return ours
}

func TestTheSuiteHoldsForTheStandInInEveryMode(t *testing.T) {
	for name, m := range modes() {
		t.Run(name, func(t *testing.T) { suite(t, openStandIn(t, m, nil, nil)) })
	}
}

// suite runs everything that a gateway can be asked for.
func suite(t *testing.T, f far) {
	for _, part := range []struct {
		rule string
		test func(*testing.T, far)
	}{
		{"warming is followed by a call on the same connection", warmIsKept},
		{"a payment that nobody made is not found", unknownPayment},
		{"a refund of a payment that nobody made is refused", unknownRefund},
		{"a caller with another key learns nothing", wrongOwnKey},
		{"an answer under another key is not believed", wrongAntomKey},
		{"a payment is made once, found, and given back once", payAndRefund},
	} {
		t.Run(part.rule, func(t *testing.T) { part.test(t, f) })
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// fresh makes an id that nobody has used, at a real gateway neither.
func fresh() string { return "T" + strconv.FormatInt(time.Now().UnixNano(), 36) }

func wantConclusion(t *testing.T, what string, got antom.Conclusion, err error, want ...antom.Conclusion) {
	t.Helper()
	for _, c := range want {
		if got == c {
			return
		}
	}
	t.Fatalf("%s: got %s (%v), want one of %v", what, got, err, want)
}

func warmIsKept(t *testing.T, f far) {
	c := f.client(t)
	if err := c.Warm(within(t)); err != nil {
		t.Fatal(err)
	}
	if skew, known := c.Skew(); !known || skew.Abs() > time.Minute {
		t.Errorf("the clocks differ by %v, measured %v", skew, known)
	}
	kept := false
	ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { kept = got.Reused },
	})
	if _, err := c.InquiryPayment(ctx, antom.InquiryPaymentRequest{PaymentRequestID: fresh()}); err != nil {
		t.Fatal(err)
	}
	if !kept {
		t.Error("the second call opened a connection")
	}
}

func unknownPayment(t *testing.T, f far) {
	resp, err := f.client(t).InquiryPayment(within(t), antom.InquiryPaymentRequest{PaymentRequestID: fresh()})
	wantConclusion(t, "inquiryPayment", antom.ConcludeInquiry(resp, err), err, antom.NotFound)
}

func unknownRefund(t *testing.T, f far) {
	c := f.client(t)
	req := antom.RefundRequest{
		RefundRequestID: fresh(), PaymentID: "20260101" + fresh(),
		RefundAmount: antom.Amount{ValueMinor: 1, Currency: "SGD"},
	}
	gave, err := c.Refund(within(t), req)
	wantConclusion(t, "refund", antom.ConcludeRefund(gave, err), err, antom.Refused)
	resp, err := c.InquiryRefund(within(t), antom.InquiryRefundRequest{RefundID: "20260101" + fresh()})
	wantConclusion(t, "inquiryRefund", antom.ConcludeInquiryRefund(resp, err), err, antom.NotFound, antom.Open)
}

// A gateway that can't read our signature may say so unsigned, which is no answer,
// or signed, which speaks of the question alone.
func wrongOwnKey(t *testing.T, f far) {
	key, err := antom.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	f.PrivateKey = key
	resp, err := f.client(t).InquiryPayment(within(t), antom.InquiryPaymentRequest{PaymentRequestID: fresh()})
	wantConclusion(t, "inquiryPayment", antom.ConcludeInquiry(resp, err), err, antom.Unknown, antom.Open)
	var e *antom.Error
	if errors.As(err, &e) && e.UntrustedCode == "" && e.HTTPStatus == 0 {
		t.Errorf("the operator learns nothing: %v", err)
	}
}

func wrongAntomKey(t *testing.T, f far) {
	key, err := antom.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	f.AntomKeys = []*rsa.PublicKey{f.AntomKeys[0], key.Public()}
	resp, err := f.client(t).InquiryPayment(within(t), antom.InquiryPaymentRequest{PaymentRequestID: fresh()})
	wantConclusion(t, "with the right key beside it", antom.ConcludeInquiry(resp, err), err, antom.NotFound)
	f.AntomKeys = f.AntomKeys[1:]
	resp, err = f.client(t).InquiryPayment(within(t), antom.InquiryPaymentRequest{PaymentRequestID: fresh()})
	wantConclusion(t, "with another key alone", antom.ConcludeInquiry(resp, err), err, antom.Unknown)
	if !errors.Is(err, antom.ErrSignature) {
		t.Errorf("got %v, want a word about the signature", err)
	}
}
