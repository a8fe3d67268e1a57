package device

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

func TestAckIsNotWrittenTogetherWithAFrame(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	b.wrote("01 " + toldEvent)
	b.hears(sent(1, askLast), encodeAck(nak, 1))
	b.wrote("ACK 01")
	b.after(testGap)
	b.wrote("01 " + toldEvent)
}

func TestNakWithAnySeqSendsTheSameBytesAgain(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	first := slices.Clone(b.wire)
	b.wire = nil
	b.hears(encodeAck(nak, 0x77))
	if !bytes.Equal(b.wire, first) {
		t.Errorf("sent %q, then %q", first, b.wire)
	}
}

func TestAckWithAnotherSeqIsIgnored(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	b.wire = nil
	b.hears(encodeAck(ack, 2))
	if b.link.outstanding == nil {
		t.Fatal("an ACK of 02 ended the wait for that of 01")
	}
	b.after(timeT2)
	b.wrote("01 " + toldEvent)
	b.hears(encodeAck(ack, 1))
	b.after(time.Minute)
	b.wrote()
}

func TestThreeSendsThenDownUntilAFrameArrives(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	b.after(2*timeT2 + timeT2/2)
	b.wrote("01 "+toldEvent, "01 "+toldEvent, "01 "+toldEvent)
	if !b.link.up {
		t.Fatal("down before the third send's T2 was over")
	}
	b.after(timeT2)
	b.wrote()
	if b.link.up || b.tells(toldEvent) {
		t.Fatal("not down after three sends")
	}
	b.hears(encodeAck(ack, 1))
	if b.link.up {
		t.Fatal("an ACK brought the link up")
	}
	r := b.hears(sent(5, askLast))
	b.responds(r[0], replied)
	b.after(testGap)
	b.wrote("ACK 05", "02 "+replied)
}

func TestThirdNakTakesTheLinkDown(t *testing.T) {
	b := newBench(t)
	b.up()
	b.tells(toldEvent)
	for range 3 {
		b.hears(encodeAck(nak, 1))
	}
	b.wrote("01 "+toldEvent, "01 "+toldEvent, "01 "+toldEvent)
	if b.link.up {
		t.Error("up after three refused sends")
	}
}

func TestT2CountsTheFramesTimeOnTheWire(t *testing.T) {
	b := newBench(t)
	b.link.byteTime = time.Second / 30 // 300 baud
	r := b.hears(sent(1, askLast))
	b.responds(r[0], replied)
	b.after(200 * time.Millisecond)
	b.wrote("ACK 01", "01 "+replied)
	frame := len(sent(1, replied))
	b.after(time.Second + time.Duration(frame-4)*b.link.byteTime)
	b.wrote()
	b.after(4 * b.link.byteTime)
	b.wrote("01 " + replied)
}

func TestNothingIsSentBeforeAFrameArrived(t *testing.T) {
	b := newBench(t)
	if b.tells(toldEvent) {
		t.Error("an event before the register was heard")
	}
	b.hears([]byte("\x0601\x1501garbage"))
	if b.tells(toldEvent) {
		t.Error("an event after acknowledgements only")
	}
	b.wrote()
}

func TestResponsesGoBeforeEvents(t *testing.T) {
	b := newBench(t)
	b.up()
	first := b.hears(sent(1, askLast))
	if b.after(testGap); b.tells(toldEvent) {
		t.Fatal("an event overtook the response to an accepted request")
	}
	b.responds(first[0], replied)
	second := b.hears(sent(2, askLast))
	b.responds(second[0], `{"re":"02"}`)
	b.after(testGap)
	b.wrote("ACK 01", "01 "+replied, "ACK 02")
	if b.tells(toldEvent) {
		t.Fatal("an event beside an unacknowledged response")
	}
	b.hears(encodeAck(ack, 1))
	b.wrote(`02 {"re":"02"}`)
	b.hears(encodeAck(ack, 2))
	if !b.tells(toldEvent) {
		t.Fatal("no event on an idle link")
	}
	b.wrote("03 " + toldEvent)
}

func TestUnansweredRequestHoldsEventsBackForT3Only(t *testing.T) {
	b := newBench(t)
	b.up()
	r := b.hears(sent(1, askLast))
	if b.after(timeT3 - 1); b.tells(toldEvent) {
		t.Fatal("an event before T3")
	}
	if b.after(1); !b.tells(toldEvent) {
		t.Fatal("no event after T3")
	}
	b.wrote("ACK 01", "01 "+toldEvent)
	b.hears(encodeAck(ack, 1))
	b.responds(r[0], replied)
	b.wrote("02 " + replied)
}

func TestSeqGoesFromFFTo01(t *testing.T) {
	b := newBench(t)
	b.up()
	for i := range 256 {
		b.tells(toldEvent)
		seq := uint8(i%255 + 1)
		b.wrote(seqText(seq) + " " + toldEvent)
		b.hears(encodeAck(ack, seq))
	}
}

func TestLinkAtRestHasNoDeadline(t *testing.T) {
	b := newBench(t)
	b.up()
	b.after(testGap)
	if due := b.link.deadline(b.now); !due.IsZero() {
		t.Errorf("deadline in %v with nothing to do", due.Sub(b.now))
	}
}
