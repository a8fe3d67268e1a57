package device

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// itemKind says what a decoder found in the bytes.
type itemKind uint8

const (
	itemFrame itemKind = iota + 1 // a whole frame
	itemAck                       // ACK of seq
	itemNak                       // NAK, whatever its seq
	itemFault                     // began with STX, then ended damaged or stopped for T1: to be answered NAK
)

// item is one thing a decoder found. seq is 0 in an itemFault whose SEQ could
// not be read. body is nil in a frame whose length is beyond the agreed one.
type item struct {
	kind   itemKind
	seq    uint8
	crc    uint32
	length int
	body   []byte
}

// phase is where in the stream a decoder stands.
type phase uint8

const (
	outside    phase = iota
	inFrame          // after STX
	inAckOrNak       // after ACK or NAK
)

// decoder turns bytes, split anywhere, into items. It holds at most limit bytes
// of a body: what is longer is checked and measured but not kept. Its zero
// value with a limit is ready for use.
type decoder struct {
	limit int // bytes of body that were agreed

	garbage int64 // bytes outside frames that belong to no acknowledgement
	cut     int64 // frames cut short by another STX

	phase   phase
	last    time.Time // arrival of the latest byte
	pos     int       // bytes of the frame or acknowledgement so far, without its first
	sign    byte      // ack or nak, in phase inAckOrNak
	head    [headBytes]byte
	check   [checkBytes]byte
	one     [1]byte // scratch for the running sum
	sum     uint32
	length  int // as LEN says; -1 while unread or unreadable
	damaged bool
	body    []byte
}

// receive takes bytes that arrived at now, in order.
func (d *decoder) receive(now time.Time, p []byte) []item {
	items := d.tick(now)
	for _, b := range p {
		if it := d.take(b); it.kind != 0 {
			items = append(items, it)
		}
	}
	if len(p) > 0 {
		d.last = now
	}
	return items
}

// tick drops what stopped for T1 (register-link §2).
func (d *decoder) tick(now time.Time) []item {
	due := d.deadline()
	if due.IsZero() || now.Before(due) {
		return nil
	}
	if d.phase == inFrame {
		return []item{d.fault()}
	}
	d.leaveAck()
	return nil
}

// deadline is when tick has something to do, or zero.
func (d *decoder) deadline() time.Time {
	if d.phase == outside {
		return time.Time{}
	}
	return d.last.Add(timeT1)
}

// reset forgets what was under way, as after a hang-up.
func (d *decoder) reset() { d.phase = outside }

func (d *decoder) take(b byte) item {
	switch {
	case b == stx:
		d.begin()
	case d.phase == inFrame:
		return d.inside(b)
	case b == ack || b == nak:
		d.leaveAck()
		d.phase, d.sign, d.pos = inAckOrNak, b, 0
	case d.phase == inAckOrNak:
		return d.acknowledgement(b)
	default:
		d.garbage++
	}
	return item{}
}

// begin starts a frame afresh, whatever was under way (register-link §2, offset 0).
func (d *decoder) begin() {
	if d.phase == inFrame {
		d.cut++
	}
	d.leaveAck()
	d.phase, d.pos, d.sum, d.length, d.damaged = inFrame, 0, 0, -1, false
	d.body = d.body[:0]
}

// leaveAck counts a begun acknowledgement that came to nothing as garbage.
func (d *decoder) leaveAck() {
	if d.phase == inAckOrNak {
		d.garbage += int64(1 + d.pos)
		d.phase = outside
	}
}

func (d *decoder) acknowledgement(b byte) item {
	if _, ok := hexDigit(b); !ok {
		d.leaveAck()
		d.garbage++
		return item{}
	}
	d.head[d.pos] = b
	d.pos++
	if d.pos < 2 {
		return item{}
	}
	d.phase = outside
	seq, _ := parseSeq(d.head[0], d.head[1])
	if d.sign == ack {
		return item{kind: itemAck, seq: seq}
	}
	return item{kind: itemNak, seq: seq}
}

// inside takes a byte after STX. A byte that is neither printable nor ETX ends
// the frame at once; so does more than the longest frame there is.
func (d *decoder) inside(b byte) item {
	if b == etx {
		return d.end()
	}
	if b < firstPrintable || b > lastPrintable || d.pos == headBytes+mostBody+checkBytes {
		return d.fault()
	}
	d.keep(b)
	d.pos++
	return item{}
}

