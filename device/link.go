package device

import "time"

// Counts are what a link has seen and done since it was made. All only rise.
type Counts struct {
	FramesIn     int64 // whole frames, the same frame again among them
	FramesOut    int64 // frames sent, each sending counted
	Repeated     int64 // of FramesIn: the same frame again
	Resent       int64 // of FramesOut: sent before
	Damaged      int64 // frames answered with NAK
	CutShort     int64 // frames ended by another STX
	GarbageBytes int64 // bytes outside frames
	Refused      int64 // NAKs of the register that spoke of a frame of ours
	StrayAcks    int64 // acknowledgements that fitted nothing outstanding
	Late         int64 // responses that came after T3 or after an initConnection, not sent
	Unanswered   int64 // requests beyond those that may wait for the engine
	Downs        int64 // times three sends went without an ACK
}

// request is a frame that was accepted and wants one response. body is nil
// where length is beyond the agreed maxBody.
type request struct {
	seq    uint8
	body   []byte
	length int
	at     time.Time
	serial uint64
	epoch  uint64

	patience time.Duration // its T3, where the owner knows that it is another
}

// t3 is until when a response may be sent.
func (r request) t3() time.Time {
	if r.patience > 0 {
		return r.at.Add(r.patience)
	}
	return r.at.Add(timeT3)
}

// accepted is the memory behind "the same frame again" (register-link §2).
type accepted struct {
	seq    uint8
	crc    uint32
	at     time.Time
	serial uint64
	reply  *outgoing
}

// link is the state of one register's link, without clock, port or goroutine.
// Its owner gives it the bytes that arrived and the time, answers every request
// it hands out at most once, calls tick at deadline, and after each of these
// writes what written returns, before anything else is asked of it.
type link struct {
	ackGap   time.Duration
	byteTime time.Duration // one byte on the wire

	dec    decoder
	counts Counts
	up     bool // a frame has arrived and the last three sends did not all fail

	next   uint8  // SEQ of the frame after this one
	serial uint64 // of the latest request
	epoch  uint64 // rises with every initConnection

	last        accepted
	waiting     []request // accepted, not answered yet
	queue       []*outgoing
	outstanding *outgoing // at most one frame of ours without its ACK

	quiet time.Time // no frame of ours before this (ack_gap)
	out   []byte
}

func newLink(ackGap, byteTime time.Duration) *link {
	return &link{ackGap: ackGap, byteTime: byteTime, dec: decoder{limit: defaultMaxBody}, next: 1}
}

// receive takes bytes that arrived at now and returns the requests among them.
// Each of them is acknowledged already.
func (l *link) receive(now time.Time, p []byte) []request {
	var asked []request
	for _, it := range l.dec.receive(now, p) {
		switch it.kind {
		case itemFrame:
			if r, fresh := l.frame(now, it); fresh {
				asked = append(asked, r)
			}
		case itemAck:
			l.acknowledged(it.seq)
		case itemNak:
			l.refused()
		case itemFault:
			l.counts.Damaged++
			l.sign(now, nak, it.seq)
		}
	}
	return asked
}

// tick does what is due at now: T1 and T2.
func (l *link) tick(now time.Time) {
	for _, it := range l.dec.tick(now) {
		l.counts.Damaged++
		l.sign(now, nak, it.seq)
	}
	if o := l.outstanding; o != nil && !o.wanted && !now.Before(o.due) {
		l.sendFailed()
	}
}

// respond gives the response to r. It is sent when the line is free, unless r
// is from before an initConnection, T3 is over or the link is down. In the
// latter two it is kept for the same frame again.
func (l *link) respond(r request, body []byte) {
	l.settle(r)
	if r.epoch != l.epoch {
		l.counts.Late++
		return
	}
	o := &outgoing{expires: r.t3()}
	if r.seq != 0 { // register-link §2: 00 only for initConnection and its response
		o.seq = l.takeSeq()
	}
	o.frame = encode(o.seq, body)
	if l.last.serial == r.serial {
		l.last.reply = o
	}
	if l.up {
		l.enqueue(o)
	}
}

