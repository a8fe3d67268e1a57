package virtual

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestReturnsTheResponseToItsOwnSEQ(t *testing.T) {
	bubble(t, Options{Name: "lane1"}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		a.ack(h.seq)
		a.put(wire("01", `{"method":"echo","re":"7F","result":{"resultStatus":"F","resultCode":"OTHER"}}`))
		a.want(ack)
		a.put(wire("02", `{"method":"pay","re":"01","result":{"resultStatus":"F","resultCode":"OTHER"}}`))
		a.want(ack)
		a.put(wire("03", okTo(h)))
		a.want(ack)
		res := <-got
		if res.err != nil || string(res.m.Body) != okTo(h) || res.m.Re() != "01" || res.m.Result().Code != "SUCCESS" {
			t.Errorf("response %s, %v", res.m.Body, res.err)
		}
		synctest.Wait()
		if n := r.Counts().Unasked; n != 2 {
			t.Errorf("%d responses nobody asked for, want 2", n)
		}
	})
}

func TestInitIsSEQ00AndStartsTheCountAfresh(t *testing.T) {
	bubble(t, Options{Name: "lane1", Software: "till 4.2", Events: true}, func(ctx context.Context, r *Register, a *agent) {
		for _, want := range []string{"01", "02"} {
			got := ask(ctx, r, "echo")
			h := a.frame()
			if h.seq != want {
				t.Errorf("SEQ %s, want %s", h.seq, want)
			}
			a.respond(h, want, okTo(h))
			<-got
		}
		done := make(chan error, 1)
		go func() { _, err := r.Init(ctx); done <- err }()
		h := a.frame()
		if h.seq != "00" || h.body != worked[2].body {
			t.Errorf("init = %s %s, want 00 %s", h.seq, h.body, worked[2].body)
		}
		a.respond(h, "00", okTo(h))
		if err := <-done; err != nil {
			t.Error(err)
		}
		got := ask(ctx, r, "echo")
		if h = a.frame(); h.seq != "01" {
			t.Errorf("SEQ after init %s, want 01", h.seq)
		}
		a.respond(h, "01", okTo(h))
		<-got
	})
}

func TestSEQGoesFromFFTo01(t *testing.T) {
	l := link{seq: 0xFE}
	if a, b := l.nextSeq("echo"), l.nextSeq("echo"); a != "FF" || b != "01" {
		t.Errorf("after FE come %s and %s, want FF and 01", a, b)
	}
}

func TestLostACKBringsTheSameBytesThreeTimesAndThenLinkDown(t *testing.T) {
	bubble(t, Options{Baud: 9600}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		first := a.frame()
		for range 2 {
			if again := a.frame(); again.raw != first.raw {
				t.Errorf("sent again %q, want %q", again.raw, first.raw)
			}
		}
		res := <-got
		onWire := time.Duration(len(first.raw)*10) * time.Second / 9600
		if want := 3 * (time.Second + onWire); !errors.Is(res.err, ErrNoAck) || res.at != want {
			t.Errorf("after three sends: %v after %v, want ErrNoAck after %v", res.err, res.at, want)
		}
		synctest.Wait()
		if c := r.Counts(); c.Resends != 2 || !r.Down() {
			t.Errorf("%d resends, down %v, want 2, true", c.Resends, r.Down())
		}
		a.put(wire("05", `{"event":"link","upstream":"up"}`))
		a.want(ack)
		if <-r.Events(); r.Down() {
			t.Error("the link is down though a frame has arrived")
		}
	})
}

func TestOnlyTheACKOfItsOwnSEQEndsTheSending(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		a.frame()
		a.frame()
		a.ack("55") // Another SEQ: ignored, so that a third send comes.
		h := a.frame()
		a.respond(h, "01", okTo(h))
		if res := <-got; res.err != nil {
			t.Error(res.err)
		}
	})
}

func TestAnyNAKResendsAtOnceAndCountsAsASend(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		first := a.frame()
		for _, nak := range []string{"\x1501", "\x1500"} {
			a.put(nak)
			if again := a.frame(); again.raw != first.raw {
				t.Errorf("sent again %q, want %q", again.raw, first.raw)
			}
		}
		a.put("\x15A7")
		if res := <-got; !errors.Is(res.err, ErrNoAck) || res.at != 0 {
			t.Errorf("after three NAKs: %v after %v, want ErrNoAck at once", res.err, res.at)
		}
	})
}

func TestResponseWhoseACKWasLostIsKeptUntilTheResendIsAcknowledged(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		a.put(wire("01", okTo(h)))
		a.want(ack)
		if again := a.frame(); again.raw != h.raw {
			t.Errorf("sent again %q, want %q", again.raw, h.raw)
		}
		a.respond(h, "01", okTo(h)) // The same response frame once more.
		if res := <-got; res.err != nil || string(res.m.Body) != okTo(h) {
			t.Errorf("%s, %v", res.m.Body, res.err)
		}
		synctest.Wait()
		if c := r.Counts(); c.Duplicates != 1 {
			t.Errorf("%d duplicates, want 1", c.Duplicates)
		}
	})
}

