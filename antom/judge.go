package antom

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// judge decides whether a response is Antom's word on q, and if so reads it
// into a. Nothing of the body is parsed before its signature was verified.
func (c *Client) judge(ctx context.Context, m message, r *reply, q question, a answer) (Result, error) {
	c.watchDate(*r)
	shown, err := c.authenticate(m, *r)
	if err != nil {
		return Result{}, err
	}
	if err := c.checkAge(ctx, m, *r, shown); err != nil {
		return Result{}, err
	}
	o, result, err := c.open(r)
	if err != nil {
		return Result{}, err
	}
	if err := c.fits(q.echo(), o, result); err != nil {
		return Result{}, err
	}
	return result, a.read(result, o)
}

// open decrypts and parses a response whose signature was found good.
func (c *Client) open(r *reply) (o object, result Result, err error) {
	if r.plain, err = c.decrypt(*r); err != nil {
		return nil, Result{}, err
	}
	if o, err = parseObject(r.plain); err != nil {
		return nil, Result{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	result, err = readResult(o)
	return o, result, err
}

// fits refuses an answer that names another id than the one asked about. It may
// leave the id out, since no field of a response is promised; but over plain http
// one without it could have been held back from another question, and what it
// says of a payment or a refund is not believed.
func (c *Client) fits(e echo, o object, result Result) error {
	if e.field == "" {
		return nil
	}
	echoed := o.text(e.field)
	if echoed == "" && c.exposed && e.needed(result) {
		return fmt.Errorf("%w: it does not name its %s, and over plain http nothing else ties it to the question: reach Antom over https",
			ErrMisfit, e.field)
	}
	if echoed != "" && echoed != e.id {
		return fmt.Errorf("%w: %s is %q, asked about was %q", ErrMisfit, e.field, clip(echoed, maxID), e.id)
	}
	return nil
}

// needed reports whether a result says something of what was asked about. A U, or
// a refusal of the question, does not.
func (e echo) needed(result Result) bool {
	return result.ResultStatus == ResultS || result.ResultStatus == ResultF && e.absence && notThere(result.ResultCode)
}

// authenticate refuses what no answer comes with, and verifies the signature, over the response's own Client-Id and
// time but the request's path, and returns that time. The answer must be to
// us, as the same key may sign for other terminals, and must not have been the
// answer to an earlier question.
func (c *Client) authenticate(m message, r reply) (time.Time, error) {
	if r.status >= 500 || r.status < 200 || (r.status >= 300 && r.status < 400) {
		return time.Time{}, fmt.Errorf("%w %d", ErrHTTPStatus, r.status)
	}
	if r.header.Get("Signature") == "" {
		return time.Time{}, fmt.Errorf("%w: %w", ErrSignature, ErrUnsigned)
	}
	value, err := only(r.header, "Signature")
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	clientID, err := only(r.header, "Client-Id")
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	signature, err := headerBytes(value, "RSA256", "signature")
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	stamp, err := c.signedStamp(m, r, clientID, signature)
	if err != nil {
		return time.Time{}, err
	}
	if clientID != c.opts.ClientID {
		return time.Time{}, fmt.Errorf("%w: its Client-Id is %q, ours is %q", ErrMisfit, clip(clientID, 64), c.opts.ClientID)
	}
	if c.heard.again(signature) {
		return time.Time{}, fmt.Errorf("%w: it was the answer to an earlier question", ErrMisfit)
	}
	shown, err := readTime(stamp)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrStale, err)
	}
	return shown, nil
}

// signedStamp returns the time that the signature covers: Request-Time in v2,
// Response-Time in v1. Where both are there, the signature says which counts.
func (c *Client) signedStamp(m message, r reply, clientID string, signature []byte) (string, error) {
	stamps := append(r.header.Values("Request-Time"), r.header.Values("Response-Time")...)
	if len(stamps) == 0 || len(stamps) > 2 {
		return "", fmt.Errorf("%w: %d times in the headers", ErrSignature, len(stamps))
	}
	for _, stamp := range stamps {
		if verify(c.opts.AntomKeys, signedContent(m.uri, clientID, stamp, r.body), signature) {
			return stamp, nil
		}
	}
	return "", fmt.Errorf("%w: it was not made by Antom's key over this answer", ErrSignature)
}

// checkAge refuses an answer whose own time is before the request left. Where
// that can be because Antom's clock is behind what is known of it, Antom is asked.
func (c *Client) checkAge(ctx context.Context, m message, r reply, shown time.Time) error {
	c.noteSkew(shown, r.at)
	if c.isOld(m, shown) && (!c.measure(ctx) || c.isOld(m, shown)) {
		return fmt.Errorf("%w: it is dated %s, more than a minute before the question left, at %s by our clock and %s by Antom's as known: "+
			"an old answer was sent again, or a clock is wrong: set the clock of this box and the terminal's by NTP; "+
			"where the terminal's was set back and this goes on, restart the agent",
			ErrStale, shown.Format(requestTime), m.left.Format(requestTime), c.clock.noLaterThan(m.left).Format(requestTime))
	}
	c.clock.raise(shown, r.at)
	return nil
}

func (c *Client) isOld(m message, shown time.Time) bool {
	return shown.Before(c.clock.noLaterThan(m.left).Add(-tolerance))
}

// decrypt returns the plain body of an answer. An answer to an encrypted request
// is encrypted, or it is no answer.
func (c *Client) decrypt(r reply) ([]byte, error) {
	if c.opts.Encryption == EncryptionOff {
		return r.body, nil
	}
	value, err := only(r.header, "Encrypt")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	wrapped, err := headerBytes(value, "RSA_AES", "symmetrickey")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	key, err := unwrapKey(c.opts.PrivateKey, wrapped)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	plain, err := c.opts.Cipher.open(key, r.body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", ErrDecrypt, ErrCipher, err)
	}
	return plain, nil
}

// only returns a header that must be there exactly once.
func only(h http.Header, name string) (string, error) {
	values := h.Values(name)
	if len(values) != 1 || values[0] == "" {
		return "", fmt.Errorf("%d headers %s, not one", len(values), name)
	}
	return values[0], nil
}

// watchDate measures Antom's clock by the Date of any response, where nobody
// can forge it.
func (c *Client) watchDate(r reply) {
	date, err := http.ParseTime(r.header.Get("Date"))
	if err == nil && c.trusted {
		c.clock.set(date, r.at)
	}
}

// noteSkew keeps the difference of the clocks, and says when it becomes large
// or small again.
func (c *Client) noteSkew(shown, at time.Time) {
	skew, far, crossed := c.clock.note(shown, at)
	switch {
	case crossed && far:
		c.log.Warn("antom's clock and ours are more than 30 s apart: set both by NTP", "antom_ahead", skew)
	case crossed:
		c.log.Info("antom's clock and ours agree again", "antom_ahead", skew)
	}
}
