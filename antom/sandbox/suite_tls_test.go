package sandbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
)

func TestTheCertificateIsForLoopbackAndAMonth(t *testing.T) {
	now := time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC)
	cert, root, err := sandbox.NewCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(root)
	if block == nil || len(rest) != 0 || string(block.Bytes) != string(cert.Certificate[0]) {
		t.Fatalf("the PEM is not the certificate: %s", root)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	for name, want := range map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "127.0.0.2": false, "host": false} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); (err == nil) != want {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(31 * 24 * time.Hour)}); err == nil {
		t.Error("it is valid for more than a month")
	}
	if again, _, err := sandbox.NewCertificate(now); err != nil || again.PrivateKey == cert.PrivateKey {
		t.Errorf("two certificates have one key: %v", err)
	}
}

func TestAStandInWhoseRootIsNotKnownHearsNothing(t *testing.T) {
	f := openStandIn(t, modes()["https, ecb"], nil, nil)
	f.RootCAs = x509.NewCertPool()
	resp, err := f.client(t).Pay(within(t), antom.PayRequest{
		PaymentRequestID: fresh(), PaymentMethod: f.method, PaymentAmount: antom.Amount{ValueMinor: 1, Currency: "SGD"},
	})
	wantConclusion(t, "pay", antom.ConcludePay(resp, err), err, antom.NotSent)
	var bad *tls.CertificateVerificationError
	if !errors.As(err, &bad) || len(f.standIn.History()) != 0 {
		t.Errorf("got %v, history %v", err, f.standIn.History())
	}
}

func TestPlainHTTPIsNotServedUnderACertificate(t *testing.T) {
	f := openStandIn(t, modes()["https, off"], nil, nil)
	f.BaseURL = strings.Replace(f.BaseURL, "https:", "http:", 1)
	if err := f.client(t).Warm(within(t)); err == nil || len(f.standIn.History()) != 0 {
		t.Errorf("got %v, history %v", err, f.standIn.History())
	}
}

// While the port is shut somebody else may take it; it is taken back.
func TestAPortThatWasTakenIsTakenBack(t *testing.T) {
	f := openStandIn(t, modes()["http, ecb"], nil, nil)
	host, _, _ := strings.Cut(strings.TrimPrefix(f.BaseURL, "http://"), "/")
	if err := f.standIn.Arm(sandbox.Plan{Name: "refuse", Path: diagnosis, Duration: time.Hour}); err != nil {
		t.Fatal(err)
	}
	c := f.client(t)
	if err := c.Warm(within(t)); err == nil {
		t.Fatal("a refused call is answered")
	}
	if err := c.Warm(within(t)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("got %v, want a refused connection", err)
	}
	squatter, err := net.Listen("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	f.standIn.Disarm()
	if err := squatter.Close(); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		if err = c.Warm(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}
