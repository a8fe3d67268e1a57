package device

import (
	"strings"
	"testing"
	"time"
)

// benchPay is an ordinary pay request.
const benchPay = `{"method":"pay","paymentRequestId":"R03_20260823_000117","paymentMethod":"ALIPAY_CN",` +
	`"paymentAmount":{"value":1050,"currency":"SGD"}}`

// fastestLine is what the fastest line carries: 921600 baud, ten bits a byte.
const fastestLine = 921600 / 10

// paysOnTheLine is n pay frames as they come from a line, each followed by the
// register's ACK of the response.
func paysOnTheLine(n int) []byte {
	var stream []byte
	for i := range n {
		stream = append(stream, encode(uint8(1+i%255), []byte(benchPay))...)
		stream = append(stream, encodeAck(ack, uint8(1+i%255))...)
	}
	return stream
}

// BenchmarkDecode finds frames and checks them, in lumps as a port's driver gives
// them. x-line is how many times as fast as the fastest line that is.
func BenchmarkDecode(b *testing.B) {
	stream := paysOnTheLine(64)
	const lump = 64 // bytes, as a USB adapter delivers them
	d, frames := newDecoder(), 0
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	began := time.Now()
	for b.Loop() {
		for at := 0; at < len(stream); at += lump {
			for _, it := range d.receive(start, stream[at:min(at+lump, len(stream))]) {
				if it.kind == itemFrame {
					frames++
				}
			}
		}
	}
	took := time.Since(began)
	if frames != 64*b.N {
		b.Fatalf("%d frames of %d", frames, 64*b.N)
	}
	b.ReportMetric(float64(len(stream)*b.N)/took.Seconds()/fastestLine, "x-line")
	b.ReportMetric(float64(took.Nanoseconds())/float64(frames), "ns/frame")
}

// BenchmarkUnderstand decodes and checks frames and reads the requests in them, to
// the limits of every member.
func BenchmarkUnderstand(b *testing.B) {
	stream := encode(1, []byte(benchPay))
	d := newDecoder()
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	began := time.Now()
	for b.Loop() {
		items := d.receive(start, stream)
		call, refused := understand(request{seq: 1, body: items[0].body, length: items[0].length})
		if refused != nil || call.ask == nil {
			b.Fatal("not understood")
		}
	}
	b.ReportMetric(float64(len(stream)*b.N)/time.Since(began).Seconds()/fastestLine, "x-line")
}

// The guard against slowly growing costs: allocations, which no busy machine
// changes.
func TestAFrameAllocatesAtMostThreeTimesHoweverLongItIs(t *testing.T) {
	long := `{"method":"echo","text":"` + strings.Repeat("x", 4000) + `"}`
	for name, body := range map[string]string{"a pay": benchPay, "a long body": long} {
		stream := append(encode(1, []byte(body)), encodeAck(ack, 1)...)
		d := newDecoder()
		got := testing.AllocsPerRun(200, func() {
			for at := 0; at < len(stream); at += 64 { // as a port gives it
				d.receive(start, stream[at:min(at+64, len(stream))])
			}
		})
		if got > 3 {
			t.Errorf("%s: %v allocations with its ACK, want at most 3", name, got)
		}
	}
}

func TestReadingAPayAllocatesNoMoreThanItDid(t *testing.T) {
	const most = 23 // 20, and a little more under the race detector
	r := request{seq: 1, body: []byte(benchPay)}
	if got := testing.AllocsPerRun(200, func() { _, _ = understand(r) }); got > most {
		t.Errorf("got %v allocations, want at most %d: find out what grew, or say why and write the new number here", got, most)
	}
}
