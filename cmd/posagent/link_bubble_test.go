package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posagent/config"
	"posagent/device"
	"posagent/device/virtual"
	"posagent/queue"
)

// slowAntom takes the money at the first request and loses the answer; the
// inquiries that follow find nothing for a while. It has no methods but these.
type slowAntom struct {
	queue.Gateway
	mu        sync.Mutex
	asked     int
	paidFor   map[string]int64
	questions int
}

func (a *slowAntom) Pay(p queue.Payment) queue.Call {
	return func(ctx context.Context) queue.Answer {
		a.mu.Lock()
		a.asked++
		first := a.asked == 1
		a.paidFor[p.ID] = p.AmountMinor
		a.mu.Unlock()
		if first {
			<-ctx.Done()
			return queue.Answer{Verdict: queue.VerdictUnknown, Why: "no answer in time"}
		}
		return queue.Answer{Verdict: queue.VerdictPaid, PaymentID: "A1", Result: queue.Result{Status: "S", Code: "SUCCESS"}}
	}
}

func (a *slowAntom) Inquire(context.Context, queue.Payment) queue.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.questions++
	return queue.Answer{Verdict: queue.VerdictUnknown}
}

// The whole sale, from the till's notebook to the row in SQLite and back, on a
// line in memory and a clock of its own: 45 seconds without an answer pass in
// no time, and every T1, T2, T3 and T5 on the way is the real one.
func TestAWholeSaleInABubble(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store, err := queue.Open(filepath.Join(dir, "posagent.db"))
		must(t, err)
		antom := &slowAntom{paidFor: map[string]int64{}}
		s := settings{Config: config.Config{
			Payments: config.Payments{Window: 2 * time.Minute, PayTimeout: 45 * time.Second, InquiryTimeout: 15 * time.Second,
				InquiryInterval: 3 * time.Second, QuietTime: 45 * time.Second, RefundTimeout: 30 * time.Second,
				AfterTimeout: "resubmit", LateAbort: "refund"},
			Registers: []config.Register{{Name: "lane1"}},
		}}
		log := slog.New(slog.DiscardHandler)
		wakes := &wakes{}
		worker := newWorker(s, store, antom, wakes, log, nil, nil)
		near, far := net.Pipe()
		reg := virtual.New(far, virtual.Options{Name: "lane1", Events: true})
		o := link(s.Registers[0], wakes.channel("lane1"), log)
		o.Engine = registers{worker: worker, clock: rightClock()}
		ended := make(chan error, 3)
		go func() { ended <- worker.Run(ctx) }()
		go func() { ended <- device.Converse(ctx, near, o) }()
		go func() { ended <- reg.Run(ctx) }()

		book, err := virtual.OpenNotebook(filepath.Join(dir, "till.notebook"))
		must(t, err)
		began := time.Now()
		var told []time.Duration
		till := virtual.NewTill(reg, book, virtual.TillOptions{Narrate: func(step virtual.Step, _ string) {
			if step == virtual.StepTakenOn || step == virtual.StepOutcome {
				told = append(told, time.Since(began).Round(time.Second))
			}
		}})
		state, err := till.Sell(ctx, virtual.Sale{ID: "R1", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"})
		if err != nil || state.PaymentStatus != "SUCCESS" || antom.paidFor["R1"] != 1050 || antom.asked != 2 {
			t.Errorf("told %+v, %v; Antom was asked %d times", state, err, antom.asked)
		}
		if took := time.Since(began); took < 45*time.Second || took > 50*time.Second || len(told) < 2 || told[0] != 0 {
			t.Errorf("took %v; told after %v", took, told)
		}
		cancel()
		for range 3 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		must(t, errors.Join(store.Close(), book.Close()))
	})
}
