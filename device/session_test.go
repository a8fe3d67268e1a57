package device

import (
	"context"
	"errors"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// onALine runs a session over a line in memory, in a bubble of virtual time.
func onALine(t *testing.T, do func(t *testing.T, register *till, engine *ledger, meter *Meter)) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		engine, meter := newLedger(), &Meter{}
		s, err := newSession(Options{Register: "lane1", Port: "memory", Agent: "1.2.0", Terminal: "N950",
			Engine: engine, Wake: engine.wake, Meter: meter})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		register, heard := newTill(t, far)
		ended := make(chan error, 1)
		go func() { ended <- s.converse(ctx, near) }()
		do(t, register, engine, meter)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("converse: %v", err)
		}
		heard.Wait()
	})
}

func TestWholeSale(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		welcome := register.opens(`,"software":"till 4.2"`)
		for member, want := range map[string]any{"agent": "1.2.0", "terminal": "N950", "protocol": "1", "re": "00", "open": []any{}, "undelivered": []any{}} {
			if !reflect.DeepEqual(welcome[member], want) {
				t.Errorf("%s: got %v, want %v", member, welcome[member], want)
			}
		}
		if answer := register.asks(`{"method":"echo","text":"hi"}`); answer["text"] != "hi" {
			t.Errorf("echo answered %v", answer)
		}
		if answer := register.pays("R1"); code(answer) != CodePaymentInProgress || answer["paymentStatus"] != PaymentProcessing {
			t.Errorf("pay answered %v", answer)
		}
		began := time.Now()
		engine.becomes(paidState("R1", 2))
		var at []time.Duration
		for range 4 {
			m := register.hears(time.Minute)
			if m == nil || m.body["event"] != "payment" || m.body["paymentStatus"] != PaymentSuccess || m.body["rev"] != 2.0 {
				t.Fatalf("heard %+v", m)
			}
			at = append(at, m.at.Sub(began).Round(time.Second))
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("told after %v, want %v", at, want)
		}
		if answer := register.asks(`{"method":"delivered","paymentRequestId":"R1","rev":2}`); code(answer) != CodeSuccess {
			t.Errorf("delivered answered %v", answer)
		}
		if m := register.hears(time.Hour); m != nil {
			t.Errorf("told after delivery: %v", m.body)
		}
	})
}

func TestOpenPaymentHasAHeartbeat(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, _ *ledger, _ *Meter) {
		register.opens("")
		register.pays("R1")
		began := time.Now()
		for _, want := range []time.Duration{10, 20, 30} {
			m := register.hears(time.Minute)
			if m == nil || m.body["paymentStatus"] != PaymentProcessing || m.at.Sub(began).Round(time.Second) != want*time.Second {
				t.Fatalf("heard %+v, want PROCESSING after %d s", m, want)
			}
		}
	})
}

func TestInitConnectionNamesAndPushesWhatIsOpen(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		engine.becomes(openState("R1", 1))
		engine.becomes(paidState("R2", 5))
		for range 2 {
			welcome := register.opens("")
			if !reflect.DeepEqual(welcome["open"], []any{"R1"}) || !reflect.DeepEqual(welcome["undelivered"], []any{"R2"}) {
				t.Errorf("welcome %v", welcome)
			}
			for _, want := range []string{"R2", "R1"} { // the end first
				if m := register.hears(900 * time.Millisecond); m == nil || m.body["paymentRequestId"] != want {
					t.Errorf("heard %+v, want the state of %s", m, want)
				}
			}
		}
	})
}

func TestNothingIsToldUnaskedWithoutEvents(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		register.opens(`,"events":false`)
		register.pays("R1")
		engine.becomes(paidState("R1", 2))
		if m := register.hears(time.Hour); m != nil {
			t.Errorf("told %v", m.body)
		}
		if answer := register.asks(`{"method":"inquiryPayment","paymentRequestId":"R1"}`); answer["paymentStatus"] != PaymentSuccess {
			t.Errorf("polled %v", answer)
		}
	})
}

func TestSlowEngineDelaysNeitherACKNorEcho(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		engine.stall = 2 * time.Second
		register.opens("")
		began := time.Now()
		seq := register.says(paying("", ""))
		if m := <-register.heard; m.kind != itemAck || m.seq != seq || time.Since(began) > 100*time.Millisecond {
			t.Errorf("heard %+v after %v, want the ACK at once", m, time.Since(began))
		}
		if register.asks(`{"method":"echo","text":""}`); time.Since(began) > 100*time.Millisecond {
			t.Errorf("echo took %v", time.Since(began))
		}
		if m := register.hears(timeT3); m == nil || m.body["method"] != "pay" {
			t.Errorf("heard %+v, want the response to pay", m)
		}
	})
}

