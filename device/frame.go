package device

import (
	"hash/crc32"
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
	sum     uint32
	length  int // as LEN says; -1 while unread or unreadable
	damaged bool
	body    []byte
}

// receive takes bytes that arrived at now, in order.
func (d *decoder) receive(now time.Time, p []byte) []item {
	items := d.tick(now)
	if len(p) > 0 {
		d.last = now
	}
	for len(p) > 0 {
		n, it := d.next(p)
		if it.kind != 0 {
			items = append(items, it)
		}
		p = p[n:]
	}
	return items
}

// next takes the first byte of p, or as many as belong to a body together, and
// returns how many that were and what they completed.
func (d *decoder) next(p []byte) (int, item) {
	if n := d.takeBody(p); n > 0 {
		return n, item{}
	}
	return 1, d.take(p[0])
}

// takeBody takes what of p is printable and belongs to the body under way, all at
// once, and returns how much that is. Whatever ends it is left to take.
func (d *decoder) takeBody(p []byte) int {
	if d.phase != inFrame || d.damaged || d.pos < headBytes || d.pos >= headBytes+d.length {
		return 0
	}
	p = p[:min(len(p), headBytes+d.length-d.pos)]
	for i, b := range p {
		if b < firstPrintable || b > lastPrintable {
			p = p[:i]
			break
		}
	}
	d.sum = crc32.Update(d.sum, crc32.IEEETable, p)
	if d.length <= d.limit {
		d.body = append(d.body, p...)
	}
	d.pos += len(p)
	return len(p)
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

// keep takes a byte of the head or of the check, those of the body being taken by
// takeBody.
func (d *decoder) keep(b byte) {
	switch {
	case d.pos < headBytes:
		d.head[d.pos] = b
		if d.pos == headBytes-1 {
			d.readHead()
		}
	case d.damaged:
		// Only its end is of interest now.
	case d.pos < headBytes+d.length+checkBytes:
		d.check[d.pos-headBytes-d.length] = b
	default:
		d.damaged = true
	}
}

func (d *decoder) readHead() {
	_, seqOK := parseSeq(d.head[1], d.head[2])
	length, lengthOK := parseLength(d.head[3:])
	d.length, d.sum = length, crc32.ChecksumIEEE(d.head[:])
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
