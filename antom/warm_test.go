package antom

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// overTLS serves the gateway over TLS and counts connections.
func overTLS(tb testing.TB, h http.Handler) (server *httptest.Server, roots *x509.CertPool, opened *atomic.Int64) {
	opened = new(atomic.Int64)
	server = httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	tb.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots, opened
}

func TestTheFirstSaleAfterWarmingOpensNoConnection(t *testing.T) {
	g := newGateway(t)
	server, roots, opened := overTLS(t, g)
	c := g.client(func(o *Options) { o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots })
	if err := c.Warm(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if _, known := c.Skew(); !known || opened.Load() != 1 {
		t.Errorf("after warming: %d connections, clock measured %v, want 1 and true", opened.Load(), known)
	}
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d connections after the sale, want 1", got)
	}
}

func TestAnyAnswerOfAntomsWarms(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) { s.plain = `{"result":{"resultStatus":"F","resultCode":"INVALID_API"}}` }
	if err := g.client().Warm(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestWarmingTellsOfWrongKeysBeforeASale(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) { s.signer = testPairs().stranger }
	err := g.client().Warm(testContext(t))
	var e *Error
	if !errors.As(err, &e) || e.Op != "diagnosis" || !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}
