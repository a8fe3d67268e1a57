package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds a request's body in bytes.
const maxBody = 1 << 20

// call is one request on its way through the stand-in.
type call struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	began   time.Time // real time
	at      time.Time // by the stand-in's clock
	uri     string
	signed  string // the uri as the signature covers it
	name    string // one of the five, or "" where the path is none of them
	body    []byte // as on the wire
	version int    // of the caller's key, as the request says
	key     []byte // the request's symmetric key, nil where it came in the clear
	sealed  bool   // it has an Encrypt header: so will the answer
	req     request
	event   *Event
	armed   armed   // the cruelty that was picked; the zero value does nothing
	answer  *answer // what the ledger said
	fate    string  // set once the call is over
	abort   bool    // the connection is to be closed
}

// gateway answers one call to Antom: read all of it, judge it, let the ledger
// act, answer. A cruelty can end it, or twist it, between any two of these.
func (s *Server) gateway(w http.ResponseWriter, r *http.Request, base string) {
	c := s.newCall(w, r, base)
	c.carry()
	c.close()
	if c.abort {
		panic(http.ErrAbortHandler) // closes the connection without a word
	}
}

func (s *Server) newCall(w http.ResponseWriter, r *http.Request, base string) *call {
	c := &call{s: s, w: w, r: r, began: time.Now(), at: s.options.Now(), uri: r.URL.RequestURI()}
	c.name = paths()[strings.TrimPrefix(r.URL.Path, base)]
	c.signed = c.uri
	if s.options.URIPrefix != "" {
		c.signed = s.options.URIPrefix + strings.TrimPrefix(c.uri, base)
	}
	c.event = &Event{At: c.at, Method: r.Method, URI: c.uri, Call: c.name, Stage: StageRead}
	return c
}

func (c *call) carry() {
	if c.s.gate.isShut() {
		c.event.Cruelty = "refuse"
		c.s.history.add(c.event)
		c.end(FateClosed, true)
		return
	}
	if err := c.read(); err != nil {
		c.event.Refusal = err.Error()
		c.s.history.add(c.event)
		c.end(FateClosed, true)
		return
	}
	refusal := c.judge()
	if refusal == nil {
		c.pick()
	}
	c.s.history.add(c.event)
	if refusal != nil {
		c.reply(refusal)
		return
	}
	c.act()
}

// read takes the whole body before anything else, so that no cruelty can be
// mistaken for a request that did not arrive.
func (c *call) read() error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	if err != nil {
		return fmt.Errorf("the body did not arrive whole: %w", err)
	}
	c.body, c.event.Bytes = body, len(body)
	return nil
}

// act lets the ledger act, with the armed cruelty's steps around it.
func (c *call) act() {
	deed := c.armed.deed
	if deed.before != nil {
		deed.before(c)
	}
	if c.fate != "" {
		return
	}
	c.at = c.s.options.Now()
	var t terms
	if deed.terms != nil {
		deed.terms(c, &t)
	}
	c.answer = c.ask(t)
	c.stage(StageActed)
	if deed.after != nil {
		deed.after(c)
	}
	if c.fate == "" {
		c.reply(c.answer)
	}
}

func (c *call) ask(t terms) *answer {
	l, now := c.s.ledger, c.at
	switch c.name {
	case callPay:
		return l.pay(now, c.req, t)
	case callInquiryPayment:
		return l.inquire(now, c.req.PaymentRequestID)
	case callRefund:
		return l.refund(now, c.req, t)
	case callInquiryRefund:
		return l.inquireRefund(now, c.req.RefundID)
	}
	a := success()
	a.NetworkStatus, a.PrinterStatus, a.GlobalStatus = "Y", "Y", "Y"
	return a
}

func (c *call) stage(stage string) {
	c.s.history.update(func() {
		c.event.Stage = stage
		c.event.Acted = c.event.Acted || stage == StageActed
	})
}

// end settles how the call ended; abort closes its connection.
func (c *call) end(fate string, abort bool) { c.fate, c.abort = fate, abort }

// hang leaves the request unanswered for d, shorter where the caller goes away
// or the stand-in shuts down; then the call is over.
func (c *call) hang(d time.Duration) {
	c.s.options.Logger.Info(c.title()+" hangs", "cruelty", c.armed.Name, "for", d, "money", c.event.Acted)
	c.stage(StageHangs)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.r.Context().Done():
		c.end(FateGone, true)
	}
}

// close completes the event and says what happened in one line.
func (c *call) close() {
	took := time.Since(c.began)
	c.s.history.update(func() {
		c.event.Stage, c.event.Fate, c.event.TookMillis = StageOver, c.fate, took.Milliseconds()
	})
	said := c.fate
	switch {
	case c.event.ResultStatus != "":
		said = c.event.ResultStatus + " " + c.event.ResultCode
	case c.event.HTTPStatus != 0:
		said = fmt.Sprintf("answered HTTP %d", c.event.HTTPStatus)
	}
	attrs := []any{"took", took.Round(time.Millisecond)}
	if c.armed.Name != "" {
		attrs = append(attrs, "cruelty", c.armed.Name)
	}
	if c.event.Refusal != "" {
		attrs = append(attrs, "because", c.event.Refusal)
	}
	c.s.options.Logger.Info(c.title()+": "+said, attrs...)
}

// title names the request as a person would: pay R03_117 1050 SGD.
func (c *call) title() string {
	words := []string{c.name}
	if c.name == "" {
		words = []string{c.r.Method, c.r.URL.Path}
	}
	if c.event.ID != "" {
		words = append(words, c.event.ID)
	}
	if c.event.Currency != "" {
		words = append(words, fmt.Sprint(c.event.AmountMinor), c.event.Currency)
	}
	return strings.Join(words, " ")
}
