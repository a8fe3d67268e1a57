package antom

import (
	"bytes"
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
	content []byte // what that covers
	key     []byte
	body    []byte

	socket  net.Conn // to the same server
	request []byte   // as long as a real one
	space   []byte
}

func newCosts(b *testing.B) *costs {
	b.Helper()
	p := testPairs()
	k := &costs{op: operation{"pay", "/payments/pay"}, key: []byte(testKey32)}
	o := (&gateway{server: &httptest.Server{URL: "http://127.0.0.1:1"}, mode: CipherECB}).options()
	server := canned(b, func() []byte { return k.answer })
	o.BaseURL = "http://" + server + "/openapi/v2"
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
	h := honest.Header()
	k.signed = must(headerBytes(h.Get("Signature"), "RSA256", "signature"))
	k.wrapped = must(headerBytes(h.Get("Encrypt"), "RSA_AES", "symmetrickey"))
	k.content = signedContent("/openapi/v2/payments/pay", testClientID, h.Get("Response-Time"), k.body)
	k.request = append(append(make([]byte, 1300), "\r\n\r\n"...), make([]byte, benchBody)...)
	k.space = make([]byte, len(k.answer))
	if k.socket, err = net.Dial("tcp", server); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = k.socket.Close() })
	if !verify([]*rsa.PublicKey{&p.antom.PublicKey}, k.content, k.signed) {
		b.Fatal("the canned answer is not signed")
	}
	return k
}

// canned answers every request on a connection with the same bytes, and allocates
// nothing.
func canned(b *testing.B, answer func() []byte) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go repeat(conn, answer)
		}
	}()
	return listener.Addr().String()
}

// repeat answers on one connection until it is closed. A request of the benchmark
// ends with its encrypted body, which is of known length.
func repeat(conn net.Conn, answer func() []byte) {
	defer func() { _ = conn.Close() }()
	in := make([]byte, 64<<10)
	for n := 0; ; {
		m, err := conn.Read(in[n:])
		if err != nil {
			return
		}
		n += m
		if end := bytes.Index(in[:n], []byte("\r\n\r\n")); end < 0 || n-end-4 < benchBody {
			continue
		}
		if _, err := conn.Write(answer()); err != nil {
			return
		}
		n = 0
	}
}

// benchBody is the length of the encrypted testPay.
const benchBody = 192

func (k *costs) call(b *testing.B) {
	k.heard = heard{} // the answer is a replay from the second time on
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
// connection to a server that only reads and writes, which is counted in, and the
// parts by themselves, one after another in every round, so that the ratios hold
// on a machine that is busy. %beside-rsa is what is added to the RSA operations;
// of it %wire is the kernel's sockets at both ends, and %rest is net/http, hashing
// apart from RSA, headers and clocks.
func BenchmarkCall(b *testing.B) {
	k := newCosts(b)
	plain := must(k.encode(testPay()))
	k.call(b)
	var whole, rsaTime, aesTime, jsonTime, wireTime time.Duration
	timed := func(sum *time.Duration, f func()) {
		began := cpuTime(b)
		f()
		*sum += cpuTime(b) - began
	}
	rounds := 0
	for b.Loop() {
		rounds++
		timed(&whole, func() { k.call(b) })
		timed(&rsaTime, k.rsa)
		timed(&aesTime, func() { k.aes(plain) })
		timed(&jsonTime, k.json)
		timed(&wireTime, func() { k.wire(b) })
	}
	share := func(d time.Duration) float64 { return 100 * float64(d) / float64(whole) }
	b.ReportMetric(0, "ns/op") // of a round, which nobody pays
	b.ReportMetric(float64(whole.Microseconds())/float64(rounds), "cpu-µs/call")
	b.ReportMetric(share(rsaTime), "%rsa")
	b.ReportMetric(share(aesTime), "%aes")
	b.ReportMetric(share(jsonTime), "%json")
	b.ReportMetric(share(wireTime), "%wire")
	b.ReportMetric(share(whole-rsaTime-aesTime-jsonTime-wireTime), "%rest")
	b.ReportMetric(share(whole-rsaTime), "%beside-rsa")
	total := testing.AllocsPerRun(50, func() { k.call(b) })
	parts := [3]float64{testing.AllocsPerRun(50, k.rsa), testing.AllocsPerRun(50, func() { k.aes(plain) }), testing.AllocsPerRun(50, k.json)}
	b.ReportMetric(total, "allocs/call")
	b.ReportMetric(parts[0], "allocs-rsa")
	b.ReportMetric(parts[1], "allocs-aes")
	b.ReportMetric(parts[2], "allocs-json")
	b.ReportMetric(total-parts[0]-parts[1]-parts[2], "allocs-rest")
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

// The benchmark's server must know where a request ends.
func TestTheBodyOfTheBenchmarkHasTheLengthItsServerKnows(t *testing.T) {
	plain := must(newGateway(t).client().encode(testPay()))
	if sealed := must(CipherECB.seal([]byte(testKey32), plain)); len(sealed) != benchBody {
		t.Errorf("got %d bytes, want %d", len(sealed), benchBody)
	}
}
