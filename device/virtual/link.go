package virtual

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Numbers of register-link §2 that are not timers.
const (
	sends        = 3               // of one frame, in all
	memoryOfLast = 5 * time.Second // how long a repeated frame is known
	bitsPerByte  = 10              // 8N1 with its start and stop bit
	diagnosis    = "diagnosis"
	initiation   = "initConnection"
)

// ErrNoAck says that a request was sent three times and never acknowledged: the
// link is down. The agent may have it all the same, so the outcome is unknown.
var ErrNoAck = errors.New("no acknowledgement after three sends, link is down")

// ErrNoResponse says that T3 passed without a response to a request the agent
// had acknowledged. The outcome is unknown: ask.
var ErrNoResponse = errors.New("acknowledged but no response in time, outcome unknown")

// Counts is what a register has seen on its line since it was made.
type Counts struct {
	FramesIn    int // whole frames accepted, repeated ones not among them
	Duplicates  int // frames known by SEQ and CRC: acknowledged, nothing else
	Damaged     int // frames answered with NAK
	Garbage     int // bytes that belonged to no frame or acknowledgement
	Unreadable  int // frames whose body is no JSON object
	Unasked     int // responses nobody was waiting for
	Resends     int // sends of a frame after its first
	Naks        int // NAKs received
	EventsLost  int // events dropped, oldest first, because nobody read them
	UnsentLumps int // acknowledgements and frames dropped because the line took no more
}

// link holds the register's side of the rules of register-link §2. It is pure:
// bytes and the time go in, and what is to be written, events and the reply to
// the request under way come out. One goroutine uses it.
type link struct {
	timers Timers
	baud   int

	scan   scanner
	seq    byte   // the last one used, 0 after initConnection
	last   string // SEQ and CRC of the last frame accepted, "" for none
	lastAt time.Time
	cur    *request
	down   bool // three sends of the last frame failed, and nothing came since

	out    [][]byte  // to be written, in order
	events []Message // to be handed on, in order
	reply  *reply    // of the request that has just ended
	counts Counts
}

// request is the one request under way.
type request struct {
	method string // "" where the body does not say
	seq    string
	raw    []byte
	sent   int
	acked  bool
	due    time.Time // end of T2, or of T3 once acknowledged
	early  *Message  // a response that came before the acknowledgement
}

type reply struct {
	message Message
	err     error
}

// begin sends a request. The caller has waited for the reply of the last one.
func (l *link) begin(now time.Time, body []byte) {
	if l.cur != nil {
		panic("virtual: two requests under way")
	}
	method := methodOf(body)
	l.cur = &request{method: method, seq: l.nextSeq(method)}
	l.cur.raw = encodeFrame(l.cur.seq, body)
	l.send(now)
}

// nextSeq counts 01…FF and then 01 again. initConnection is always 00, starts
// the count afresh and ends the memory of the last frame (register-link §2).
func (l *link) nextSeq(method string) string {
	if method == initiation {
		l.seq, l.last = 0, ""
		return "00"
	}
	l.seq++
	if l.seq == 0 {
		l.seq = 1
	}
	return fmt.Sprintf("%02X", l.seq)
}

func methodOf(body []byte) string {
	return Message{Body: body}.Method()
}

func (l *link) send(now time.Time) {
	r := l.cur
	if r.sent == sends {
		l.giveUp()
		return
	}
	if r.sent++; r.sent > 1 {
		l.counts.Resends++
	}
	l.out = append(l.out, r.raw)
	r.due = now.Add(l.timers.T2 + l.wireTime(len(r.raw)))
}

// giveUp ends the request after its last send. A response that came without its
// acknowledgement is knowledge all the same.
func (l *link) giveUp() {
	if early := l.cur.early; early != nil {
		l.finish(*early, nil)
		return
	}
	l.down = true
	l.finish(Message{}, ErrNoAck)
}

func (l *link) wireTime(n int) time.Duration {
	return time.Duration(n*bitsPerByte) * time.Second / time.Duration(l.baud)
}

func (l *link) finish(m Message, err error) {
	l.cur = nil
	l.reply = &reply{m, err}
}

// receive takes bytes as they came, however split or merged.
func (l *link) receive(now time.Time, b []byte) {
	l.expire(now)
	for _, c := range b {
		if it, ok := l.scan.feed(now, c); ok {
			l.take(now, it)
		}
	}
	l.counts.Garbage = l.scan.garbage
}

// tick lets every timer that is over fire.
func (l *link) tick(now time.Time) {
	l.expire(now)
	if l.cur == nil || now.Before(l.cur.due) {
		return
	}
	if l.cur.acked {
		l.finish(Message{}, ErrNoResponse)
		return
	}
	l.send(now)
}

func (l *link) expire(now time.Time) {
	if it, ok := l.scan.expire(now, l.timers.T1); ok {
		l.take(now, it)
	}
	l.counts.Garbage = l.scan.garbage
}

// deadline is when tick is next needed, zero for never.
func (l *link) deadline() time.Time {
	var at time.Time
	if len(l.scan.buf) > 0 {
		at = l.scan.last.Add(l.timers.T1)
	}
	if l.cur != nil && (at.IsZero() || l.cur.due.Before(at)) {
		at = l.cur.due
	}
	return at
}

func (l *link) take(now time.Time, it item) {
	switch it.kind {
	case itemFrame:
		l.takeFrame(now, it.frame)
	case itemDamaged:
		l.counts.Damaged++
		l.acknowledge(nak, it.seq)
	case itemAck:
		l.takeAck(now, it.seq)
	case itemNak: // Whatever its SEQ, it speaks of the outstanding frame.
		l.counts.Naks++
		if l.cur != nil && !l.cur.acked {
			l.send(now)
		}
	}
}

func (l *link) acknowledge(kind byte, seq string) {
	l.out = append(l.out, append([]byte{kind}, seq...))
}

func (l *link) takeAck(now time.Time, seq string) {
	r := l.cur
	if r == nil || r.acked || r.seq != seq {
		return
	}
	l.down = false
	if r.early != nil {
		l.finish(*r.early, nil)
		return
	}
	r.acked = true
	r.due = now.Add(l.timers.T3)
	if r.method == diagnosis {
		r.due = now.Add(l.timers.Diagnosis)
	}
}

func (l *link) takeFrame(now time.Time, f frame) {
	l.down = false
	l.acknowledge(ack, f.seq)
	if key := f.seq + f.crc; key != l.last || now.Sub(l.lastAt) >= memoryOfLast {
		l.last, l.lastAt = key, now
		l.counts.FramesIn++
		l.takeBody(f.body)
		return
	}
	l.counts.Duplicates++
}

func (l *link) takeBody(body []byte) {
	m := Message{Body: json.RawMessage(body)}
	h := m.head()
	switch {
	case m.members() == nil:
		l.counts.Unreadable++
	case h.Event != "":
		l.events = append(l.events, m)
	case !l.answers(h):
		l.counts.Unasked++
	case !l.cur.acked: // The acknowledgement was lost: the same frame again will bring it.
		l.cur.early = &m
	default:
		l.finish(m, nil)
	}
}

// answers says whether a response belongs to the request under way. The method
// is compared too, since a count that starts afresh repeats its SEQs.
func (l *link) answers(h head) bool {
	if l.cur == nil || h.Re != l.cur.seq {
		return false
	}
	return h.Method == "" || l.cur.method == "" || h.Method == l.cur.method
}
