package device

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefundIsToldUntilItIsDeliveredUnderItsOwnId(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, _ *Meter) {
		register.opens("")
		if answer := register.asks(refunding); code(answer) != CodePaymentInProgress || answer["refundStatus"] != RefundPending {
			t.Errorf("refund answered %v", answer)
		}
		engine.becomes(paidState("F1", 9)) // a payment may have the id of a refund
		engine.becomes(refundedState("F1", 2))
		heard := map[any]int{}
		for range 4 { // at once and after a second, each
			m := register.hears(time.Minute)
			heard[m.body["event"]]++
		}
		if heard["payment"] != 2 || heard["refund"] != 2 {
			t.Errorf("heard %v", heard)
		}
		if answer := register.asks(`{"method":"delivered","refundRequestId":"F1","rev":2}`); code(answer) != CodeSuccess {
			t.Errorf("delivered answered %v", answer)
		}
		for range 5 {
			if m := register.hears(time.Minute); m == nil || m.body["event"] != "payment" {
				t.Errorf("heard %+v, want the payment alone", m)
			}
		}
	})
}

// Antom may take 20 seconds for a diagnosis. Meanwhile everything else goes on,
// events too.
func TestDiagnosisDelaysNothing(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		engine.diagnosing = timeT3Diagnosis - time.Second
		register.opens("")
		began := time.Now()
		asked := register.says(`{"method":"diagnosis"}`)
		if register.pays("R1"); time.Since(began) > 200*time.Millisecond {
			t.Errorf("pay took %v beside it", time.Since(began))
		}
		engine.becomes(paidState("R1", 2))
		if m := register.hears(time.Second); m == nil || m.body["paymentStatus"] != PaymentSuccess {
			t.Fatalf("heard %+v beside it", m)
		}
		register.asks(`{"method":"delivered","paymentRequestId":"R1","rev":2}`)
		m := register.hears(timeT3Diagnosis)
		if m == nil || m.body["re"] != seqText(asked) || m.body["networkStatus"] != "Y" || m.body["unresolvedCount"] != 2.0 {
			t.Errorf("heard %+v", m)
		}
		if took := time.Since(began).Round(time.Second); took != engine.diagnosing {
			t.Errorf("took %v", took)
		}
		if counts := meter.Read().Counts; counts.Late+counts.Unanswered > 0 {
			t.Errorf("counted %+v", counts)
		}
	})
}

func TestDiagnosisSlowerThanItsT3IsSilence(t *testing.T) {
	onALine(t, func(t *testing.T, register *till, engine *ledger, meter *Meter) {
		engine.diagnosing = timeT3Diagnosis + time.Second
		register.opens(`,"events":false`)
		register.says(`{"method":"diagnosis"}`)
		if m := register.hears(time.Minute); m != nil || meter.Read().Counts.Late != 1 {
			t.Errorf("heard %+v; %+v", m, meter.Read().Counts)
		}
		if answer := register.asks(`{"method":"echo","text":"x"}`); answer["text"] != "x" {
			t.Errorf("answered %v", answer)
		}
	})
}

// The link events: down once, up once, and for a register that begins anew only
// what it does not expect.
func TestUpstreamIsToldWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		engine := newLedger()
		var down atomic.Bool
		set := func(to bool) { down.Store(to); engine.wake <- struct{}{} }
		ctx, cancel := context.WithCancel(t.Context())
		register, heard := newTill(t, far)
		ended := make(chan error, 1)
		go func() {
			ended <- Converse(ctx, near, Options{Register: "lane1", Engine: engine, Wake: engine.wake,
				Upstream: func() bool { return !down.Load() }})
		}()
		hears := func(want string) {
			t.Helper()
			m := register.hears(time.Minute)
			if want == "" && m != nil || want != "" && (m == nil || m.body["event"] != "link" || m.body["upstream"] != want || len(m.body) != 2) {
				t.Errorf("heard %+v, want %q", m, want)
			}
		}
		register.opens("")
		hears("")
		set(true)
		hears("down")
		set(true)
		hears("")
		register.opens("")
		hears("down")
		set(false)
		hears("up")
		register.opens("")
		hears("")
		register.opens(`,"events":false`)
		set(true)
		hears("")
		cancel()
		<-ended
		heard.Wait()
	})
}