// leaveUnanswered ends the wait for a response to r: silence is unknown
// (register-link §4 rule 4).
func (l *link) leaveUnanswered(r request) {
	l.settle(r)
	l.counts.Unanswered++
}

// tell gives an event to be sent. The caller asks idle first.
func (l *link) tell(body []byte) {
	o := &outgoing{seq: l.takeSeq()}
	o.frame = encode(o.seq, body)
	l.enqueue(o)
}

// idle reports whether an event may be given: the link is up, nothing of ours
// is on its way and no accepted request still waits for its response, which
// goes first.
func (l *link) idle(now time.Time) bool {
	return l.up && l.outstanding == nil && len(l.queue) == 0 &&
		!now.Before(l.quiet) && l.waitEnds(now).IsZero()
}

// written returns the bytes to be written at now, and forgets them.
func (l *link) written(now time.Time) []byte {
	l.pump(now)
	out := l.out
	l.out = nil
	return out
}

// deadline is when tick or written next has something to do, or zero.
func (l *link) deadline(now time.Time) time.Time {
	due := earliest(l.dec.deadline(), l.waitEnds(now))
	if now.Before(l.quiet) {
		due = earliest(due, l.quiet)
	}
	if o := l.outstanding; o != nil && !o.wanted {
		due = earliest(due, o.due)
	}
	return due
}

// counted returns the counts as they stand.
func (l *link) counted() Counts {
	c := l.counts
	c.GarbageBytes, c.CutShort = l.dec.garbage, l.dec.cut
	return c
}

// reopened tells that the port was opened anew: nothing has arrived yet, and
// what was on its way is gone. The agreement made by initConnection and the
// memory of the last frame stay.
func (l *link) reopened() {
	l.dec.reset()
	l.lost()
	l.waiting, l.out, l.quiet = nil, nil, time.Time{}
}

func (l *link) frame(now time.Time, it item) (request, bool) {
	l.up = true
	l.counts.FramesIn++
	l.sign(now, ack, it.seq)
	if it.seq == 0 {
		l.restart()
	} else if l.isLast(now, it) {
		l.counts.Repeated++
		l.repeat(now)
		return request{}, false
	}
	l.serial++
	if it.seq != 0 {
		l.last = accepted{seq: it.seq, crc: it.crc, at: now, serial: l.serial}
	}
	r := request{seq: it.seq, body: it.body, length: it.length, at: now, serial: l.serial, epoch: l.epoch}
	l.waiting = append(l.waiting, r)
	return r, true
}

// restart is what initConnection does to both counts and memories
// (register-link §2).
func (l *link) restart() {
	l.epoch++
	l.next = 1
	l.last = accepted{}
	l.outstanding, l.queue, l.waiting = nil, nil, nil
}

func (l *link) isLast(now time.Time, it item) bool {
	return l.last.seq == it.seq && l.last.crc == it.crc && now.Sub(l.last.at) <= sameFrameWithin
}

// repeat sends the response to the last frame once more. One that is still
// being made, or waits its turn, comes by itself.
func (l *link) repeat(now time.Time) {
	o := l.last.reply
	switch {
	case o == nil || l.queued(o):
	case o == l.outstanding:
		o.wanted = o.wanted || o.sends < sendsOfAFrame
	default:
		once := &outgoing{seq: o.seq, frame: o.frame, expires: now.Add(timeT3)}
		l.last.reply = once
		l.counts.Resent++
		l.enqueue(once)
	}
}

func (l *link) settle(r request) {
	for i, w := range l.waiting {
		if w.serial == r.serial {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
}

// waitEnds is until when events wait for responses still being made, or zero.
// It forgets requests whose T3 is over.
func (l *link) waitEnds(now time.Time) time.Time {
	for len(l.waiting) > 0 && now.Sub(l.waiting[0].at) >= timeT3 {
		l.waiting = l.waiting[1:]
	}
	if len(l.waiting) == 0 {
		return time.Time{}
	}
	return l.waiting[len(l.waiting)-1].at.Add(timeT3)
}
