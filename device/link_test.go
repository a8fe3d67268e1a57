package device

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const testGap = 20 * time.Millisecond

// bench drives a link by hand: it holds the time and keeps what was written.
type bench struct {
	t    *testing.T
	link *link
	now  time.Time
	wire []byte
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, link: newLink(testGap, 0), now: start}
}

// hears gives the link bytes and returns the requests among them.
func (b *bench) hears(raw ...[]byte) []request {
	asked := b.link.receive(b.now, slices.Concat(raw...))
	b.wire = append(b.wire, b.link.written(b.now)...)
	return asked
}

// after lets d go by, stopping at each deadline.
func (b *bench) after(d time.Duration) {
	for end := b.now.Add(d); ; {
		due := b.link.deadline(b.now)
		if due.IsZero() || due.After(end) {
			due = end
		}
		b.now = due
		b.link.tick(b.now)
		b.wire = append(b.wire, b.link.written(b.now)...)
		if b.now.Equal(end) {
			return
		}
	}
}

// responds answers r at once.
func (b *bench) responds(r request, body string) {
	b.link.respond(r, []byte(body))
	b.wire = append(b.wire, b.link.written(b.now)...)
}

// tells gives the link an event, if it is idle.
func (b *bench) tells(body string) bool {
	if !b.link.idle(b.now) {
		return false
	}
	b.link.tell([]byte(body))
	b.wire = append(b.wire, b.link.written(b.now)...)
	return true
}

// wrote checks what was written since the last look.
func (b *bench) wrote(want ...string) {
	b.t.Helper()
	var got []string
	for _, it := range newDecoder().receive(b.now, b.wire) {
		switch it.kind {
		case itemAck:
			got = append(got, "ACK "+seqText(it.seq))
		case itemNak:
			got = append(got, "NAK "+seqText(it.seq))
		default:
			got = append(got, fmt.Sprintf("%s %s", seqText(it.seq), it.body))
		}
	}
	b.wire = nil
	if !slices.Equal(got, want) {
		b.t.Errorf("wrote %q, want %q", got, want)
	}
}

func sent(seq uint8, body string) []byte { return encode(seq, []byte(body)) }

const (
	askLast   = `{"method":"lastResult"}`
	toldEvent = `{"event":"payment"}`
	replied   = `{"re":"01"}`
)

// up brings the link up with one answered request.
func (b *bench) up() {
	b.t.Helper()
	r := b.hears(sent(0, `{"method":"initConnection"}`))
	b.responds(r[0], `{"re":"00"}`)
	b.after(testGap)
	b.hears(encodeAck(ack, 0))
	b.wrote("ACK 00", `00 {"re":"00"}`)
}

func TestFrameIsAcknowledgedAtOnceAndAnsweredAfterTheGap(t *testing.T) {
	b := newBench(t)
	asked := b.hears(sent(1, askLast))
	b.wrote("ACK 01")
	if len(asked) != 1 || string(asked[0].body) != askLast {
		t.Fatalf("asked %+v", asked)
	}
	b.responds(asked[0], replied)
	b.after(testGap - 1)
	b.wrote()
	b.after(1)
	b.wrote("01 " + replied)
}

func TestSameFrameAgainGetsTheSameResponseAndNothingElse(t *testing.T) {
	b := newBench(t)
	r := b.hears(sent(1, askLast))
	b.responds(r[0], replied)
	b.after(testGap)
	b.hears(encodeAck(ack, 1))
	b.wrote("ACK 01", "01 "+replied)
	b.after(4 * time.Second)
	if again := b.hears(sent(1, askLast)); again != nil {
		t.Fatalf("the same frame was handed out again: %+v", again)
	}
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
	b.hears(encodeAck(ack, 1))
	b.after(time.Second)
	if again := b.hears(sent(1, askLast)); len(again) != 1 {
		t.Error("after 5 s the same frame was not taken for a new one")
	}
}

