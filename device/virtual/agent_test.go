package virtual

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// agent is the other end of the line, written for these tests from the sheet.
type agent struct {
	t    *testing.T
	line io.ReadWriteCloser
	r    *bufio.Reader
}

// heard is one thing the register sent.
type heard struct {
	kind byte // stx, ack or nak
	seq  string
	body string
	raw  string
	err  error
}

func newAgent(t *testing.T, line io.ReadWriteCloser) *agent {
	return &agent{t: t, line: line, r: bufio.NewReader(line)}
}

// wire frames a body the way the sheet writes it.
func wire(seq, body string) string {
	core := fmt.Sprintf("1%s%04d%s", seq, len(body), body)
	return fmt.Sprintf("\x02%s%08X\x03", core, crc32.ChecksumIEEE([]byte(core)))
}

func (a *agent) put(raw string) {
	if _, err := io.WriteString(a.line, raw); err != nil {
		a.t.Errorf("agent writes %q: %v", raw, err)
	}
}

func (a *agent) ack(seq string) { a.put("\x06" + seq) }

// errBadFrame says that the register sent something that is no whole frame.
var errBadFrame = errors.New("bad frame")

// next reads one frame or acknowledgement.
func (a *agent) next() heard {
	kind, err := a.r.ReadByte()
	if err != nil {
		return heard{err: err}
	}
	switch kind {
	default:
		return heard{kind: kind}
	case ack, nak:
		seq := make([]byte, 2)
		_, err := io.ReadFull(a.r, seq)
		return heard{kind: kind, seq: string(seq), err: err}
	case stx:
	}
	rest, err := a.r.ReadString(etx)
	if err != nil {
		return heard{err: err}
	}
	rest = rest[strings.LastIndexByte(rest, stx)+1:]
	if len(rest) < 16 {
		return heard{err: fmt.Errorf("%w %q", errBadFrame, rest)}
	}
	h := heard{kind: stx, seq: rest[1:3], body: rest[7 : len(rest)-9], raw: "\x02" + rest}
	if wire(h.seq, h.body) != h.raw {
		h.err = fmt.Errorf("%w %q", errBadFrame, h.raw)
	}
	return h
}

// frame reads the next thing and insists on a frame.
func (a *agent) frame() heard {
	a.t.Helper()
	return a.want(stx)
}

func (a *agent) want(kind byte) heard {
	a.t.Helper()
	h := a.next()
	if h.err != nil || h.kind != kind {
		a.t.Fatalf("agent heard %+v, want kind %#02x", h, kind)
	}
	return h
}

// respond acknowledges a request, sends a response and takes its ACK.
func (a *agent) respond(h heard, seq, body string) {
	a.t.Helper()
	a.ack(h.seq)
	a.put(wire(seq, body))
	if got := a.want(ack); got.seq != seq {
		a.t.Fatalf("ACK of %s, want %s", got.seq, seq)
	}
}

func okTo(h heard) string {
	return fmt.Sprintf(`{"method":%q,"re":%q,"result":{"resultStatus":"S","resultCode":"SUCCESS"}}`, h.method(), h.seq)
}

func (h heard) method() string {
	var b struct{ Method string }
	_ = json.Unmarshal([]byte(h.body), &b) // A body that is no JSON has no method.
	return b.Method
}

// bubble runs a register and an agent on an in-memory line in virtual time. It
// fails where anything is left running after Run.
func bubble(t *testing.T, o Options, f func(ctx context.Context, r *Register, a *agent)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // Virtual: no test waits for ever.
		r := New(here, o)
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		f(ctx, r, newAgent(t, there))
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run after its context ended: %v, want nil", err)
		}
		_ = there.Close() // The other end is closed already.
	})
}

// answered is what a request came to.
type answered struct {
	m   Message
	err error
	at  time.Duration // since it was sent
}

// ask sends a request beside the test.
func ask(ctx context.Context, r *Register, method string) <-chan answered {
	got := make(chan answered, 1)
	start := time.Now()
	go func() {
		m, err := r.Request(ctx, method, nil)
		got <- answered{m, err, time.Since(start)}
	}()
	return got
}
