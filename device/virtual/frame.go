package virtual

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// Bytes and sizes of register-link §2.
const (
	stx = 0x02
	etx = 0x03
	ack = 0x06
	nak = 0x15

	version    = '1'
	headLen    = 8 // STX, version, SEQ, LEN
	tailLen    = 9 // CRC, ETX
	maxBodyLen = 9999
)

// seqUnreadable is the SEQ of a NAK for a frame whose own cannot be read.
const seqUnreadable = "00"

// frame is one whole frame as it arrived.
type frame struct {
	seq  string // two upper-case hex digits
	body []byte
	crc  string // eight upper-case hex digits
}

// encodeFrame frames a body. It takes any bytes up to the 9999 that LEN can
// say, so that a test can send what no register should; it panics beyond.
func encodeFrame(seq string, body []byte) []byte {
	if len(seq) != 2 || len(body) > maxBodyLen {
		panic(fmt.Sprintf("virtual: frame with seq %q and %d bytes of body", seq, len(body)))
	}
	b := make([]byte, 0, headLen+len(body)+tailLen)
	b = append(b, stx, version)
	b = append(b, seq...)
	b = fmt.Appendf(b, "%04d", len(body))
	b = append(b, body...)
	b = fmt.Appendf(b, "%08X", crc32.ChecksumIEEE(b[1:]))
	return append(b, etx)
}

// decodeFrame reads what lies from STX to ETX, both included, and says whether
// it is whole.
func decodeFrame(b []byte) (frame, bool) {
	if len(b) < headLen+2+tailLen || b[0] != stx || b[1] != version || b[len(b)-1] != etx {
		return frame{}, false
	}
	body := b[headLen : len(b)-tailLen]
	if !isHex(b[2:4]) || !bytes.Equal(b[4:8], fmt.Appendf(nil, "%04d", len(body))) {
		return frame{}, false
	}
	crc := b[len(b)-tailLen : len(b)-1]
	want := crc32.ChecksumIEEE(b[1 : len(b)-tailLen])
	got, err := strconv.ParseUint(string(crc), 16, 32)
	if err != nil || !isHex(crc) || uint32(got) != want {
		return frame{}, false
	}
	return frame{seq: string(b[2:4]), body: bytes.Clone(body), crc: string(crc)}, true
}

// isHex says whether b is all upper-case hex digits.
func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// itemKind says what the scanner found.
type itemKind int

const (
	itemFrame   itemKind = iota // a whole frame
	itemDamaged                 // a frame that must be answered with NAK of seq
	itemAck
	itemNak
)

type item struct {
	kind  itemKind
	seq   string
	frame frame
}

// scanner cuts a stream of bytes, however split, into items (register-link §2).
// It holds no more than one frame of the greatest length.
type scanner struct {
	buf     []byte    // from STX, ACK or NAK on; empty between items
	last    time.Time // when the newest byte of buf came
	garbage int       // bytes that belonged to nothing, ever
}

// feed takes the next byte and reports the item it completed, if any.
func (s *scanner) feed(now time.Time, c byte) (item, bool) {
	s.last = now
	switch {
	case c == stx: // A further STX always starts afresh, and what it cut gets no NAK.
		s.garbage += len(s.buf)
		s.buf = append(s.buf[:0], c)
		return item{}, false
	case len(s.buf) == 0:
		s.begin(c)
		return item{}, false
	case s.buf[0] == stx:
		return s.inFrame(c)
	}
	return s.inAcknowledgement(c)
}

func (s *scanner) begin(c byte) {
	if c == ack || c == nak {
		s.buf = append(s.buf, c)
		return
	}
	s.garbage++
}

func (s *scanner) inFrame(c byte) (item, bool) {
	s.buf = append(s.buf, c)
	printable := c >= 0x20 && c <= 0x7e
	if printable && len(s.buf) < headLen+maxBodyLen+tailLen {
		return item{}, false
	}
	if f, ok := decodeFrame(s.buf); ok {
		s.buf = s.buf[:0]
		return item{kind: itemFrame, seq: f.seq, frame: f}, true
	}
	return s.damaged(), true
}

func (s *scanner) inAcknowledgement(c byte) (item, bool) {
	if !isHex([]byte{c}) {
		s.garbage += len(s.buf)
		s.buf = s.buf[:0]
		s.begin(c)
		return item{}, false
	}
	s.buf = append(s.buf, c)
	if len(s.buf) < 3 {
		return item{}, false
	}
	it := item{kind: itemAck, seq: string(s.buf[1:3])}
	if s.buf[0] == nak {
		it.kind = itemNak
	}
	s.buf = s.buf[:0]
	return it, true
}

// expire drops what is partial once T1 has passed since its last byte. Only a
// partial frame is an item; half an acknowledgement is garbage.
func (s *scanner) expire(now time.Time, t1 time.Duration) (item, bool) {
	if len(s.buf) == 0 || now.Sub(s.last) < t1 {
		return item{}, false
	}
	if s.buf[0] == stx {
		return s.damaged(), true
	}
	s.garbage += len(s.buf)
	s.buf = s.buf[:0]
	return item{}, false
}

func (s *scanner) damaged() item {
	it := item{kind: itemDamaged, seq: seqUnreadable}
	if len(s.buf) >= 4 && isHex(s.buf[2:4]) {
		it.seq = string(s.buf[2:4])
	}
	s.buf = s.buf[:0]
	return it
}
