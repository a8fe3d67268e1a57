package virtual

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// worked are the frames of register-link §6.
var worked = []struct{ seq, body, crc string }{
	{"01", `{"method":"echo","text":"hi"}`, "84688084"},
	{"01", `{"method":"echo","re":"01","result":{"resultStatus":"S","resultCode":"SUCCESS"},"text":"hi"}`, "66DC21E6"},
	{"00", `{"method":"initConnection","register":"lane1","software":"till 4.2","events":true}`, "47212251"},
	{"02", `{"method":"pay","paymentRequestId":"R03_20260823_000117","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"}}`, "36F25BDA"},
	{"02", `{"method":"pay","re":"02","result":{"resultStatus":"U","resultCode":"PAYMENT_IN_PROGRESS"},"paymentRequestId":"R03_20260823_000117","paymentStatus":"PROCESSING","final":false,"rev":1}`, "580C63A2"},
	{"03", `{"event":"payment","paymentRequestId":"R03_20260823_000117","paymentStatus":"SUCCESS","final":true,"rev":2,"paymentId":"2026082319401089010011100000123456","display":["PAID SGD 10.50"]}`, "20512AB9"},
	{"03", `{"method":"delivered","paymentRequestId":"R03_20260823_000117","rev":2}`, "279AD8D3"},
	{"04", `{"method":"inquiryPayment","paymentRequestId":"R03_20260823_000117"}`, "60F4AF65"},
}

func TestWorkedFramesEncodeToTheirBytesAndDecodeBack(t *testing.T) {
	echo, err := hex.DecodeString(strings.ReplaceAll("02 31 30 31 30 30 32 39 7b 22 6d 65 74 68 6f 64 22 3a 22 65 63 68 6f 22 2c 22 74 65 78 74 22 3a 22 68 69 22 7d 38 34 36 38 38 30 38 34 03", " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := encodeFrame("01", []byte(worked[0].body)); !bytes.Equal(got, echo) {
		t.Errorf("echo = % x, want % x", got, echo)
	}
	for _, w := range worked {
		raw := encodeFrame(w.seq, []byte(w.body))
		f, ok := decodeFrame(raw)
		if !ok || f.seq != w.seq || string(f.body) != w.body || f.crc != w.crc {
			t.Errorf("frame of %s = %+v, %v, want CRC %s", w.body, f, ok, w.crc)
		}
	}
}

func TestBodiesOfTheWorkedRequestsAreBuiltAsWorked(t *testing.T) {
	pay, err := payBody(Sale{ID: "R03_20260823_000117", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"})
	if err != nil || string(pay) != worked[3].body {
		t.Errorf("pay = %s, %v, want %s", pay, err, worked[3].body)
	}
	delivered, err := encodeRequest("delivered", map[string]any{"paymentRequestId": "R03_20260823_000117", "rev": 2})
	if err != nil || string(delivered) != worked[6].body {
		t.Errorf("delivered = %s, %v, want %s", delivered, err, worked[6].body)
	}
}

func TestBodiesAreASCIIWhateverTheyHold(t *testing.T) {
	got, err := encodeRequest("echo", map[string]any{"text": "ü<\x7f\t😀"})
	want := `{"method":"echo","text":"\u00fc<\u007f\t\ud83d\ude00"}`
	if err != nil || string(got) != want {
		t.Errorf("body = %s, %v, want %s", got, err, want)
	}
}

// scan feeds bytes one after another, a millisecond apart, and names the items.
func scan(s *scanner, b string) []string {
	var got []string
	at := time.Unix(0, 0)
	for i := range len(b) {
		at = at.Add(time.Millisecond)
		if it, ok := s.feed(at, b[i]); ok {
			got = append(got, [...]string{"frame", "damaged", "ack", "nak"}[it.kind]+" "+it.seq)
		}
	}
	return got
}

func TestScannerFollowsTheSheet(t *testing.T) {
	whole := wire("1F", `{"a":1}`)
	for _, c := range []struct {
		rule, in string
		want     string
		garbage  int
	}{
		{"a whole frame", whole, "frame 1F", 0},
		{"acknowledgements", "\x0601\x1500", "ack 01,nak 00", 0},
		{"bytes outside a frame are dropped", "login: " + whole + "\r\n", "frame 1F", 9},
		{"a further STX starts afresh and what it cut gets no NAK", whole[:12] + whole, "frame 1F", 12},
		{"a byte outside 20…7E ends the frame at once, the rest is garbage", whole[:10] + "\x80" + whole[11:], "damaged 1F", len(whole) - 11},
		{"a flipped bit", strings.Replace(whole, "a", "c", 1), "damaged 1F", 0},
		{"lower-case hex is no CRC", whole[:15] + strings.ToLower(whole[15:]), "damaged 1F", 0},
		{"SEQ unreadable", "\x021x!" + whole[4:], "damaged 00", 0},
		{"another version", "\x022" + whole[2:], "damaged 1F", 0},
		{"LEN lies", strings.Replace(whole, "0007", "0008", 1), "damaged 1F", 0},
		{"a body of one byte", wire("01", "1"), "damaged 01", 0},
		{"STX storm", strings.Repeat("\x02", 50) + whole, "frame 1F", 50},
		{"half an acknowledgement", "\x060" + whole, "frame 1F", 2},
		{"an acknowledgement that is none", "\x060g", "", 3},
	} {
		var s scanner
		if got := strings.Join(scan(&s, c.in), ","); got != c.want || s.garbage != c.garbage {
			t.Errorf("%s: %q with %d of garbage, want %q with %d", c.rule, got, s.garbage, c.want, c.garbage)
		}
	}
}

func TestScannerHoldsNoMoreThanOneFrame(t *testing.T) {
	var s scanner
	got := scan(&s, "\x02"+strings.Repeat("1", 3*maxBodyLen))
	if len(got) == 0 || got[0] != "damaged 11" || len(s.buf) != 0 {
		t.Errorf("an endless frame: %v, %d bytes held", got, len(s.buf))
	}
	if got := scan(&s, wire("01", strings.Repeat(" ", maxBodyLen))); len(got) != 1 || got[0] != "frame 01" {
		t.Errorf("the longest frame: %v", got)
	}
}

func TestUndamagedFramesSurviveAnyGarbageAroundThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// STX first, so that garbage which looks like a frame's beginning is cut.
		garbage := rapid.SliceOf(rapid.Byte()).Draw(t, "garbage")
		body := rapid.StringMatching(`[ -~]{2,60}`).Draw(t, "body")
		var s scanner
		before := scan(&s, string(garbage))
		got := scan(&s, wire("7A", body))
		if len(got) != 1 || got[0] != "frame 7A" {
			t.Fatalf("after %v: %v, want the frame", before, got)
		}
	})
}
