package antom

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"
)

// maxBody is the largest answer that is read. Receipts are a few KiB.
const maxBody = 1 << 20

// message is a request as it goes out.
type message struct {
	url   string
	uri   string // as signed; the answer is verified under it too
	stamp string // Request-Time
	left  time.Time
	body  []byte
	sign  secret // value of the signature
	key   secret // wrapped message key; empty with encryption off
}

// reply is a response as it came in.
type reply struct {
	status int
	header http.Header
	body   []byte    // as on the wire
	plain  []byte    // decrypted, once its signature was found good
	at     time.Time // when it was read to its end
}

// readable is what a person could read of it.
func (r reply) readable() []byte {
	if r.plain != nil {
		return r.plain
	}
	return r.body
}

// prepare makes the message that asks q. Nothing is sent where it fails.
func (c *Client) prepare(op operation, q question, now time.Time) (message, error) {
	if err := q.check(); err != nil {
		return message{}, err
	}
	if now.Before(c.opts.NotBefore) {
		return message{}, fmt.Errorf("%w: it shows %s, which is before %s: set it",
			ErrClock, now.Format(time.RFC3339), c.opts.NotBefore.Format(time.RFC3339))
	}
	m := message{url: c.url + op.path, uri: c.prefix + op.path, stamp: now.Format(requestTime), left: now}
	plain, err := c.encode(q)
	if err != nil {
		return message{}, fmt.Errorf("marshal: %w", err)
	}
	if m.body, m.key, err = c.encrypt(plain); err != nil {
		return message{}, err
	}
	m.sign, err = sign(c.opts.PrivateKey, signedContent(m.uri, c.opts.ClientID, m.stamp, m.body))
	return m, err
}

// encrypt returns the body that is sent, and its key wrapped for Antom.
func (c *Client) encrypt(plain []byte) ([]byte, secret, error) {
	if c.opts.Encryption == EncryptionOff {
		return plain, secret{}, nil
	}
	key, err := newMessageKey()
	if err != nil {
		return nil, secret{}, err
	}
	wrapped, err := wrapKey(c.opts.AntomKeys[0], key)
	if err != nil {
		return nil, secret{}, err
	}
	body, err := c.opts.Cipher.seal(key, plain)
	return body, wrapped, err
}

// exchange sends the message and reads the response whole. It reports whether
// any byte of the message may have left; where it reports false, none ever
// will.
func (c *Client) exchange(ctx context.Context, m message) (reply, bool, error) {
	var watch departure
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, watch.trace()),
		http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		return reply{}, false, err
	}
	req.GetBody = nil // with it net/http would send a request again by itself
	c.fillHeader(req.Header, m)

	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, watch.giveUp(), err
	}
	defer func() { _ = resp.Body.Close() }() // read to the end, or given up
	r := reply{status: resp.StatusCode, header: resp.Header}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the bare connection, which no longer ends with ctx.
		return r, true, fmt.Errorf("%w %d", ErrHTTPStatus, resp.StatusCode)
	}
	r.body, err = readBody(resp)
	r.at = c.opts.Now()
	if err != nil {
		return r, true, fmt.Errorf("read the answer: %w", err)
	}
	if len(r.body) > maxBody {
		return r, true, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxBody)
	}
	return r, true, nil
}

// readBody reads a body to its end, or a byte beyond the most that is read. Where
// its length is said, room for it is made at once.
func readBody(resp *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxBody {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(resp.Body, maxBody+1))
	return body.Bytes(), err
}

// fillHeader sets the headers of Antom v2. No Idempotency-Key: net/http would
// take it as leave to repeat the request.
func (c *Client) fillHeader(h http.Header, m message) {
	version := strconv.Itoa(c.opts.KeyVersion)
	h.Set("Client-Id", c.opts.ClientID)
	h.Set("Request-Time", m.stamp)
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("Accept", "text/plain,text/xml,text/javascript,text/html,application/json")
	h.Set("User-Agent", "posagent")
	h.Set("Signature", "algorithm=RSA256, keyVersion="+version+", signature="+m.sign.Reveal())
	if wrapped := m.key.Reveal(); wrapped != "" {
		h.Set("Encrypt", "algorithm=RSA_AES,keyVersion="+version+",symmetricKey="+wrapped)
	}
}
