package device

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Ways of bytes on a line, in the notation of the protocol.
const (
	FromRegister = "R>A"
	FromAgent    = "A>R"
)

// Kinds of Sighting.
const (
	SightFrame   = "frame"   // a whole frame
	SightAck     = "ack"     // ACK of Seq
	SightNak     = "nak"     // NAK of Seq
	SightDamaged = "damaged" // began with STX, then ended damaged or stopped: to be answered NAK
	SightCut     = "cut"     // a frame cut short by another STX
	SightGarbage = "garbage" // bytes that belong to no frame or acknowledgement
	SightNote    = "note"    // no bytes, but what happened to the port
)

// leftOut stands in place of what is not to be kept.
const leftOut = "(left out)"

// garbageShown is how many bytes of garbage are shown. A frame that lost its
// STX is garbage too, and its first bytes are its head and its method.
const garbageShown = 16

// Sighting is one thing seen on a line, as a line of JSON in a recording. What
// belongs to the customer alone is left out of Body: receipts and extendInfo.
type Sighting struct {
	At    time.Time       `json:"at"`
	Way   string          `json:"way,omitempty"` // FromRegister or FromAgent
	Kind  string          `json:"kind"`
	Seq   string          `json:"seq,omitempty"`   // two hex digits; of what is damaged, as far as it could be read
	Bytes int             `json:"bytes,omitempty"` // of a frame's body, as LEN says; of anything else, all
	CRC   string          `json:"crc,omitempty"`   // of a frame
	Body  json.RawMessage `json:"body,omitempty"`  // of a frame that holds one JSON value
	Shown string          `json:"shown,omitempty"` // hex of the first bytes of garbage; the text of a note
}

// Watch finds what there is to see in the bytes of one way. Its zero value is
// ready. It is pure, as the decoder is that it looks over the shoulder of.
type Watch struct {
	Whole bool // leave nothing out

	dec     decoder
	garbage []byte
	run     int  // bytes of garbage since the last frame or acknowledgement
	tail    bool // what comes now may be the rest of a damaged frame
}

// See takes bytes that passed at now and returns what they completed.
func (w *Watch) See(now time.Time, way string, p []byte) []Sighting {
	w.dec.limit = mostBody
	seen := w.expired(now)
	for n := 0; n < len(p); {
		garbage, cut := w.dec.garbage, w.dec.cut
		b := p[n]
		took, it := w.dec.next(p[n:])
		n += took
		if w.dec.garbage > garbage {
			w.throw(b, int(w.dec.garbage-garbage))
		}
		if w.dec.phase != outside && w.run > 0 {
			seen = append(seen, w.swept())
		}
		if w.dec.cut > cut {
			seen = append(seen, Sighting{Kind: SightCut})
		}
		if it.kind != 0 {
			seen = append(seen, w.sighting(it))
		}
	}
	if len(p) > 0 {
		w.dec.last = now
	}
	if w.run > 0 {
		seen = append(seen, w.swept())
	}
	for i := range seen {
		seen[i].At, seen[i].Way = now, way
	}
	return seen
}

// expired tells of what stopped for T1 before now.
func (w *Watch) expired(now time.Time) []Sighting {
	var seen []Sighting
	garbage := w.dec.garbage
	for _, it := range w.dec.tick(now) {
		seen = append(seen, w.sighting(it))
	}
	w.run += int(w.dec.garbage - garbage)
	return seen
}

// throw notes n bytes of garbage that end with b. Those before b are an
// acknowledgement that came to nothing.
func (w *Watch) throw(b byte, n int) {
	w.run += n
	if n == 1 && len(w.garbage) < garbageShown && !w.tail {
		w.garbage = append(w.garbage, b)
	}
}

// swept is the garbage since something better was seen. Only the first of it is
// shown, for what follows may be the inside of a frame.
func (w *Watch) swept() Sighting {
	s := Sighting{Kind: SightGarbage, Bytes: w.run, Shown: fmt.Sprintf("%x", w.garbage)}
	w.run, w.garbage, w.tail = 0, nil, true
	return s
}

func (w *Watch) sighting(it item) Sighting {
	s := Sighting{Seq: seqText(it.seq)}
	w.tail = it.kind == itemFault
	switch it.kind {
	case itemFrame:
		s.Kind, s.Bytes, s.CRC, s.Body = SightFrame, it.length, fmt.Sprintf("%08X", it.crc), w.kept(it.body)
	case itemAck:
		s.Kind = SightAck
	case itemNak:
		s.Kind = SightNak
	case itemFault:
		s.Kind, s.Bytes = SightDamaged, 1+w.dec.pos
	}
	return s
}

// kept is a body as it may be shown; nil where it is no JSON, which can't be
// searched for what must be left out.
func (w *Watch) kept(body []byte) json.RawMessage {
	switch {
	case !json.Valid(body):
		return nil
	case w.Whole:
		return body
	}
	return withholdMembers(body)
}

// withholdMembers puts leftOut in place of the values of secret members, at any
// depth, and leaves every other byte of a valid JSON text as it is.
func withholdMembers(body []byte) []byte {
	secret := secretMembers(body)
	tokens := json.NewDecoder(bytes.NewReader(body))
	var out []byte
	kept := 0
	for {
		token, err := tokens.Token()
		if err != nil {
			return append(out, body[kept:]...)
		}
		name, isText := token.(string)
		after := int(tokens.InputOffset())
		if !isText || !secret[strings.ToLower(name)] || after >= len(body) || !followedByColon(body[after:]) {
			continue
		}
		var value json.RawMessage
		if tokens.Decode(&value) != nil {
			return append(out, body[kept:after]...) // not met in a valid text
		}
		end := int(tokens.InputOffset())
		out = append(out, body[kept:end-len(value)]...)
		out = append(out, `"`+leftOut+`"`...)
		kept = end
	}
}

// secretMembers are those left out of a body: of the response to receipt the
// text is one.
func secretMembers(body []byte) map[string]bool {
	secret := map[string]bool{"extendinfo": true, "paymentreceipt": true} // however a register spells them
	var named struct{ Method string }
	if json.Unmarshal(body, &named) != nil || named.Method == "receipt" {
		secret["text"] = true
	}
	return secret
}

func followedByColon(text []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(text), " \t\r\n"), ":")
}

// Name says in a few words what a sighting is, for people who watch a line.
func (s Sighting) Name() string {
	switch s.Kind {
	case SightFrame:
		return s.message()
	case SightAck:
		return "ACK of " + s.Seq
	case SightNak:
		return "NAK of " + s.Seq
	case SightDamaged:
		return fmt.Sprintf("damaged frame, SEQ %s, %d bytes", s.Seq, s.Bytes)
	case SightCut:
		return "frame cut short by another STX"
	case SightGarbage:
		return fmt.Sprintf("%d bytes of garbage: %s", s.Bytes, s.Shown)
	}
	return s.Shown
}

func (s Sighting) message() string {
	var head struct{ Method, Event, Re string }
	switch err := json.Unmarshal(s.Body, &head); {
	case err != nil:
		return "frame without a JSON object"
	case head.Event != "":
		return "event " + head.Event
	case head.Re != "":
		return strings.TrimSpace("response to " + head.Re + " " + head.Method)
	}
	return "request " + head.Method
}
