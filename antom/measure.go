package antom

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"time"
)

const (
	// measureEvery bounds how often Antom is asked the time: somebody who plays back
	// old answers could make us ask.
	measureEvery = 30 * time.Second
	// measureTime bounds one such question. Whoever holds its answer back for as long
	// makes Antom's clock look that much slower, and no more.
	measureTime = 10 * time.Second
)

// measure asks Antom the time in a way that no recording can answer: it inquires
// about a payment that nobody ever made, under an id drawn this moment, and the
// answer counts only where it carries Antom's signature and names that id. So it
// was signed after the question left, and its time is Antom's of now, later or
// earlier than what was known. That is how a terminal's clock that was set back,
// or stands behind ours, is believed over plain http without believing a replay.
//
// It reports whether the clock was measured. A gateway that does not name an id
// which it does not know can't be measured so.
func (c *Client) measure(ctx context.Context) bool {
	if c.trusted || !c.clock.mayAsk(c.opts.Now()) { // there the Date of every response tells
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	q := InquiryPaymentRequest{PaymentRequestID: "CLOCK_" + rand.Text()}
	m, err := c.prepare(operation{"inquiryPayment", "/payments/inquiryPayment"}, q, c.opts.Now())
	if err != nil {
		return false
	}
	r, _, err := c.exchange(ctx, m)
	if err != nil {
		return false
	}
	shown, err := c.authenticate(m, r)
	if err != nil {
		return false
	}
	o, _, err := c.open(&r)
	if err != nil || o.text("paymentRequestId") != q.PaymentRequestID {
		return false
	}
	c.clock.set(shown, r.at)
	c.log.InfoContext(ctx, "antom's clock was measured anew", "antom_ahead", shown.Round(0).Sub(r.at.Round(0)))
	return true
}

// mayAsk reports whether it is time to ask again, and notes that we do.
func (f *farClock) mayAsk(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.asked.IsZero() && now.Sub(f.asked) < measureEvery {
		return false
	}
	f.asked = now
	return true
}

// tlsTime is what certificates are judged by: our clock, but never one before
// NotBefore; or Antom's, as measured under a certificate that was good, where the
// last one was out of its time by the other. So a jump of either clock costs one
// connection, and shuts nobody out.
func (c *Client) tlsTime() time.Time {
	now := c.opts.Now()
	if antoms, known := c.clock.now(now); known && !c.exposed && c.byAntoms.Load() {
		return antoms
	}
	if now.Before(c.opts.NotBefore) {
		return c.opts.NotBefore
	}
	return now
}

// noteExpiry changes the clock by which certificates are judged where one was out of
// its time.
func (c *Client) noteExpiry(err error) {
	var bad x509.CertificateInvalidError
	if errors.As(err, &bad) && bad.Reason == x509.Expired {
		c.byAntoms.Store(!c.byAntoms.Load())
	}
}

// now returns a time that Antom's clock has reached, where it is known.
func (f *farClock) now(at time.Time) (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.estimate(at), f.known
}
