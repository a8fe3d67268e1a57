package sandbox

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// envelope says how an answer is to be sealed. A cruelty may change any of it.
type envelope struct {
	clientID   string
	at         time.Time
	timeHeader string
	signer     *rsa.PrivateKey // nil leaves the answer unsigned
	wrapFor    *rsa.PublicKey  // nil leaves it in the clear
	otherBytes bool            // the signature covers something else
	spaced     bool            // a space after the commas of a header
	bare       bool            // the signature is not URL-encoded
}

// letter is an answer as it goes on the wire.
type letter struct {
	status int
	header http.Header
	body   []byte
}

// reply spells, seals and writes an answer.
func (c *call) reply(a *answer) {
	if c.armed.deed.alter != nil {
		c.armed.deed.alter(c, a)
	}
	turn := c.s.turn()
	body, err := spell(a, turn)
	if err == nil && c.armed.deed.body != nil {
		body = c.armed.deed.body(c, body)
	}
	if a.Result != nil {
		c.s.history.update(func() { c.event.ResultStatus, c.event.ResultCode = a.Result.Status, a.Result.Code })
	}
	var sent *letter
	if err == nil {
		sent, err = c.seal(body, c.envelope(turn))
	}
	if err != nil { // nothing the caller did can lead here
		panic("sandbox: " + err.Error())
	}
	c.post(c.exchange(a, sent))
}

// exchange keeps an answer for replays, or puts an older one in its place.
func (c *call) exchange(a *answer, sent *letter) *letter {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	older := c.s.kept[c.name]
	if c.armed.deed.replay && older != nil {
		return older
	}
	if c.event.Verified && a.Result != nil && a.Result.Status == "S" && c.armed.Name == "" {
		c.s.kept[c.name] = sent
	}
	return sent
}

// turn numbers the answers, from 0 up; a steady server stays at 0.
func (s *Server) turn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := s.answers
	if !s.options.Steady {
		s.answers++
	}
	return turn
}

// spell writes an answer as JSON, now plainly, now with white space, now with a
// member that is in no document.
func spell(a *answer, turn int) ([]byte, error) {
	if a.Result != nil && turn%3 == 2 {
		a.Unheard = "callers ignore what they do not know"
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("spell an answer: %w", err)
	}
	if turn%5 != 3 {
		return text, nil
	}
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, text, "", "\t"); err != nil {
		return nil, fmt.Errorf("spell an answer: %w", err)
	}
	return spaced.Bytes(), nil
}

// envelope returns the way an answer is sealed this time. One to a request that
// could not be verified has no signature and no encryption.
func (c *call) envelope(turn int) envelope {
	e := envelope{
		clientID: c.s.options.ClientID, at: c.s.options.Now(), timeHeader: "Request-Time",
		spaced: turn%2 == 0, bare: turn%4 == 1,
	}
	if turn%3 == 1 {
		e.timeHeader = "Response-Time"
	}
	if c.event.Verified {
		e.signer = c.s.antomKey()
	}
	if c.sealed {
		e.wrapFor = c.s.merchantKey(c.version)
	}
	if c.armed.deed.seal != nil {
		c.armed.deed.seal(c, &e)
	}
	return e
}

// seal encrypts first and signs what goes on the wire, with the request's method
// and uri and the answer's own Client-Id and time (Antom v1, validate a signature).
func (c *call) seal(body []byte, e envelope) (*letter, error) {
	stamp := e.at.Format(stampLayout)
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("Client-Id", e.clientID)
	h.Set(e.timeHeader, stamp)
	h.Set("Sandbox", "no money has moved")
	if e.wrapFor != nil {
		sealed, err := c.encrypt(h, body, e)
		if err != nil {
			return nil, err
		}
		body = sealed
	}
	if e.signer == nil {
		return &letter{http.StatusOK, h, body}, nil
	}
	covered := body
	if e.otherBytes {
		covered = append(bytes.Clone(body), ' ')
	}
	signature, err := signContent(e.signer, signedContent(c.r.Method, c.signed, e.clientID, stamp, covered))
	if err != nil {
		return nil, err
	}
	if !e.bare {
		signature = url.QueryEscape(signature)
	}
	h.Set("Signature", e.keyed("RSA256", c.s.options.KeyVersion, "signature", signature))
	return &letter{http.StatusOK, h, body}, nil
}

// encrypt seals a body for the merchant under a key of its own.
func (c *call) encrypt(h http.Header, body []byte, e envelope) ([]byte, error) {
	key := freshKey()
	if c.s.options.ReuseRequestKey && c.key != nil {
		key = c.key
	}
	wrapped, err := wrapKey(e.wrapFor, key)
	if err != nil {
		return nil, err
	}
	h.Set("Encrypt", e.keyed("RSA_AES", c.version, "symmetricKey", wrapped))
	return encryptBody(c.s.options.Cipher, key, body)
}

func (e envelope) keyed(algorithm string, version int, key, value string) string {
	comma := ","
	if e.spaced {
		comma = ", "
	}
	return fmt.Sprintf("algorithm=%s%skeyVersion=%d%s%s=%s", algorithm, comma, version, comma, key, value)
}

// post writes a letter. Where writing fails the caller has gone.
func (c *call) post(l *letter) {
	for name, values := range l.header {
		c.w.Header()[name] = values
	}
	c.w.Header().Set("Content-Length", fmt.Sprint(len(l.body)))
	c.s.history.update(func() { c.event.HTTPStatus = l.status })
	c.w.WriteHeader(l.status)
	if write := c.armed.deed.write; write != nil {
		write(c, l.body)
		return
	}
	c.write(l.body)
}

func (c *call) write(body []byte) {
	if _, err := c.w.Write(body); err != nil {
		c.end(FateGone, true)
		return
	}
	c.end(FateAnswered, false)
}
