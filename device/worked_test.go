package device

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// workedEcho is the whole frame of register-link §6.
const workedEcho = "02 31 30 31 30 30 32 39 7b 22 6d 65 74 68 6f 64 22 3a 22 65 63 68 6f 22 2c 22 74 65 78 74 22 3a 22 68 69 22 7d 38 34 36 38 38 30 38 34 03"

// workedBodies are the other frames of register-link §6.
func workedBodies() []struct {
	seq  uint8
	body string
	crc  uint32
} {
	return []struct {
		seq  uint8
		body string
		crc  uint32
	}{
		{1, `{"method":"echo","re":"01","result":{"resultStatus":"S","resultCode":"SUCCESS"},"text":"hi"}`, 0x66DC21E6},
		{0, `{"method":"initConnection","register":"lane1","software":"till 4.2","events":true}`, 0x47212251},
		{2, `{"method":"pay","paymentRequestId":"R03_20260823_000117","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"}}`, 0x36F25BDA},
		{2, `{"method":"pay","re":"02","result":{"resultStatus":"U","resultCode":"PAYMENT_IN_PROGRESS"},"paymentRequestId":"R03_20260823_000117","paymentStatus":"PROCESSING","final":false,"rev":1}`, 0x580C63A2},
		{3, `{"event":"payment","paymentRequestId":"R03_20260823_000117","paymentStatus":"SUCCESS","final":true,"rev":2,"paymentId":"2026082319401089010011100000123456","display":["PAID SGD 10.50"]}`, 0x20512AB9},
		{3, `{"method":"delivered","paymentRequestId":"R03_20260823_000117","rev":2}`, 0x279AD8D3},
		{4, `{"method":"inquiryPayment","paymentRequestId":"R03_20260823_000117"}`, 0x60F4AF65},
	}
}

func decodeHex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWorkedFrameDecodesAndEncodes(t *testing.T) {
	raw := decodeHex(t, workedEcho)
	items := newDecoder().receive(start, raw)
	if len(items) != 1 || items[0].kind != itemFrame {
		t.Fatalf("decoded %+v, want one frame", items)
	}
	got := items[0]
	if got.seq != 1 || got.crc != 0x84688084 || string(got.body) != `{"method":"echo","text":"hi"}` {
		t.Errorf("got SEQ %02X, CRC %08X, body %s", got.seq, got.crc, got.body)
	}
	if again := encode(got.seq, got.body); !bytes.Equal(again, raw) {
		t.Errorf("encoded again: %x, want %x", again, raw)
	}
}

func TestWorkedBodiesHaveTheirCRC(t *testing.T) {
	for _, w := range workedBodies() {
		frame := encode(w.seq, []byte(w.body))
		if got, want := string(frame[len(frame)-9:]), fmt.Sprintf("%08X\x03", w.crc); got != want {
			t.Errorf("%s: ends %q, want %q", w.body, got, want)
		}
		items := newDecoder().receive(start, frame)
		if len(items) != 1 || items[0].crc != w.crc || items[0].seq != w.seq || string(items[0].body) != w.body {
			t.Errorf("%s: decoded %+v", w.body, items)
		}
	}
}

func TestWorkedAcknowledgements(t *testing.T) {
	tests := []struct {
		raw  string
		want item
	}{
		{"06 30 31", item{kind: itemAck, seq: 1}},
		{"15 30 31", item{kind: itemNak, seq: 1}},
		{"15 30 30", item{kind: itemNak, seq: 0}},
	}
	for _, test := range tests {
		raw := decodeHex(t, test.raw)
		items := newDecoder().receive(start, raw)
		if len(items) != 1 || !sameItem(items[0], test.want) {
			t.Errorf("% x: got %+v, want %+v", raw, items, test.want)
		}
		if got := encodeAck(raw[0], test.want.seq); !bytes.Equal(got, raw) {
			t.Errorf("encoded % x, want % x", got, raw)
		}
	}
}
