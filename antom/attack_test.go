package antom

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// wire is a server that answers with whatever bytes a test wants: honest is what
// the gateway would have said to the request.
func wire(t *testing.T, g *gateway, answer func(conn net.Conn, honest *httptest.ResponseRecorder)) *Client {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		honest := httptest.NewRecorder()
		g.write(honest, r)
		answer(conn, honest)
	}()
	t.Cleanup(func() { _ = listener.Close(); <-served })
	return g.client(func(o *Options) { o.BaseURL = "http://" + listener.Addr().String() + "/openapi/v2" })
}

// head writes a status line and headers, without those that are named.
func head(conn net.Conn, line string, h http.Header, without ...string) {
	h = h.Clone()
	for _, name := range without {
		h.Del(name)
	}
	fmt.Fprintf(conn, "%s\r\n", line)
	_ = h.Write(conn) // the client may have gone
}

func TestAnUpgradeIsNoAnswerAndDoesNotHang(t *testing.T) {
	c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
		head(conn, "HTTP/1.1 101 Switching Protocols", honest.Header())
		fmt.Fprint(conn, "Connection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // says nothing more, until the client goes
	})
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, ErrHTTPStatus)
}

func TestInterimResponsesAreNotTheAnswer(t *testing.T) {
	c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
		fmt.Fprint(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nSignature: x\r\n\r\n")
		head(conn, "HTTP/1.1 200 OK", honest.Header())
		fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n%s", honest.Body.Len(), honest.Body)
	})
	if resp, err := c.Pay(testContext(t), testPay()); err != nil || resp.Result.ResultStatus != ResultS {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestEndlessInterimResponsesEnd(t *testing.T) {
	c := wire(t, newGateway(t), func(conn net.Conn, _ *httptest.ResponseRecorder) {
		for {
			if _, err := fmt.Fprint(conn, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	})
	resp, err := c.Pay(testContext(t), testPay())
	if wantIgnorance(t, resp, err, true, nil); errors.Is(err, context.DeadlineExceeded) {
		t.Error("it took the whole time of the call")
	}
}

func TestAnAnswerInHTTP10IsOne(t *testing.T) {
	c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
		head(conn, "HTTP/1.0 200 OK", honest.Header())
		fmt.Fprintf(conn, "\r\n%s", honest.Body)
	})
	if resp, err := c.Pay(testContext(t), testPay()); err != nil || resp.Result.ResultStatus != ResultS {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestHeadersInATrailerDoNotCount(t *testing.T) {
	for _, name := range []string{"Signature", "Client-Id", "Response-Time"} {
		c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
			head(conn, "HTTP/1.1 200 OK", honest.Header(), name)
			fmt.Fprintf(conn, "Transfer-Encoding: chunked\r\nTrailer: %s\r\n\r\n%x\r\n%s\r\n0\r\n%s: %s\r\n\r\n",
				name, honest.Body.Len(), honest.Body, name, honest.Header().Get(name))
		})
		resp, err := c.Pay(testContext(t), testPay())
		wantIgnorance(t, resp, err, true, ErrSignature)
	}
}

func TestNothingIsUnpacked(t *testing.T) {
	var bomb bytes.Buffer
	pack := gzip.NewWriter(&bomb)
	for range 256 {
		_, _ = pack.Write(make([]byte, 1<<20)) // a buffer takes everything
	}
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
		head(conn, "HTTP/1.1 200 OK", honest.Header())
		fmt.Fprintf(conn, "Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String())
	})
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, ErrSignature) // unpacked it would be too long
}

func TestAHeaderGivenTwiceIsNoAnswer(t *testing.T) {
	for _, name := range []string{"Signature", "Client-Id", "Encrypt"} {
		c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
			head(conn, "HTTP/1.1 200 OK", honest.Header())
			fmt.Fprintf(conn, "%s: %s\r\nContent-Length: %d\r\n\r\n%s",
				strings.ToLower(name), honest.Header().Get(name), honest.Body.Len(), honest.Body)
		})
		resp, err := c.Pay(testContext(t), testPay())
		wantIgnorance(t, resp, err, true, nil)
	}
}

func TestHugeHeadersEnd(t *testing.T) {
	c := wire(t, newGateway(t), func(conn net.Conn, _ *httptest.ResponseRecorder) {
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := fmt.Fprintf(conn, "Signature: %s\r\n", strings.Repeat("a", 1000)); err != nil {
				return
			}
		}
	})
	resp, err := c.Pay(testContext(t), testPay())
	if wantIgnorance(t, resp, err, true, nil); errors.Is(err, context.DeadlineExceeded) {
		t.Error("it took the whole time of the call")
	}
}

func TestASlowBodyEndsWithTheCall(t *testing.T) {
	for _, line := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 4000", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "HTTP/1.0 502 Bad Gateway"} {
		ctx, cancel := context.WithTimeout(testContext(t), time.Second) // an emulated processor signs slowly
		c := wire(t, newGateway(t), func(conn net.Conn, honest *httptest.ResponseRecorder) {
			head(conn, line, honest.Header())
			fmt.Fprint(conn, "\r\n1\r\na\r\n")
			_, _ = io.Copy(io.Discard, conn) // and waits, longer than the client
		})
		resp, err := c.Pay(ctx, testPay())
		wantIgnorance(t, resp, err, true, context.DeadlineExceeded)
		cancel()
	}
}

// An answer that comes before its question cannot be Antom's word on it.
func TestAnAnswerAheadOfTheQuestionIsNone(t *testing.T) {
	g := newGateway(t)
	g.speak = func(s *spoken) { s.time = testNow.Add(-2 * time.Minute) }
	r := httptest.NewRequest(http.MethodPost, "/openapi/v2/payments/pay", http.NoBody)
	honest := httptest.NewRecorder()
	g.write(honest, r)
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
		head(conn, "HTTP/1.1 200 OK", honest.Header())
		fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n%s", honest.Body.Len(), honest.Body)
		_, _ = io.Copy(io.Discard, conn)
	}()
	c := g.client(func(o *Options) { o.BaseURL = "http://" + listener.Addr().String() + "/openapi/v2" })
	resp, err := c.Pay(testContext(t), testPay())
	if err == nil {
		t.Errorf("got %+v", resp)
	}
}
