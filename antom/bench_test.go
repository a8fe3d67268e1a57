package antom

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchAnswer is an ordinary answer: two receipts of some 800 bytes.
var benchAnswer = `{"result":{"resultStatus":"S","resultCode":"SUCCESS","resultMessage":"success"},` +
	`"paymentId":"2026082319401089010011100000123456","paymentReceipt":{"cashierReceipt":"` + strings.Repeat(`{\"line\":\"TOTAL 10.50\"}`, 32) +
	`","customerReceipt":"` + strings.Repeat(`{\"line\":\"TOTAL 10.50\"}`, 32) + `"}}`

// costs is a client and one answer to its pay request, as bytes: the server of
// these benchmarks computes nothing, so that what is measured is the client.
type costs struct {
	*Client
	op      operation
	answer  []byte
	wrapped []byte // the answer's key
	signed  []byte // the answer's signature

	signedSum [sha256.Size]byte
	content   []byte // what that covers
	key       []byte
	body      []byte

	socket  net.Conn // to the same server
	request []byte   // as long as a real one
	space   []byte
}

func newCosts(b testing.TB) *costs {
	b.Helper()
	p := testPairs()
	k := &costs{op: operation{"pay", "/payments/pay"}, key: []byte(testKey32)}
	o := (&gateway{server: &httptest.Server{URL: "http://127.0.0.1:1"}, mode: CipherECB}).options()
	server := answerElsewhere(b)
	o.BaseURL = "http://" + server.address + "/openapi/v2"
	client, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.CloseIdleConnections)
	k.Client = client
	g := &gateway{mode: CipherECB, speak: func(s *spoken) { s.plain = benchAnswer }}
	honest := httptest.NewRecorder()
	g.write(honest, httptest.NewRequest(http.MethodPost, "/openapi/v2/payments/pay", http.NoBody))
	var text bytes.Buffer
	fmt.Fprint(&text, "HTTP/1.1 200 OK\r\n")
	_ = honest.Header().Write(&text) // a buffer takes everything
	fmt.Fprintf(&text, "Content-Length: %d\r\n\r\n%s", honest.Body.Len(), honest.Body)
	k.answer, k.body = text.Bytes(), honest.Body.Bytes()
	server.say(k.answer)
	h := honest.Header()
	k.signed = must(headerBytes(h.Get("Signature"), "RSA256", "signature"))
	k.signedSum = sha256.Sum256(k.signed)
	k.wrapped = must(headerBytes(h.Get("Encrypt"), "RSA_AES", "symmetrickey"))
	k.content = signedContent("/openapi/v2/payments/pay", testClientID, h.Get("Response-Time"), k.body)
	k.request = append(append(make([]byte, 1300), "\r\n\r\n"...), make([]byte, benchBody)...)
	k.space = make([]byte, len(k.answer))
	if k.socket, err = net.Dial("tcp", server.address); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = k.socket.Close() })
	if !verify([]*rsa.PublicKey{&p.antom.PublicKey}, k.content, k.signed) {
		b.Fatal("the canned answer is not signed")
	}
	return k
}

// benchBody is the length of the encrypted testPay.
const benchBody = 192

func (k *costs) call(b testing.TB) {
	delete(k.heard.known, k.signedSum) // the answer is a replay from the second time on
	var resp PayResponse
	if err := k.Client.call(context.Background(), k.op, testPay(), &resp); err != nil {
		b.Fatal(err)
	}
}

// rsa does the four RSA operations of a call, with the hashes they are over.
func (k *costs) rsa() {
	sealed := must(wrapKey(k.opts.AntomKeys[0], k.key))
	_ = must(sign(k.opts.PrivateKey, k.content[:benchBody]))
	_ = must(unwrapKey(k.opts.PrivateKey, k.wrapped))
	if sealed.text == nil || !verify(k.opts.AntomKeys, k.content, k.signed) {
		panic("antom test: the answer does not verify")
	}
}

// aes encrypts the request and decrypts the answer, base64 included.
func (k *costs) aes(plain []byte) {
	_ = must(k.opts.Cipher.seal(must(newMessageKey()), plain))
	_ = must(k.opts.Cipher.open(k.key, k.body))
}

// json writes the request and reads the answer.
func (k *costs) json() {
	_ = must(k.encode(testPay()))
	o := must(parseObject([]byte(benchAnswer)))
	if err := new(PayResponse).read(must(readResult(o)), o); err != nil {
		panic("antom test: " + err.Error())
	}
}