func (d *decoder) keep(b byte) {
	switch {
	case d.pos < headBytes:
		d.head[d.pos] = b
		d.add(b)
		if d.pos == headBytes-1 {
			d.readHead()
		}
	case d.damaged:
		// Only its end is of interest now.
	case d.pos < headBytes+d.length:
		d.add(b)
		if d.length <= d.limit {
			d.body = append(d.body, b)
		}
	case d.pos < headBytes+d.length+checkBytes:
		d.check[d.pos-headBytes-d.length] = b
	default:
		d.damaged = true
	}
}

func (d *decoder) add(b byte) {
	d.one[0] = b
	d.sum = crc32.Update(d.sum, crc32.IEEETable, d.one[:])
}

func (d *decoder) readHead() {
	_, seqOK := parseSeq(d.head[1], d.head[2])
	length, lengthOK := parseLength(d.head[3:])
	d.length = length
	d.damaged = d.head[0] != frameVersion || !seqOK || !lengthOK
	if length <= d.limit && length > cap(d.body) {
		d.body = make([]byte, 0, length)
	}
}

// end judges the frame that ETX closed.
func (d *decoder) end() item {
	if d.damaged || d.length < 0 || d.pos != headBytes+d.length+checkBytes {
		return d.fault()
	}
	crc, ok := parseCheck(d.check)
	if !ok || crc != d.sum {
		return d.fault()
	}
	d.phase = outside
	seq, _ := parseSeq(d.head[1], d.head[2])
	it := item{kind: itemFrame, seq: seq, crc: crc, length: d.length}
	if d.length <= d.limit {
		it.body = append([]byte(nil), d.body...)
	}
	return it
}

func (d *decoder) fault() item {
	d.phase = outside
	if d.pos < 3 {
		return item{kind: itemFault}
	}
	seq, _ := parseSeq(d.head[1], d.head[2])
	return item{kind: itemFault, seq: seq}
}

// encode makes the frame that carries body under seq. A body that no frame can
// carry is a programmer's error: bodies are made in response.go, which escapes
// and bounds them.
func encode(seq uint8, body []byte) []byte {
	if len(body) < leastBody || len(body) > mostBody {
		panic(fmt.Sprintf("device: a body of %d bytes", len(body)))
	}
	frame := make([]byte, 0, 1+headBytes+len(body)+checkBytes+1)
	frame = fmt.Appendf(frame, "%c%c%02X%04d", stx, frameVersion, seq, len(body))
	frame = append(frame, body...)
	for _, b := range body {
		if b < firstPrintable || b > lastPrintable {
			panic(fmt.Sprintf("device: byte %02X in a body", b))
		}
	}
	return fmt.Appendf(frame, "%08X%c", crc32.ChecksumIEEE(frame[1:]), etx)
}

// encodeAck makes an acknowledgement; sign is ack or nak.
func encodeAck(sign byte, seq uint8) []byte {
	return fmt.Appendf(nil, "%c%02X", sign, seq)
}

// seqText is a SEQ as it stands in a frame and in the member re.
func seqText(seq uint8) string { return fmt.Sprintf("%02X", seq) }

func hexDigit(b byte) (uint32, bool) {
	switch {
	case b >= '0' && b <= '9':
		return uint32(b - '0'), true
	case b >= 'A' && b <= 'F':
		return uint32(b-'A') + 10, true
	}
	return 0, false
}

func parseSeq(high, low byte) (uint8, bool) {
	h, okHigh := hexDigit(high)
	l, okLow := hexDigit(low)
	if !okHigh || !okLow {
		return 0, false
	}
	return uint8(h<<4 | l), true
}

func parseLength(digits []byte) (int, bool) {
	for _, b := range digits {
		if b < '0' || b > '9' {
			return -1, false
		}
	}
	length, err := strconv.Atoi(string(digits))
	if err != nil || length < leastBody {
		return -1, false
	}
	return length, true
}

func parseCheck(digits [checkBytes]byte) (uint32, bool) {
	var crc uint32
	for _, b := range digits {
		digit, ok := hexDigit(b)
		if !ok {
			return 0, false
		}
		crc = crc<<4 | digit
	}
	return crc, true
}
