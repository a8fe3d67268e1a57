package device

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC)

func newDecoder() *decoder { return &decoder{limit: mostBody} }

func sameItem(a, b item) bool {
	return a.kind == b.kind && a.seq == b.seq && a.crc == b.crc && a.length == b.length && bytes.Equal(a.body, b.body)
}

// reencoded is the bytes that carry what was decoded, faults left out.
func reencoded(items []item) []byte {
	var out []byte
	for _, it := range items {
		switch it.kind {
		case itemFrame:
			out = append(out, encode(it.seq, it.body)...)
		case itemAck:
			out = append(out, encodeAck(ack, it.seq)...)
		case itemNak:
			out = append(out, encodeAck(nak, it.seq)...)
		}
	}
	return out
}

func printableBody() *rapid.Generator[[]byte] {
	return rapid.SliceOfN(rapid.ByteRange(firstPrintable, lastPrintable), leastBody, 300)
}

func TestWhatDecodesEncodesToTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			seq := rapid.Uint8().Draw(t, "seq")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				stream = append(stream, encode(seq, printableBody().Draw(t, "body"))...)
			case 1:
				stream = append(stream, encodeAck(ack, seq)...)
			case 2:
				stream = append(stream, encodeAck(nak, seq)...)
			}
		}
		d := newDecoder()
		var items []item
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "split")
			items = append(items, d.receive(start, rest[:n])...)
			rest = rest[n:]
		}
		if got := reencoded(items); !bytes.Equal(got, stream) {
			t.Fatalf("got  %q\nwant %q", got, stream)
		}
		if d.garbage != 0 || d.cut != 0 {
			t.Fatalf("%d garbage bytes, %d frames cut in a clean stream", d.garbage, d.cut)
		}
	})
}

func TestValidFramesSurviveGarbageAroundThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []string
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			stream = append(stream, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "garbage")...)
			body := printableBody().Draw(t, "body")
			want = append(want, string(body))
			stream = append(stream, encode(7, body)...)
		}
		d := newDecoder()
		var got []string
		for _, b := range stream {
			for _, it := range d.receive(start, []byte{b}) {
				if it.kind == itemFrame {
					got = append(got, string(it.body))
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestNakAnswersOnlyWhatBeganWithSTXAndEndedDamaged(t *testing.T) {
	echo := string(decodeHex(t, workedEcho))
	flipped := strings.Replace(echo, "hi", "ho", 1)
	tests := []struct {
		name, raw string
		want      []item
	}{
		{"a damaged body", flipped, []item{{kind: itemFault, seq: 1}}},
		{"SEQ unreadable", strings.Replace(echo, "101", "1x1", 1), []item{{kind: itemFault}}},
		{"another version", strings.Replace(echo, "101", "201", 1), []item{{kind: itemFault, seq: 1}}},
		{"a lower-case check", strings.Replace(frameOf(workedBodies()[0].body), "66DC21E6", "66dc21e6", 1), []item{{kind: itemFault, seq: 1}}},
		{"LEN says less", strings.Replace(echo, "0029", "0028", 1), []item{{kind: itemFault, seq: 1}}},
		{"LEN says more", strings.Replace(echo, "0029", "0030", 1), []item{{kind: itemFault, seq: 1}}},
		{"LEN says 9999", strings.Replace(echo, "0029", "9999", 1), []item{{kind: itemFault, seq: 1}}},
		{"LEN no number", strings.Replace(echo, "0029", "00 9", 1), []item{{kind: itemFault, seq: 1}}},
		{"LEN 0001", "\x0210100011" + "83DCEFB7\x03", []item{{kind: itemFault, seq: 1}}},
		{"empty frame", "\x02\x03", []item{{kind: itemFault}}},
		{"cut by STX", echo[:20] + echo, []item{whole(echo)}},
		{"STX storm", strings.Repeat("\x02", 5000) + echo, []item{whole(echo)}},
		{"a byte outside 20..7E ends it at once", echo[:20] + "\x80" + echo[20:], []item{{kind: itemFault, seq: 1}}},
		{"an ACK inside a frame ends it and is no ACK", echo[:20] + "\x0601" + echo[20:], []item{{kind: itemFault, seq: 1}}},
		{"DEL ends it", "\x02101\x7f", []item{{kind: itemFault, seq: 1}}},
		{"garbage alone", "login: \xff\x00\x03ATZ\r\n", nil},
		{"an ACK cut by a frame", "\x060" + echo, []item{whole(echo)}},
		{"ACK with lower-case SEQ", "\x060a", nil},
		{"longer than any frame", "\x02" + strings.Repeat("1", headBytes+mostBody+checkBytes+1), []item{{kind: itemFault, seq: 0x11}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := newDecoder().receive(start, []byte(test.raw))
			if !slices.EqualFunc(got, test.want, sameItem) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func frameOf(body string) string { return string(encode(1, []byte(body))) }

// whole is the item a frame decodes to.
func whole(frame string) item { return newDecoder().receive(start, []byte(frame))[0] }

func TestFrameNeedsItsOwnCheck(t *testing.T) {
	echo := decodeHex(t, workedEcho)
	short := append(slices.Clone(echo[:len(echo)-1-checkBytes]), etx)
	d := newDecoder()
	d.receive(start, echo)
	if items := d.receive(start, short); len(items) != 1 || items[0].kind != itemFault {
		t.Errorf("the check of the frame before was taken for its own: %+v", items)
	}
}

func TestGarbageAndCutFramesAreCounted(t *testing.T) {
	d := newDecoder()
	d.receive(start, []byte("abc\x060\x02101\x02\x80xy"))
	if d.garbage != 7 || d.cut != 1 {
		t.Errorf("garbage %d, cut %d, want 7 and 1", d.garbage, d.cut)
	}
}

func TestPartialFrameIsDroppedAfterT1(t *testing.T) {
	d := newDecoder()
	echo := decodeHex(t, workedEcho)
	d.receive(start, echo[:10])
	if got, want := d.deadline(), start.Add(500*time.Millisecond); !got.Equal(want) {
		t.Fatalf("deadline %v, want %v", got, want)
	}
	if items := d.tick(start.Add(499 * time.Millisecond)); items != nil {
		t.Fatalf("dropped before T1: %+v", items)
	}
	if items := d.tick(start.Add(500 * time.Millisecond)); len(items) != 1 || !sameItem(items[0], item{kind: itemFault, seq: 1}) {
		t.Fatalf("at T1: %+v, want one fault of SEQ 01", items)
	}
	if !d.deadline().IsZero() {
		t.Error("a deadline is left with nothing under way")
	}
}

func TestBytesThatComeWithinT1Count(t *testing.T) {
	d := newDecoder()
	var items []item
	for i, b := range decodeHex(t, workedEcho) {
		items = append(items, d.receive(start.Add(time.Duration(i)*499*time.Millisecond), []byte{b})...)
	}
	if len(items) != 1 || items[0].kind != itemFrame {
		t.Errorf("got %+v, want the frame", items)
	}
}

func TestFrameLongerThanAgreedIsWholeButNotKept(t *testing.T) {
	d := &decoder{limit: 512}
	body := []byte(`{"x":"` + strings.Repeat("y", 9000) + `"}`)
	items := d.receive(start, encode(9, body))
	if len(items) != 1 || items[0].kind != itemFrame || items[0].body != nil || items[0].length != len(body) {
		t.Fatalf("got %+v", items)
	}
	if cap(d.body) > 512 {
		t.Errorf("%d bytes held for a body that may have 512", cap(d.body))
	}
}

func decoderSeeds(t testing.TB) [][]byte {
	echo := decodeHex(t, workedEcho)
	seeds := [][]byte{echo, append(slices.Clone(echo[:12]), echo...), []byte("\x0601\x1500"), []byte("\x02\x02\x03\x06\x02")}
	for _, w := range workedBodies() {
		seeds = append(seeds, encode(w.seq, []byte(w.body)))
	}
	return seeds
}

func FuzzDecoder(f *testing.F) {
	seeds := decoderSeeds(f)
	if len(seeds) < 11 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, seed := range seeds {
		f.Add(seed, uint8(3))
	}
	tail := encode(0x5A, []byte(`{"method":"lastResult"}`))
	f.Fuzz(func(t *testing.T, stream []byte, split uint8) {
		d := &decoder{limit: leastMaxBody}
		for chunk := range slices.Chunk(stream, int(split)+1) {
			for _, it := range d.receive(start, chunk) {
				if it.kind == itemFrame && it.body != nil && !bytes.Contains(stream, encode(it.seq, it.body)) {
					t.Fatalf("decoded a frame that was not there: %+v", it)
				}
			}
		}
		if cap(d.body) > leastMaxBody {
			t.Fatalf("%d bytes held", cap(d.body))
		}
		last := d.receive(start, tail)
		if len(last) == 0 || last[len(last)-1].seq != 0x5A || last[len(last)-1].kind != itemFrame {
			t.Fatalf("the frame after the garbage was lost: %+v", last)
		}
	})
}
