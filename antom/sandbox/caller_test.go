package sandbox_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

// This caller is written from the protocol alone and shares no code with the
// stand-in, so that an error on one side cannot hide on the other.

const terminal = "N950SN0000001"

var keyPairs = sync.OnceValue(func() (pair [2]*rsa.PrivateKey) {
	for i := range pair {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		pair[i] = key
	}
	return pair
})

func merchantKey() *rsa.PrivateKey { return keyPairs()[0] }
func antomKey() *rsa.PrivateKey    { return keyPairs()[1] }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is a stand-in that really serves on 127.0.0.1, and a caller.
type rig struct {
	t      *testing.T
	srv    *sandbox.Server
	clock  *clock
	host   string // http://127.0.0.1:PORT
	base   string // the path in front of /payments
	cipher string // "" is off
	http   *http.Client
	stop   func() error // ends Serve and returns what it returned
}

func defaults(c *clock) sandbox.Options {
	return sandbox.Options{
		MerchantKey: &merchantKey().PublicKey, AntomKey: antomKey(), ClientID: terminal, Now: c.now,
	}
}

func newRig(t *testing.T, change func(*sandbox.Options)) *rig {
	t.Helper()
	g := &rig{t: t, clock: &clock{at: time.Date(2026, 8, 23, 12, 8, 56, 253e6, time.FixedZone("", 8*3600))}}
	o := defaults(g.clock)
	if change != nil {
		change(&o)
	}
	g.base, g.cipher = "/openapi/v2", o.Cipher
	if g.cipher == "" {
		g.cipher = "ecb"
	}
	if o.Encryption == "off" {
		g.cipher = ""
	}
	var err error
	if g.srv, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}
	ln, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.srv.Serve(ctx, ln) }()
	g.stop = sync.OnceValue(func() error { cancel(); return <-done })
	g.host, g.http = "http://"+ln.Addr().String(), &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		g.http.CloseIdleConnections()
		if err := g.stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return g
}

// letterOut is a request before it is sealed; tests bend one part of it.
type letterOut struct {
	method, path, clientID, stamp, contentType string
	algorithm, version                         string
	plain                                      string
	key                                        string // symmetric key; "" is made up
	prefix                                     string // signed in place of the base
	bend                                       func(h http.Header)
	spoil                                      func(body []byte) []byte // after signing
	signature                                  func(raw []byte) string
}

func (g *rig) letter(call, plain string) *letterOut {
	path := map[string]string{"diagnosis": "/device/diagnosis"}[call]
	if path == "" {
		path = "/payments/" + call
	}
	return &letterOut{
		method: "POST", path: g.base + path, clientID: terminal,
		stamp:       g.clock.now().Format("2006-01-02T15:04:05.000-07:00"),
		contentType: "application/json; charset=UTF-8",
		algorithm:   "RSA256", version: "1", plain: plain,
		signature: func(raw []byte) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(raw)) },
	}
}

// reply is what came back, with what an honest reader makes of it.
type reply struct {
	err       error // no whole answer
	status    int
	header    http.Header
	raw       []byte
	signed    bool // has a Signature
	verified  bool // and it is Antom's over these bytes
	encrypted bool
	clear     []byte
	members   map[string]any
}

func (r reply) result() string {
	res, _ := r.members["result"].(map[string]any)
	return fmt.Sprintf("%v %v", res["resultStatus"], res["resultCode"])
}

func (r reply) text(name string) string {
	s, _ := r.members[name].(string)
	return s
}

func (g *rig) send(ctx context.Context, l *letterOut) reply {
	g.t.Helper()
	body, encrypt := []byte(l.plain), ""
	if g.cipher != "" {
		key := l.key
		if key == "" {
			key = rand.Text()[:16] + rand.Text()[:16]
		}
		body = []byte(base64.StdEncoding.EncodeToString(g.encrypt([]byte(key), body)))
		wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, &antomKey().PublicKey, []byte(key))
		if err != nil {
			g.t.Fatal(err)
		}
		encrypt = "algorithm=RSA_AES,keyVersion=1,symmetricKey=" + url.QueryEscape(base64.StdEncoding.EncodeToString(wrapped))
	}
	uri := l.path
	if l.prefix != "" {
		uri = l.prefix + strings.TrimPrefix(l.path, g.base)
	}
	content := l.method + " " + uri + "\n" + l.clientID + "." + l.stamp + "." + string(body)
	sum := sha256.Sum256([]byte(content))
	signature, err := rsa.SignPKCS1v15(nil, merchantKey(), crypto.SHA256, sum[:])
	if err != nil {
		g.t.Fatal(err)
	}
	if l.spoil != nil {
		body = l.spoil(body)
	}
	req, err := http.NewRequestWithContext(ctx, l.method, g.host+l.path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Client-Id", l.clientID)
	req.Header.Set("Request-Time", l.stamp)
	req.Header.Set("Content-Type", l.contentType)
	req.Header.Set("Signature", "algorithm="+l.algorithm+", keyVersion="+l.version+", signature="+l.signature(signature))
	if encrypt != "" {
		req.Header.Set("Encrypt", encrypt)
	}
	if l.bend != nil {
		l.bend(req.Header)
	}
	return g.read(l.method, uri, req)
}

func (g *rig) read(method, uri string, req *http.Request) reply {
	res, err := g.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	r := reply{status: res.StatusCode, header: res.Header}
	if r.raw, r.err = io.ReadAll(res.Body); r.err != nil {
		return r
	}
	signature := field(res.Header.Get("Signature"), "signature")
	r.signed = signature != ""
	if strings.Contains(signature, "%") {
		signature, _ = url.QueryUnescape(signature)
	}
	stamp := res.Header.Get("Request-Time") + res.Header.Get("Response-Time")
	sum := sha256.Sum256([]byte(method + " " + uri + "\n" + res.Header.Get("Client-Id") + "." + stamp + "." + string(r.raw)))
	plainSignature, _ := base64.StdEncoding.DecodeString(signature)
	r.verified = rsa.VerifyPKCS1v15(&antomKey().PublicKey, crypto.SHA256, sum[:], plainSignature) == nil
	r.clear = r.raw
	if wrapped := field(res.Header.Get("Encrypt"), "symmetricKey"); wrapped != "" {
		r.encrypted, r.clear = true, g.open(wrapped, r.raw)
	}
	_ = json.Unmarshal(r.clear, &r.members)
	return r
}

func field(header, name string) string {
	for _, part := range strings.Split(header, ",") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key == name {
			return value
		}
	}
	return ""
}
