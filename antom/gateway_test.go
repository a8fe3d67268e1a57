package antom

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pairs are the RSA keys of all tests; making one takes a while.
type pairs struct{ ours, antom, next, stranger *rsa.PrivateKey }

var testPairs = sync.OnceValue(func() pairs {
	fresh := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("antom test: " + err.Error())
		}
		return key
	}
	return pairs{fresh(), fresh(), fresh(), fresh()}
})

const (
	testClientID = "N950SN0000001"
	testKey32    = "k9Qw2ZrT7mLx4VbN8cYh3JfD6sPg1AeU"
	paidBody     = `{"result":{"resultStatus":"S","resultCode":"SUCCESS","resultMessage":"ok"},"paymentId":"2026082319401089010011100000123456"}`
)

var testNow = time.Date(2026, 8, 23, 12, 8, 56, 253e6, time.FixedZone("", 8*3600))

// spoken is one answer of the gateway, to be spoilt by a test.
type spoken struct {
	status   int
	plain    string
	clientID string
	time     time.Time
	timeName string
	date     time.Time // zero: no Date header
	signer   *rsa.PrivateKey
	uri      string         // signed; "" for the one called
	sealTo   *rsa.PublicKey // nil: in the clear
	onWire   func([]byte) []byte
	header   func(http.Header)
}

// gateway is a real HTTP server that checks and answers with code of its own.
type gateway struct {
	t      *testing.T
	server *httptest.Server
	mode   Cipher
	plain  bool // encryption off
	speak  func(*spoken)
	hook   http.HandlerFunc // in place of everything, after the body was read

	seen     atomic.Int64
	lastBody atomic.Pointer[string] // decrypted
	lastHead atomic.Pointer[http.Header]
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{t: t, mode: CipherECB}
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	return g
}

func (g *gateway) options() Options {
	p := testPairs()
	o := Options{
		BaseURL: g.server.URL + "/openapi/v2", ClientID: testClientID,
		PrivateKey: &PrivateKey{p.ours}, AntomKeys: []*rsa.PublicKey{&p.antom.PublicKey},
		KeyVersion: 1, Encryption: EncryptionRSAAES, Cipher: g.mode, SendExtendInfo: true,
		Now: func() time.Time { return testNow },
	}
	if g.plain {
		o.Encryption = EncryptionOff
	}
	return o
}

func (g *gateway) client(change ...func(*Options)) *Client {
	g.t.Helper()
	o := g.options()
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(c.CloseIdleConnections)
	return c
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.seen.Add(1)
	head := r.Header.Clone()
	g.lastHead.Store(&head)
	if g.hook != nil {
		g.hook(w, r)
		return
	}
	plain, err := g.receive(r, body)
	if err != nil {
		g.t.Errorf("the gateway refuses the request: %v", err)
	}
	text := string(plain)
	g.lastBody.Store(&text)
	g.write(w, r)
}

var requestTimeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$`)

// receive checks a request as Antom v2 documents it, and returns the plain body.
func (g *gateway) receive(r *http.Request, body []byte) ([]byte, error) {
	if got := r.Header.Get("Content-Type"); got != "application/json; charset=UTF-8" {
		return nil, fmt.Errorf("content type %q", got)
	}
	stamp := r.Header.Get("Request-Time")
	if !requestTimeForm.MatchString(stamp) {
		return nil, fmt.Errorf("request time %q", stamp)
	}
	value, ok := strings.CutPrefix(r.Header.Get("Signature"), "algorithm=RSA256, keyVersion=1, signature=")
	if !ok {
		return nil, errors.New("no signature")
	}
	sum := sha256.Sum256([]byte(r.Method + " " + r.RequestURI + "\n" + r.Header.Get("Client-Id") + "." + stamp + "." + string(body)))
	if err := rsa.VerifyPKCS1v15(&testPairs().ours.PublicKey, crypto.SHA256, sum[:], unwire(value)); err != nil {
		return nil, err
	}
	wrapped, ok := strings.CutPrefix(r.Header.Get("Encrypt"), "algorithm=RSA_AES,keyVersion=1,symmetricKey=")
	if ok == g.plain {
		return nil, errors.New("encrypted, or not, against the agreement")
	}
	if g.plain {
		return body, nil
	}
	key, err := rsa.DecryptPKCS1v15(nil, testPairs().antom, unwire(wrapped))
	if err != nil {
		return nil, err
	}
	if !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).Match(key) {
		return nil, errors.New("the message key is not 32 alphanumeric characters")
	}
	raw, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil {
		return nil, err
	}
	return unsealed(g.mode, key, raw), nil
}

func unwire(value string) []byte {
	text, err := url.QueryUnescape(value)
	if err != nil {
		return nil
	}
	raw, _ := base64.StdEncoding.DecodeString(text)
	return raw
}

func (g *gateway) write(w http.ResponseWriter, r *http.Request) {
	p := testPairs()
	s := spoken{
		status: 200, plain: paidBody, clientID: testClientID, time: testNow.Add(800*time.Millisecond + time.Duration(g.seen.Load())*time.Millisecond),
		timeName: "Response-Time", signer: p.antom, uri: r.RequestURI, sealTo: &p.ours.PublicKey,
	}
	if g.plain {
		s.sealTo = nil
	}
	if g.speak != nil {
		g.speak(&s)
	}
	body := []byte(s.plain)
	if s.sealTo != nil {
		wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, s.sealTo, []byte(testKey32))
		if err != nil {
			g.t.Error(err)
		}
		w.Header().Set("Encrypt", "algorithm=RSA_AES, keyVersion=1, symmetricKey="+url.QueryEscape(base64.StdEncoding.EncodeToString(wrapped)))
		body = []byte(base64.StdEncoding.EncodeToString(sealed(g.mode, []byte(testKey32), body)))
	}
	stamp := s.time.Format("2006-01-02T15:04:05.000-07:00")
	w.Header().Set("Client-Id", s.clientID)
	w.Header()[s.timeName] = []string{stamp}
	w.Header()["Date"] = nil
	if !s.date.IsZero() {
		w.Header().Set("Date", s.date.UTC().Format(http.TimeFormat))
	}
	if s.signer != nil {
		sum := sha256.Sum256([]byte("POST " + s.uri + "\n" + s.clientID + "." + stamp + "." + string(body)))
		raw, err := rsa.SignPKCS1v15(rand.Reader, s.signer, crypto.SHA256, sum[:])
		if err != nil {
			g.t.Error(err)
		}
		w.Header().Set("Signature", "algorithm=RSA256,keyVersion=1,signature="+url.QueryEscape(base64.StdEncoding.EncodeToString(raw)))
	}
	if s.header != nil {
		s.header(w.Header())
	}
	if s.onWire != nil {
		body = s.onWire(body)
	}
	w.WriteHeader(s.status)
	_, _ = w.Write(body) // the client may have gone
}

func sealed(mode Cipher, key, plain []byte) []byte {
	block, _ := aes.NewCipher(key)
	n := 16 - len(plain)%16
	padded := append([]byte(string(plain)), strings.Repeat(string(rune(n)), n)...)
	out, iv := make([]byte, len(padded)), []byte("0123456789abcdef")
	switch mode {
	case CipherCBC:
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, padded)
		return append(iv, out...)
	case CipherGCM:
		aead, _ := cipher.NewGCM(block)
		return aead.Seal(iv[:12:12], iv[:12], plain, nil)
	}
	for i := 0; i < len(padded); i += 16 {
		block.Encrypt(out[i:], padded[i:])
	}
	return out
}

func unsealed(mode Cipher, key, raw []byte) []byte {
	block, _ := aes.NewCipher(key)
	switch mode {
	case CipherCBC:
		out := make([]byte, len(raw)-16)
		cipher.NewCBCDecrypter(block, raw[:16]).CryptBlocks(out, raw[16:])
		return out[:len(out)-int(out[len(out)-1])]
	case CipherGCM:
		aead, _ := cipher.NewGCM(block)
		out, _ := aead.Open(nil, raw[:12], raw[12:], nil)
		return out
	}
	out := make([]byte, len(raw))
	for i := 0; i < len(raw); i += 16 {
		block.Decrypt(out[i:], raw[i:])
	}
	return out[:len(out)-int(out[len(out)-1])]
}

func testPay() PayRequest {
	return PayRequest{
		PaymentRequestID: "R03_20260823_000117", PaymentMethod: "ALIPAY_CN",
		PaymentAmount: Amount{ValueMinor: 1050, Currency: "SGD"},
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
