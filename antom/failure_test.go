package antom

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// wantIgnorance checks the error of a pay that must not have been answered.
func wantIgnorance(t *testing.T, resp PayResponse, err error, sent bool, is error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %+v, %v, want an *Error", resp, err)
	}
	if e.Sent != sent || e.Op != "pay" {
		t.Errorf("got op %q, sent %v, want pay, %v: %v", e.Op, e.Sent, sent, err)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("got %v, want it to be %v", err, is)
	}
	if resp != (PayResponse{}) {
		t.Errorf("an error comes with an answer: %+v", resp)
	}
	want := Unknown
	if !sent {
		want = NotSent
	}
	if got := ConcludePay(resp, err); got != want {
		t.Errorf("concluded %q, want %q", got, want)
	}
	return e
}

func TestNothingIsSentWhereNobodyListens(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	g.server.Close()
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
}

func TestNothingIsSentWithoutAnAddress(t *testing.T) {
	g := newGateway(t)
	c := g.client(func(o *Options) { o.BaseURL = "https://gateway.invalid/openapi/v2" })
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		t.Errorf("got %v, want a *net.DNSError inside", err)
	}
}

func TestNothingIsSentUnderABadCertificate(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	resp, err := g.client(func(o *Options) { o.BaseURL = server.URL }).Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
	var bad *tls.CertificateVerificationError
	if !errors.As(err, &bad) {
		t.Errorf("got %v, want a certificate error inside", err)
	}
	if g.seen.Load() != 0 {
		t.Error("the gateway saw the request")
	}
}

func TestCertificatesAreJudgedByOurClock(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := g.client(func(o *Options) {
		o.BaseURL, o.RootCAs = server.URL, roots
		o.Now = func() time.Time { return server.Certificate().NotAfter.Add(time.Hour) }
	})
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
	var bad x509.CertificateInvalidError
	if !errors.As(err, &bad) || bad.Reason != x509.Expired {
		t.Errorf("got %v, want an expired certificate", err)
	}
}

func TestNothingIsSentBelowTLS12(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewUnstartedServer(g)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := g.client(func(o *Options) { o.BaseURL, o.RootCAs = server.URL, roots })
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
}

func TestNothingIsSentUnderACancelledContext(t *testing.T) {
	g := newGateway(t)
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	resp, err := g.client().Pay(ctx, testPay())
	wantIgnorance(t, resp, err, false, context.Canceled)
}

// hang says nothing until the other side has gone, and nothing then.
func hang(r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func TestSilenceUntilTheDeadlineMayHaveArrived(t *testing.T) {
	g := newGateway(t)
	ctx, cancel := context.WithCancel(testContext(t))
	g.hook = func(_ http.ResponseWriter, r *http.Request) { cancel(); hang(r) }
	resp, err := g.client().Pay(ctx, testPay())
	wantIgnorance(t, resp, err, true, context.Canceled)

	ctx, cancel = context.WithTimeout(testContext(t), time.Second) // an emulated processor signs slowly
	defer cancel()
	g.hook = func(_ http.ResponseWriter, r *http.Request) { hang(r) }
	resp, err = g.client().Pay(ctx, testPay())
	wantIgnorance(t, resp, err, true, context.DeadlineExceeded)
}

func TestSilenceOverTLSMayHaveArrived(t *testing.T) {
	g := newGateway(t)
	server := httptest.NewTLSServer(g)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	ctx, cancel := context.WithCancel(testContext(t))
	g.hook = func(_ http.ResponseWriter, r *http.Request) { cancel(); hang(r) }
	c := g.client(func(o *Options) { o.BaseURL, o.RootCAs = server.URL, roots })
	resp, err := c.Pay(ctx, testPay())
	wantIgnorance(t, resp, err, true, context.Canceled)
}

func TestHangUpAfterReadingMayHaveArrived(t *testing.T) {
	g := newGateway(t)
	g.hook = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	resp, err := g.client().Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, nil)
	if g.seen.Load() != 1 {
		t.Errorf("the gateway saw %d requests, want 1", g.seen.Load())
	}
}

func TestTruncatedBodyMayHaveArrived(t *testing.T) {
	g := newGateway(t)
	g.hook = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(paidBody)))
		_, _ = w.Write([]byte(paidBody[:50]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	resp, err := g.client().Pay(testContext(t), testPay())
	e := wantIgnorance(t, resp, err, true, io.ErrUnexpectedEOF)
	if e.HTTPStatus != 200 {
		t.Errorf("got HTTP status %d, want 200", e.HTTPStatus)
	}
}

func TestDeadKeptConnectionIsNotReplayed(t *testing.T) {
	g := newGateway(t)
	kept := map[string]int{}
	g.hook = func(w http.ResponseWriter, r *http.Request) {
		if kept[r.RemoteAddr]++; kept[r.RemoteAddr] > 1 {
			panic(http.ErrAbortHandler) // the second request of a connection is read, and dropped
		}
		g.write(w, r)
	}
	c := g.client()
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, nil)
	if g.seen.Load() != 2 {
		t.Errorf("the gateway saw %d requests, want 2", g.seen.Load())
	}
}

func TestProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	if os.Getenv("HTTP_PROXY") == "" { // net/http reads it once, so a process of its own is needed
		proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
		defer proxy.Close()
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxyOfTheEnvironmentIsNotAsked$")
		cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	c := newGateway(t).client(func(o *Options) { o.BaseURL = "http://gateway.invalid/v2" })
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
}

func TestDeadKeptConnectionThatTookNothingWasNotSent(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	transport := c.http.Transport.(*http.Transport)
	dial := transport.DialContext
	var kept *gate
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		kept, _ = conn.(*gate)
		return conn, err
	}
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	kept.mu.Lock()
	kept.shut = true // takes no byte any more, and the transport does not know
	kept.mu.Unlock()
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, nil)
	if g.seen.Load() != 1 {
		t.Errorf("the gateway saw %d requests, want 1", g.seen.Load())
	}
}

func TestGarbageInsteadOfHTTPMayHaveArrived(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = bufio.NewReader(conn).ReadString('\n')
		_, _ = conn.Write([]byte("\x02garbage\x03\r\n\r\n"))
		_ = conn.Close()
	}()
	g := newGateway(t)
	c := g.client(func(o *Options) { o.BaseURL = "http://" + listener.Addr().String() })
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, nil)
}