func TestEngineSlowerThanT3IsSilenceAndTheSameFrameAsksAgain(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		engine.stall = timeT3 + 500*time.Millisecond
		register.opens(`,"events":false`)
		frame := encode(1, []byte(paying("", "")))
		register.write(frame)
		if m := register.hears(timeT3 + time.Second); m != nil {
			t.Fatalf("heard %v after T3", m.body)
		}
		register.write(frame)
		if m := register.hears(time.Second); m == nil || code(m.body) != CodePaymentInProgress {
			t.Errorf("heard %+v", m)
		}
		if got := engine.called("pay"); got != 1 {
			t.Errorf("the engine was asked %d times", got)
		}
		if late := meter.Read().Counts.Late; late != 1 {
			t.Errorf("%d late responses counted", late)
		}
	})
}

func TestRequestWhoseT3EndedBeforeItsTurnIsNotBegun(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		engine.stall = timeT3 + time.Second
		register.opens(`,"events":false`)
		register.says("%s", paying("", ""))
		register.says("%s", paying("R1", "R2"))
		if m := register.hears(time.Minute); m != nil {
			t.Errorf("heard %v", m.body)
		}
		if got := engine.called("pay"); got != 1 || meter.Read().Counts.Unanswered != 1 {
			t.Errorf("the engine was asked %d times, counts %+v", got, meter.Read().Counts)
		}
	})
}

func TestSameFrameDoesNotReachTheEngineTwice(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		frame := encode(1, []byte(askLast))
		var first *message
		for range 3 {
			register.write(frame)
			m := register.hears(time.Second)
			if m == nil || code(m.body) != CodeNotFound {
				t.Fatalf("heard %+v", m)
			}
			if first == nil {
				first = m
			}
			if m.seq != first.seq || !reflect.DeepEqual(m.body, first.body) {
				t.Errorf("answered %+v, then %+v", first, m)
			}
		}
		if got := engine.called("lastResult"); got != 1 {
			t.Errorf("the engine was asked %d times", got)
		}
	})
}

func TestBadInputIsAnsweredAndTheLinkStaysUp(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		register.opens(`,"maxBody":512`)
		tests := []struct{ body, method, code string }{
			{"not JSON", "", CodeBadJSON},
			{`{"method":"void"}`, "void", CodeUnknownMethod},
			{paying("1050", "10.50"), "pay", CodeParamIllegal},
			{`{"method":"echo","text":"` + strings.Repeat("x", 600) + `"}`, "", CodeTooLong},
		}
		for _, test := range tests {
			seq := register.says("%s", test.body)
			m := register.hears(timeT3)
			if m == nil || code(m.body) != test.code || m.body["re"] != seqText(seq) {
				t.Fatalf("%s: answered %+v", test.body, m)
			}
			if method, said := m.body["method"]; said != (test.method != "") || said && method != test.method {
				t.Errorf("%s: method %v", test.body, method)
			}
		}
		if got := engine.called("pay"); got != 0 || !meter.Read().LinkUp {
			t.Errorf("pay reached the engine %d times, link up %v", got, meter.Read().LinkUp)
		}
	})
}

func TestFloodIsAcknowledgedAndAnsweredAsFarAsItIsKept(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		engine.stall = time.Second
		register.opens(`,"events":false`)
		register.says(paying("", ""))
		for range 20 {
			register.says(askLast)
		}
		responses := 0
		for register.hears(5*time.Second) != nil {
			responses++
		}
		counts := meter.Read().Counts
		if want := 1 + requestsUnderWay; responses < want || int64(responses)+counts.Unanswered != 21 || counts.FramesIn != 22 {
			t.Errorf("%d responses, counts %+v", responses, counts)
		}
	})
}

func TestEngineThatKnowsNothingNowIsUnknown(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		engine.sicken(errors.New("disk"))
		answer := register.opens("")
		if code(answer) != CodeUnknown || answer["open"] != nil {
			t.Errorf("answered %v", answer)
		}
	})
}

func TestDeafRegisterIsTriedThreeTimesThenLeftAlone(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		register.opens("")
		register.deafen()
		engine.becomes(paidState("R1", 2))
		sends := 0
		for register.hears(time.Minute) != nil {
			sends++
		}
		if sends != 3 || meter.Read().LinkUp {
			t.Errorf("%d sends, link up %v", sends, meter.Read().LinkUp)
		}
	})
}

func TestIdleLinkLooksOnlyEveryT5(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		register.opens("")
		before := engine.called("tell")
		register.hears(time.Hour)
		if got := engine.called("tell") - before; got < 350 || got > 361 {
			t.Errorf("asked the engine %d times in an hour", got)
		}
	})
}
