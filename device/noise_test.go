package device

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// garbage is what a port may bring before and between frames.
func garbage() map[string]string {
	whole := string(encode(0x7F, []byte(`{"method":"echo","text":"stray"}`)))
	return map[string]string{
		"a modem probe":          "AT\rAT+GCAP\r\nATZ\r",
		"a login banner":         "\r\n\nDebian GNU/Linux 12 till ttyS0\n\ntill login: Password: \r\nLogin incorrect\r\n",
		"a storm of STX":         strings.Repeat("\x02", 5000),
		"a storm of ETX":         strings.Repeat("\x03", 5000),
		"a storm of ACK":         strings.Repeat("\x0601", 2000),
		"LEN says more":          "\x0210109990{\"method\":\"echo\"}84688084\x03",
		"LEN says less":          "\x0210100020{\"method\":\"echo\"}84688084\x03",
		"LEN says nothing":       "\x0210100000{}84688084\x03",
		"LEN is no number":       "\x02101-029{\"method\":\"echo\",\"text\":\"hi\"}84688084\x03",
		"no end":                 "\x0210100029" + strings.Repeat("x", 20000),
		"half a frame":           whole[:20],
		"a frame of version 2":   strings.Replace(whole, "\x021", "\x022", 1),
		"all bytes there are":    string(allBytes()),
		"a baud rate too high":   strings.Repeat("\x00\xf8\x1c\xe0", 500),
		"lines of another talk":  "0200.00\r\n>TOTAL 10.50\r\n",
		"frames without content": strings.Repeat("\x02\x03", 2000),
	}
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

// Whatever came before: the frame after it is heard, and is answered rightly.
func TestFrameAfterAnyGarbageIsHeard(t *testing.T) {
	a := serve(t, fastLine())
	register, _ := a.plugIn(t)
	for name, noise := range garbage() {
		before := a.engine.called("pay")
		register.write([]byte(noise))
		text := fmt.Sprintf("after %s", name)
		if answer := register.asks(`{"method":"echo","text":%q}`, text); answer["text"] != text {
			t.Errorf("%s: answered %v", name, answer)
		}
		if a.engine.called("pay") != before {
			t.Errorf("%s: something was paid", name)
		}
	}
	if r := a.meter.Read(); r.Counts.GarbageBytes == 0 || r.Counts.Damaged == 0 || r.Counts.CutShort < 4999 || !r.LinkUp {
		t.Errorf("counted %+v", r)
	}
}

// Only the wire can tell: from the last byte of an ACK to the first of our next
// frame at least 20 ms go by.
func TestAckGapIsHonouredOnTheWire(t *testing.T) {
	a := serve(t, fastLine())
	far, path := openPair(t)
	if err := os.Symlink(path, a.path); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the port to open", func(r Reading) bool { return r.PortOpen })
	const tries = 15
	var gaps []time.Duration
	buffer := make([]byte, 4096)
	for n := range tries {
		if _, err := far.Write(encode(uint8(n+1), []byte(askLast))); err != nil {
			t.Fatal(err)
		}
		var acked, answered time.Time
		var heard []byte
		for answered.IsZero() {
			got, err := far.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, buffer[:got]...)
			if acked.IsZero() && len(heard) >= 3 {
				acked = time.Now()
			}
			if bytes.IndexByte(heard, stx) >= 0 {
				answered = time.Now()
			}
		}
		gaps = append(gaps, answered.Sub(acked))
		for !bytes.HasSuffix(heard, []byte{etx}) {
			got, err := far.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, buffer[:got]...)
		}
		if _, err := far.Write(encodeAck(ack, uint8(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(gaps)
	// One reading that came late makes one gap look short; most can't.
	if median := gaps[tries/2]; median < defaultAckGap-2*time.Millisecond || median > 10*defaultAckGap {
		t.Errorf("gaps %v, want 20 ms", gaps)
	}
}

// The ACK of a response is lost n times: it comes again, at most three times in
// all, and is the same each time.
func TestLostAcksOnAPortBringTheSameFrameAgain(t *testing.T) {
	for lost := range sendsOfAFrame + 1 {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			a := serve(t, fastLine())
			register, _ := a.plugIn(t)
			register.deafen()
			register.says(askLast)
			var first *message
			for range min(lost+1, sendsOfAFrame) {
				m := register.hears(2 * timeT2)
				if m == nil {
					t.Fatal("nothing came again")
				}
				if first == nil {
					first = m
				}
				if m.seq != first.seq || code(m.body) != code(first.body) {
					t.Errorf("sent %+v, then %+v", first, m)
				}
			}
			if lost < sendsOfAFrame {
				register.write(encodeAck(ack, first.seq))
			}
			if m := register.hears(2 * timeT2); m != nil {
				t.Errorf("and once more: %+v", m)
			}
			if up := a.meter.Read().LinkUp; up != (lost < sendsOfAFrame) {
				t.Errorf("link up: %v", up)
			}
		})
	}
}

// Frames that come twice, late or in another order are each answered once, and
// the same frame again gets its own answer.
func TestDoubledAndReorderedFramesAreAnsweredOnce(t *testing.T) {
	a := serve(t, fastLine())
	register, _ := a.plugIn(t)
	register.opens("")
	frame := func(seq uint8, id string) []byte { return encode(seq, []byte(paying(`"R1"`, fmt.Sprintf("%q", id)))) }
	if !strings.Contains(string(frame(1, "A")), `"A"`) {
		t.Fatalf("frames are %s", frame(1, "A"))
	}
	order := [][]byte{frame(2, "B"), frame(1, "A"), frame(1, "A"), frame(2, "B"), frame(3, "C")}
	answered := map[string]int{}
	for _, f := range order {
		register.write(f)
		for {
			m := register.hears(timeT3)
			if m == nil {
				t.Fatal("no answer")
			}
			if re, is := m.body["re"].(string); is {
				answered[re+fmt.Sprint(m.body["paymentRequestId"])]++
				break
			}
		}
	}
	if answered["01A"] != 2 || answered["02B"] != 2 || answered["03C"] != 1 {
		t.Errorf("answered %v", answered)
	}
	// B came again after A, so it was asked again: that is safe, and not the link's business.
	if got := a.engine.called("pay"); got != 4 {
		t.Errorf("the engine was asked %d times, want 4", got)
	}
}

// Nobody is at the port for a while: that costs no time of the processor.
func TestAPortThatIsGoneCostsNothing(t *testing.T) {
	tr := newTree(t)
	far, dead := openPair(t)
	_ = far.Close() // its near end can be named, and not opened
	for name, port := range map[string]string{"absent": tr.root + "/dev/none", "not plugged in": "usb:0403:6001", "dead": dead} {
		t.Run(name, func(t *testing.T) {
			a := serveWith(t, func(o *Options) { o.Root, o.Port = tr.root, port })
			a.awaitLog(t, "port can't be opened")
			const watched = 2 * time.Second
			before := processorTime(t)
			<-time.After(watched)
			spent := processorTime(t) - before
			t.Logf("%v of processor time in %v", spent, watched)
			if spent > watched/20 {
				t.Errorf("%v of processor time in %v", spent, watched)
			}
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
