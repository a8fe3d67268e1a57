package device

import "time"

// outgoing is one frame of ours, with the same bytes each time it is sent.
type outgoing struct {
	seq     uint8
	frame   []byte
	expires time.Time // T3 of a response; zero for an event
	sends   int
	wanted  bool      // to be sent (again) as soon as the line may be used
	due     time.Time // T2 of the latest send
}

func (l *link) queued(o *outgoing) bool {
	for _, q := range l.queue {
		if q == o {
			return true
		}
	}
	return false
}

func (l *link) acknowledged(seq uint8) {
	o := l.outstanding
	if o == nil || o.seq != seq {
		l.counts.StrayAcks++
		return
	}
	l.outstanding = nil
}

// refused takes a NAK: whatever its SEQ, it speaks of the outstanding frame.
func (l *link) refused() {
	o := l.outstanding
	if o == nil || o.wanted {
		l.counts.StrayAcks++
		return
	}
	l.counts.Refused++
	l.sendFailed()
}

func (l *link) sendFailed() {
	if l.outstanding.sends < sendsOfAFrame {
		l.outstanding.wanted = true
		return
	}
	l.counts.Downs++
	l.lost()
}

// lost drops what is on its way and takes the link down until a frame arrives.
func (l *link) lost() {
	l.up = false
	l.outstanding, l.queue = nil, nil
}

func (l *link) enqueue(o *outgoing) {
	o.wanted = true
	l.queue = append(l.queue, o)
}

// pump puts the next frame out, once the gap after our last ACK is over.
func (l *link) pump(now time.Time) {
	if now.Before(l.quiet) {
		return
	}
	for l.outstanding == nil && len(l.queue) > 0 {
		o := l.queue[0]
		l.queue = l.queue[1:]
		if !o.expires.IsZero() && now.After(o.expires) {
			l.counts.Late++
			continue
		}
		l.outstanding = o
	}
	if o := l.outstanding; o != nil && o.wanted {
		l.send(now, o)
	}
}

func (l *link) send(now time.Time, o *outgoing) {
	o.wanted = false
	o.sends++
	o.due = now.Add(timeT2 + time.Duration(len(o.frame))*l.byteTime)
	l.counts.FramesOut++
	if o.sends > 1 {
		l.counts.Resent++
	}
	l.out = append(l.out, o.frame...)
}

// sign puts an acknowledgement out at once and keeps the line free of frames
// for ack_gap after it (register-link §2).
func (l *link) sign(now time.Time, sign byte, seq uint8) {
	mark := encodeAck(sign, seq)
	l.out = append(l.out, mark...)
	l.quiet = now.Add(time.Duration(len(mark))*l.byteTime + l.ackGap)
}

func (l *link) takeSeq() uint8 {
	seq := l.next
	l.next++
	if l.next == 0 { // register-link §2: FF, then 01 again
		l.next = 1
	}
	return seq
}

// earliest is the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
