package antom

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Client makes the five calls. It keeps its connections, is safe for use by
// several goroutines, and prints as its address alone.
type Client struct {
	opts     Options
	log      *slog.Logger
	url      string      // base, without a slash at its end
	prefix   string      // what stands for the base's path in a signature
	trusted  bool        // TLS or loopback: nobody on the way can forge a header
	byAntoms atomic.Bool // certificates are judged by Antom's clock
	exposed  bool        // plain http, to wherever: what is said must name its question
	http     *http.Client
	clock    *farClock
	heard    *heard
}

// idleTime is how long a connection is kept that no call uses: below the 60 and
// 75 s that servers commonly keep one. Who closes first cannot be met by the
// other's closing while a request is on its way.
const idleTime = 55 * time.Second

// operation is one of the five calls.
type operation struct{ name, path string }

// New returns a Client, or all faults of the options at once.
func New(opts Options) (*Client, error) {
	base, err := opts.check()
	if err != nil {
		return nil, fmt.Errorf("antom options: %w", err)
	}
	c := &Client{
		opts:    opts,
		log:     opts.Logger,
		url:     base.String(),
		prefix:  base.EscapedPath(),
		trusted: base.Scheme == "https" || isLoopback(base),
		exposed: base.Scheme == "http",
	}
	c.http = &http.Client{
		Transport:     c.newTransport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.clock, c.heard = new(farClock), new(heard)
	if opts.URIPrefix != "" {
		c.prefix = strings.TrimRight(opts.URIPrefix, "/")
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Renew returns a Client with other options, as for new keys, in c's place. It
// knows the answers that c believed, so that none of them can be played back to it,
// and Antom's clock where the address is the same. Calls of c's may go on to their ends.
func (c *Client) Renew(opts Options) (*Client, error) {
	next, err := New(opts)
	if err != nil {
		return nil, err
	}
	next.heard = c.heard
	if next.url == c.url {
		next.clock = c.clock
	}
	return next, nil
}

// newTransport speaks HTTP/1.1 only, straight to the host, over connections that
// tell what was written to them. A call's time is its context's; the limits
// here only end a dial that outlived its call.
func (c *Client) newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy: nil, // none, not even the environment's
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &gate{Conn: conn}, nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.opts.RootCAs, Time: c.tlsTime},
		TLSHandshakeTimeout:    30 * time.Second,
		Protocols:              &protocols,
		DisableCompression:     true, // the signature covers the bytes on the wire
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Diagnosis asks whether the terminal is ready (Antom v2, diagnosis).
func (c *Client) Diagnosis(ctx context.Context, req DiagnosisRequest) (DiagnosisResponse, error) {
	var resp DiagnosisResponse
	err := c.call(ctx, operation{"diagnosis", "/device/diagnosis"}, req, &resp)
	return resp, err
}

// Pay asks for a payment (Antom v2, pay). A terminal answers when the customer
// is done, which may take 120 s. ConcludePay reads what it returns.
func (c *Client) Pay(ctx context.Context, req PayRequest) (PayResponse, error) {
	return c.PreparePay(req).Send(ctx)
}

// InquiryPayment asks what became of a payment (Antom v2, inquiryPayment).
// ConcludeInquiry reads what it returns.
func (c *Client) InquiryPayment(ctx context.Context, req InquiryPaymentRequest) (InquiryPaymentResponse, error) {
	var resp InquiryPaymentResponse
	err := c.call(ctx, operation{"inquiryPayment", "/payments/inquiryPayment"}, req, &resp)
	return resp, err
}

// Refund asks for money to be given back (Antom v2, refund).
func (c *Client) Refund(ctx context.Context, req RefundRequest) (RefundResponse, error) {
	var resp RefundResponse
	err := c.call(ctx, operation{"refund", "/payments/refund"}, req, &resp)
	return resp, err
}

// InquiryRefund asks what became of a refund (Antom v2, inquiryRefund).
func (c *Client) InquiryRefund(ctx context.Context, req InquiryRefundRequest) (InquiryRefundResponse, error) {
	var resp InquiryRefundResponse
	err := c.call(ctx, operation{"inquiryRefund", "/payments/inquiryRefund"}, req, &resp)
	return resp, err
}

// Warm opens the connection that the next call will use, so that a sale does not
// wait for the name, the dial and the TLS handshake. net/http keeps no connection
// that carried no request, so Warm asks the one question that changes nothing,
// diagnosis. That proves the keys of both sides, too, and measures the clocks,
// before money depends on them. Any answer of Antom's will do, a refusal included;
// an error is that of the call. The connection is kept for 55 s.
func (c *Client) Warm(ctx context.Context) error {
	_, err := c.Diagnosis(ctx, DiagnosisRequest{})
	return err
}

// CloseIdleConnections closes the connections that no call is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Skew returns how far Antom's clock is ahead of ours, as measured last, and
// whether it ever was. It is for reports: a replayed answer can lower it.
func (c *Client) Skew() (time.Duration, bool) { return c.clock.last() }

// Clock returns a time that Antom's clock has reached by now, and whether anything
// is known of it. Unlike Skew it follows no replayed answer down, and goes on by the
// monotonic clock, so that a jump of ours does not move it.
func (c *Client) Clock() (time.Time, bool) { return c.clock.now(c.opts.Now()) }

// Format prints the address under every verb, and nothing of the options.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "antom.Client("+c.url+")") }

// LogValue logs the address, and nothing of the options.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.url) }

// call is the one way to Antom. Its stages, in order: check the request, check
// the clock, marshal, encrypt, sign (prepare); send and read (exchange); verify,
// compare times and ids, decrypt, parse (judge). On an error the answer is
// left as it was, empty.
func (c *Client) call(ctx context.Context, op operation, q question, a answer) error {
	msg, err := c.prepare(op, q, c.opts.Now())
	if err != nil {
		return &Error{Op: op.name, Err: err}
	}
	return c.send(ctx, op, msg, q, a)
}

// send is what is left of a call once its message is made.
func (c *Client) send(ctx context.Context, op operation, msg message, q question, a answer) error {
	left := c.opts.Now()
	got, sent, err := c.exchange(ctx, msg)
	if err != nil {
		c.noteExpiry(err)
		return &Error{Op: op.name, Sent: sent, HTTPStatus: got.status, Err: err}
	}
	result, err := c.judge(ctx, msg, &got, q, a)
	if err != nil {
		e := &Error{Op: op.name, Sent: true, HTTPStatus: got.status, Err: err}
		e.hearUntrusted(got.readable())
		return e
	}
	c.log.DebugContext(ctx, "antom answered", "op", op.name, "http", got.status, "took", got.at.Sub(left),
		"resultStatus", result.ResultStatus, "resultCode", result.ResultCode)
	return nil
}

// encode marshals a request with or without its extendInfo.
func (c *Client) encode(q question) ([]byte, error) {
	if c.opts.SendExtendInfo {
		return json.Marshal(q)
	}
	return json.Marshal(q.bare())
}
