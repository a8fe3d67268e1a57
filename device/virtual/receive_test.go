package virtual

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeatedEventFrameIsAcknowledgedButToldOnce(t *testing.T) {
	bubble(t, Options{}, func(_ context.Context, r *Register, a *agent) {
		event := wire("01", `{"event":"link","upstream":"up"}`)
		for range 3 {
			a.put(event)
			if h := a.want(ack); h.seq != "01" {
				t.Errorf("ACK of %s, want 01", h.seq)
			}
		}
		a.put(wire("01", `{"event":"link","upstream":"down"}`)) // The same SEQ, another CRC: another frame.
		a.want(ack)
		synctest.Wait()
		if n := len(r.Events()); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
		time.Sleep(memoryOfLast) // Virtual time: the memory of the last frame ends.
		a.put(wire("01", `{"event":"link","upstream":"down"}`))
		a.want(ack)
		synctest.Wait()
		if n := len(r.Events()); n != 3 {
			t.Errorf("%d events after the memory ended, want 3", n)
		}
	})
}

func TestDamagedFrameGetsNAKAndALoneByteNone(t *testing.T) {
	bubble(t, Options{}, func(_ context.Context, r *Register, a *agent) {
		whole := wire("2A", `{"event":"link","upstream":"up"}`)
		a.put(strings.Replace(whole, "up", "uq", 1))
		if h := a.want(nak); h.seq != "2A" {
			t.Errorf("NAK of %s, want 2A", h.seq)
		}
		a.put("garbage\r\n" + whole[:20] + whole) // An STX starts afresh.
		if h := a.want(ack); h.seq != "2A" {
			t.Errorf("ACK of %s, want 2A", h.seq)
		}
		synctest.Wait()
		if c := r.Counts(); c.Damaged != 1 || c.Garbage != 9+20 || c.FramesIn != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestFrameThatStopsIsDroppedAndNAKedAfterT1(t *testing.T) {
	bubble(t, Options{}, func(_ context.Context, _ *Register, a *agent) {
		start := time.Now()
		a.put(wire("2A", `{"a":1}`)[:9])
		if h := a.want(nak); h.seq != "2A" || time.Since(start) != 500*time.Millisecond {
			t.Errorf("NAK of %s after %v, want 2A after 500ms", h.seq, time.Since(start))
		}
		a.put("\x021")
		if h := a.want(nak); h.seq != "00" {
			t.Errorf("NAK of %s, want 00", h.seq)
		}
	})
}

func TestFramesMayComeSplitAnyhow(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		for _, c := range "\x06" + h.seq + wire("01", okTo(h)) {
			a.put(string(c))
		}
		a.want(ack)
		if res := <-got; res.err != nil {
			t.Error(res.err)
		}
	})
}

func TestEventWhileWaitingForTheResponseGoesToEvents(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		a.ack(h.seq)
		a.put(wire("01", worked[5].body))
		a.want(ack)
		a.put(wire("02", okTo(h)))
		a.want(ack)
		if res := <-got; res.err != nil {
			t.Error(res.err)
		}
		m := <-r.Events()
		s, ok := m.PaymentState()
		if !ok || m.Event() != "payment" || s.PaymentStatus != "SUCCESS" || !s.Final || s.Rev != 2 || s.Display[0] != "PAID SGD 10.50" {
			t.Errorf("event %s = %+v, %v", m.Body, s, ok)
		}
	})
}

func TestSlowReaderKeepsTheNewestEventsAndTheLostAreCounted(t *testing.T) {
	bubble(t, Options{}, func(_ context.Context, r *Register, a *agent) {
		for i := range eventsKept + 3 {
			a.put(wire(fmt.Sprintf("%02X", i+1), fmt.Sprintf(`{"event":"payment","rev":%d}`, i)))
			a.want(ack)
		}
		synctest.Wait()
		var first struct{ Rev int }
		if err := (<-r.Events()).Decode(&first); err != nil || first.Rev != 3 || r.Counts().EventsLost != 3 {
			t.Errorf("oldest kept is %d, lost %d, %v, want 3, 3", first.Rev, r.Counts().EventsLost, err)
		}
	})
}

func TestBodyThatIsNoObjectIsAcknowledgedAndCounted(t *testing.T) {
	bubble(t, Options{}, func(_ context.Context, r *Register, a *agent) {
		for i, body := range []string{`[]`, `{"event":"link"} x`, `null`} {
			a.put(wire(fmt.Sprintf("%02X", i+1), body))
			a.want(ack)
		}
		synctest.Wait()
		if c := r.Counts(); c.Unreadable != 3 || len(r.Events()) != 0 {
			t.Errorf("%d unreadable, %d events, want 3, 0", c.Unreadable, len(r.Events()))
		}
	})
}
