package device

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"posagent/device/virtual"
)

// soakFrames is how many frames a soak sends: few in an ordinary run, as many as
// POSAGENT_SOAK says in a long one.
func soakFrames(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("POSAGENT_SOAK")
	if text == "" {
		return few
	}
	many, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("POSAGENT_SOAK=%s: want a number of frames", text)
	}
	return many
}

// damager spoils bytes: one in a thousand is changed, one is lost.
type damager struct{ dice *rand.Rand }

func (d damager) spoil(frame []byte) (spoilt []byte, whole bool) {
	whole = true
	for _, b := range frame {
		switch d.dice.IntN(1000) {
		case 0:
			spoilt, whole = append(spoilt, b^byte(1+d.dice.IntN(255))), false
		case 1:
			whole = false
		default:
			spoilt = append(spoilt, b)
		}
	}
	return spoilt, whole
}

// wanted is a frame that arrived undamaged.
type wanted struct {
	seq  uint8
	body string
}

func TestSoakOfTheDecoderAcceptsExactlyTheUndamagedFrames(t *testing.T) {
	frames := soakFrames(t, 50_000)
	const seed = 20260823
	dice := rand.New(rand.NewPCG(seed, 1))
	harm := damager{rand.New(rand.NewPCG(seed, 2))}
	dec := newDecoder()
	dec.limit = mostBody
	var stream []byte
	var due []wanted
	damaged, wrong := 0, 0
	deliver := func(n int) {
		for _, it := range dec.receive(start, stream[:n]) {
			switch {
			case it.kind != itemFrame:
			case len(due) > 0 && due[0] == wanted{it.seq, string(it.body)}:
				due = due[1:]
			default:
				wrong++
			}
		}
		stream = append(stream[:0], stream[n:]...)
	}
	for n := range frames {
		body := fmt.Appendf(nil, `{"method":"echo","text":"%d %0*d"}`, n, 1+dice.IntN(200), dice.Uint64())
		seq := uint8(1 + n%255)
		spoilt, whole := harm.spoil(encode(seq, body))
		if whole {
			due = append(due, wanted{seq, string(body)})
		} else {
			damaged++
		}
		stream = append(stream, spoilt...)
		for len(stream) > 0 && dice.IntN(3) > 0 { // split and merged at random
			deliver(1 + dice.IntN(len(stream)))
		}
	}
	deliver(len(stream))
	if wrong > 0 || len(due) > 0 {
		t.Errorf("%d wrong frames accepted, undamaged ones lost from %v on", wrong, due)
	}
	if damaged < frames/100 {
		t.Errorf("only %d of %d frames were damaged", damaged, frames)
	}
	t.Logf("%d frames, %d of them damaged: none wrong, none lost; garbage %d bytes, cut %d", frames, damaged, dec.garbage, dec.cut)
}

// soak is a register on a bad line that asks until enough frames have passed.
type soak struct {
	t                *testing.T
	reg              *virtual.Register
	engine           *ledger
	asked            int
	answered, unsure int
	told             int
}

func TestSoakOfTheLinkAnswersEveryRequestOrReportsIt(t *testing.T) {
	frames := int64(soakFrames(t, 20_000))
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		damage := virtual.Damage{Flip: 0.001, Drop: 0.001, Split: 0.02, Merge: 0.2}
		bad := virtual.NewBadLine(far, 20260823, damage, damage)
		reg := virtual.New(bad, virtual.Options{Name: "lane1", Events: true})
		engine, meter := newLedger(), &Meter{}
		s, err := newSession(Options{Register: "lane1", Port: "memory", Engine: engine, Wake: engine.wake, Meter: meter})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- s.converse(ctx, near) }()
		go func() { _ = reg.Run(ctx); ended <- nil }()
		k := &soak{t: t, reg: reg, engine: engine}
		began := time.Now()
		for !t.Failed() && meter.Read().Counts.FramesIn+meter.Read().Counts.FramesOut < frames {
			k.turn(ctx)
		}
		counts := meter.Read().Counts
		cancel()
		<-ended
		<-ended
		_ = bad.Close() // what is beneath it is closed
		if k.answered < k.asked*9/10 || counts.Damaged == 0 || counts.Resent == 0 || k.told == 0 {
			t.Errorf("of %d requests %d were answered, %d events; %+v", k.asked, k.answered, k.told, counts)
		}
		out, in := bad.Harm()
		t.Logf("%d requests: %d answered, %d reported as unknown, %d events, in %v of the line's time; %+v; harm %+v, %+v",
			k.asked, k.answered, k.unsure, k.told, time.Since(began).Round(time.Second), counts, out, in)
	})
}

// turn asks one thing. Every so often there is an outcome to tell.
func (k *soak) turn(ctx context.Context) {
	k.asked++
	if k.asked%50 == 0 {
		k.engine.becomes(paidState(fmt.Sprintf("R%d", k.asked), int64(k.asked)))
	}
	k.hear(ctx)
	text := fmt.Sprintf("question %d", k.asked)
	m, err := k.reg.Request(ctx, "echo", map[string]any{"text": text})
	var heard struct{ Text string }
	switch {
	case errors.Is(err, virtual.ErrNoAck), errors.Is(err, virtual.ErrNoResponse):
		k.unsure++
	case err != nil:
		k.t.Errorf("request %d: %v", k.asked, err)
	case m.Decode(&heard) != nil || heard.Text != text:
		k.t.Errorf("asked %q, answered %s", text, m.Body)
	default:
		k.answered++
	}
}

// hear takes the events that came and confirms them.
func (k *soak) hear(ctx context.Context) {
	select {
	case m := <-k.reg.Events():
		state, ok := m.PaymentState()
		if !ok || state.PaymentRequestID != fmt.Sprintf("R%d", state.Rev) || state.PaymentStatus != PaymentSuccess {
			k.t.Errorf("told %s", m.Body)
		}
		k.told++
		_, err := k.reg.Request(ctx, "delivered", map[string]any{"paymentRequestId": state.PaymentRequestID, "rev": state.Rev})
		if err != nil && !errors.Is(err, virtual.ErrNoAck) && !errors.Is(err, virtual.ErrNoResponse) {
			k.t.Errorf("delivered %s: %v", state.PaymentRequestID, err)
		}
	default:
	}
}