func TestResponseCountsEvenWhereNoACKEverComes(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		a.put(wire("01", okTo(h)))
		a.want(ack)
		a.frame()
		a.frame()
		if res := <-got; res.err != nil || string(res.m.Body) != okTo(h) {
			t.Errorf("%s, %v", res.m.Body, res.err)
		}
	})
}

func TestAcknowledgedRequestWithoutResponseIsUnknownAfterT3(t *testing.T) {
	for method, t3 := range map[string]time.Duration{"echo": 3 * time.Second, "diagnosis": 20 * time.Second} {
		bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
			got := ask(ctx, r, method)
			a.ack(a.frame().seq)
			if res := <-got; !errors.Is(res.err, ErrNoResponse) || res.at != t3 {
				t.Errorf("%s: %v after %v, want ErrNoResponse after %v", method, res.err, res.at, t3)
			}
		})
	}
}

func TestTimersCanBeStretchedAndShortened(t *testing.T) {
	o := Options{Baud: 1e9, Timers: Timers{T2: time.Minute, T3: time.Millisecond}}
	bubble(t, o, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		a.frame()
		a.ack(a.frame().seq)
		if res := <-got; !errors.Is(res.err, ErrNoResponse) || res.at.Truncate(time.Millisecond) != time.Minute+time.Millisecond {
			t.Errorf("%v after %v", res.err, res.at)
		}
	})
}

func TestRawBodiesAreSentAsTheyAre(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		done := make(chan error, 1)
		go func() { _, err := r.RequestRaw(ctx, []byte(`{"method":"echo"`)); done <- err }()
		h := a.frame()
		if h.body != `{"method":"echo"` {
			t.Errorf("body %q", h.body)
		}
		a.respond(h, "01", `{"re":"01","result":{"resultStatus":"F","resultCode":"AGENT_BAD_JSON"}}`)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := r.RequestRaw(ctx, make([]byte, maxBodyLen+1)); err == nil {
			t.Error("a body that no frame can hold was taken")
		}
	})
}

func TestCallerWhoGivesUpMakesRoomForTheNext(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, a *agent) {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		first := ask(short, r, "echo")
		a.ack(a.frame().seq)
		if res := <-first; !errors.Is(res.err, context.DeadlineExceeded) {
			t.Errorf("%v, want the end of the context", res.err)
		}
		second := ask(ctx, r, "echo")
		h := a.frame()
		a.respond(h, "01", okTo(h))
		if res := <-second; res.err != nil {
			t.Error(res.err)
		}
	})
}

func TestHangUpEndsRunAndTheRequestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		r := New(here, Options{})
		ended := make(chan error)
		go func() { ended <- r.Run(t.Context()) }()
		got := ask(t.Context(), r, "echo")
		a := newAgent(t, there)
		a.frame()
		_ = there.Close() // The hang-up.
		if err := <-ended; !errors.Is(err, ErrHangUp) || !errors.Is(err, io.EOF) {
			t.Errorf("Run: %v, want ErrHangUp with the line's own error", err)
		}
		if res := <-got; !errors.Is(res.err, ErrHangUp) {
			t.Errorf("request under way: %v, want ErrHangUp", res.err)
		}
		if res := <-ask(t.Context(), r, "echo"); !errors.Is(res.err, ErrHangUp) {
			t.Errorf("request afterwards: %v, want ErrHangUp", res.err)
		}
		if err := r.Run(t.Context()); err == nil {
			t.Error("a register ran twice")
		}
	})
}

func TestDeafLineDelaysNeitherTimersNorTheEnd(t *testing.T) {
	bubble(t, Options{}, func(ctx context.Context, r *Register, _ *agent) {
		if res := <-ask(ctx, r, "echo"); !errors.Is(res.err, ErrNoAck) {
			t.Errorf("%v, want ErrNoAck", res.err)
		}
	})
}

func TestTraceShowsEveryByteOfBothDirections(t *testing.T) {
	shown := map[string]string{}
	o := Options{Trace: func(direction string, b []byte) { shown[direction] += string(b) }}
	var in, out string
	bubble(t, o, func(ctx context.Context, r *Register, a *agent) {
		got := ask(ctx, r, "echo")
		h := a.frame()
		in, out = "\x06"+h.seq+wire("01", okTo(h)), h.raw+"\x0601"
		a.put(in)
		a.want(ack)
		<-got
	})
	if shown[TraceIn] != in || shown[TraceOut] != out {
		t.Errorf("traced %q, want in %q and out %q", shown, in, out)
	}
}