// cpuTime is what this process has computed so far: on a busy machine a clock
// would count the waiting, too.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// wire moves the same bytes over a bare socket: what the kernel, and the server of
// this benchmark, take for them without net/http.
func (k *costs) wire(b *testing.B) {
	if _, err := k.socket.Write(k.request); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(k.socket, k.space[:len(k.answer)]); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCall splits the CPU time that a call costs: the whole over a kept
// connection to a server in another process, and the parts by themselves, one after
// another in every round. Every figure is the median of its rounds, so that the
// ratios hold on a machine that is busy. x-rsa is the whole in units of the RSA
// operations; of the rest %wire is the kernel's socket, and %rest net/http, hashing
// apart from RSA, headers and clocks.
func BenchmarkCall(b *testing.B) {
	k := newCosts(b)
	plain := must(k.encode(testPay()))
	k.call(b)
	parts := []struct {
		name string
		do   func()
		took []time.Duration
	}{
		{name: "whole", do: func() { k.call(b) }},
		{name: "rsa", do: k.rsa},
		{name: "aes", do: func() { k.aes(plain) }},
		{name: "json", do: k.json},
		{name: "wire", do: func() { k.wire(b) }},
	}
	for b.Loop() {
		for i := range parts {
			began := cpuTime(b)
			parts[i].do()
			parts[i].took = append(parts[i].took, cpuTime(b)-began)
		}
	}
	whole := median(parts[0].took)
	b.ReportMetric(0, "ns/op") // of a round, which nobody pays
	b.ReportMetric(float64(whole.Microseconds()), "cpu-µs/call")
	b.ReportMetric(float64(whole)/float64(median(parts[1].took)), "x-rsa")
	rest, allocs := whole, testing.AllocsPerRun(50, parts[0].do)
	b.ReportMetric(allocs, "allocs/call")
	for _, p := range parts[1:] {
		rest -= median(p.took)
		b.ReportMetric(100*float64(median(p.took))/float64(whole), "%"+p.name)
		own := testing.AllocsPerRun(50, p.do)
		allocs -= own
		b.ReportMetric(own, "allocs-"+p.name)
	}
	b.ReportMetric(100*float64(rest)/float64(whole), "%rest")
	b.ReportMetric(allocs, "allocs-rest")
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkConnection compares calls that open their TLS connection with calls
// that find one: what Warm takes out of the first sale. On loopback that is the
// computing; a network adds its two round trips.
func BenchmarkConnection(b *testing.B) {
	server, roots, _ := overTLS(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusBadGateway) // no answer, and read to its end: the connection is kept
	}))
	o := (&gateway{server: server, mode: CipherECB}).options()
	o.RootCAs, o.Now = roots, time.Now
	c, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	defer c.CloseIdleConnections()
	msg, err := c.prepare(operation{"pay", "/payments/pay"}, testPay(), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	var cold, warm time.Duration
	rounds := 0
	exchange := func() time.Duration {
		began := time.Now()
		if _, _, err := c.exchange(context.Background(), msg); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	for b.Loop() {
		rounds++
		c.CloseIdleConnections()
		cold += exchange()
		warm += exchange()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(cold.Microseconds())/float64(rounds), "µs-cold")
	b.ReportMetric(float64(warm.Microseconds())/float64(rounds), "µs-warm")
	b.ReportMetric(float64(cold)/float64(warm), "cold/warm")
}

// The guard against slowly growing costs: allocations, which no busy machine
// changes by more than what a collection throws out of a pool.
func TestACallAllocatesNoMoreThanItDid(t *testing.T) {
	const most = 185 // 165, and 176 under the race detector
	k := newCosts(t)
	k.call(t)
	if got := testing.AllocsPerRun(50, func() { k.call(t) }); got > most {
		t.Errorf("got %v allocations, want at most %d: find out what grew, or say why and write the new number here", got, most)
	}
}

// The benchmark's server must know where a request ends.
func TestTheBodyOfTheBenchmarkHasTheLengthItsServerKnows(t *testing.T) {
	plain := must(newGateway(t).client().encode(testPay()))
	if sealed := must(CipherECB.seal([]byte(testKey32), plain)); len(sealed) != benchBody {
		t.Errorf("got %d bytes, want %d", len(sealed), benchBody)
	}
}