func TestSameSeqWithOtherContentIsANewFrame(t *testing.T) {
	b := newBench(t)
	b.hears(sent(1, askLast))
	if asked := b.hears(sent(1, `{"method":"echo"}`)); len(asked) != 1 {
		t.Errorf("asked %+v", asked)
	}
}

func TestSameFrameBeforeItsResponseIsOnlyAcknowledged(t *testing.T) {
	b := newBench(t)
	r := b.hears(sent(1, askLast))
	b.after(timeT2)
	b.hears(sent(1, askLast))
	b.wrote("ACK 01", "ACK 01")
	b.responds(r[0], replied)
	b.after(testGap)
	b.hears(encodeAck(ack, 1))
	b.after(time.Minute)
	b.wrote("01 " + replied)
}

func TestSameFrameWhileItsResponseIsUnacknowledgedSendsItNow(t *testing.T) {
	b := newBench(t)
	r := b.hears(sent(1, askLast))
	b.responds(r[0], replied)
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
	b.hears(sent(1, askLast))
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
}

func TestResponseAfterT3IsNotSentButKeptForTheSameFrame(t *testing.T) {
	b := newBench(t)
	b.up()
	r := b.hears(sent(1, askLast))
	b.after(timeT3 + 1)
	b.responds(r[0], replied)
	b.after(time.Second)
	b.wrote("ACK 01")
	if got := b.link.counted().Late; got != 1 {
		t.Errorf("%d late responses counted, want 1", got)
	}
	b.hears(sent(1, askLast))
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
}

func TestInitConnectionResetsBothCountsAndEndsTheMemory(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	old := b.hears(sent(1, askLast))
	b.wire = nil
	r := b.hears(sent(0, `{"method":"initConnection"}`))
	b.responds(old[0], replied)
	b.responds(r[0], `{"re":"00"}`)
	b.after(testGap)
	b.wrote("ACK 00", `00 {"re":"00"}`)
	again := b.hears(sent(0, `{"method":"initConnection"}`))
	if len(again) != 1 {
		t.Fatal("initConnection within 5 s was not executed")
	}
	b.responds(again[0], `{"re":"00"}`)
	b.after(testGap)
	b.hears(encodeAck(ack, 0))
	b.wrote("ACK 00", `00 {"re":"00"}`)
	if fresh := b.hears(sent(1, askLast)); len(fresh) != 1 {
		t.Fatal("a frame from before initConnection was remembered")
	} else {
		b.responds(fresh[0], replied)
	}
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
}

func TestDamageIsAnsweredNakAndFollowedByNothing(t *testing.T) {
	b := newBench(t)
	broken := bytes.Replace(sent(1, askLast), []byte("last"), []byte("lost"), 1)
	if asked := b.hears(broken); asked != nil {
		t.Fatalf("asked %+v", asked)
	}
	b.wrote("NAK 01")
	b.hears(sent(2, askLast)[:12])
	b.after(timeT1)
	b.wrote("NAK 02")
	b.after(time.Minute)
	b.wrote()
	if c := b.link.counted(); c.Damaged != 2 || b.link.up {
		t.Errorf("counts %+v, up %v", c, b.link.up)
	}
}

func TestSTXStormCausesNoNak(t *testing.T) {
	b := newBench(t)
	b.hears([]byte(strings.Repeat("\x02101", 1000)))
	b.wrote()
	b.after(timeT1)
	b.wrote("NAK 01")
}

func TestHangUpForgetsWhatWasOnItsWayButNotTheLastFrame(t *testing.T) {
	b := newBench(t)
	r := b.hears(sent(1, askLast))
	b.responds(r[0], replied)
	b.after(testGap)
	b.hears(sent(2, askLast)[:9])
	b.wire = nil
	b.link.reopened()
	b.after(time.Second)
	b.wrote()
	if b.link.up {
		t.Error("up without a frame since the opening")
	}
	b.hears(sent(1, askLast))
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied)
}
