package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"posagent/device"
	"posagent/queue"
)

// mute is an acquirer that never answers.
type mute struct{}

func (mute) answer(ctx context.Context) queue.Answer {
	<-ctx.Done()
	return queue.Answer{Verdict: queue.VerdictUnknown}
}

func (s mute) Pay(queue.Payment) queue.Call                              { return s.answer }
func (s mute) Inquire(ctx context.Context, _ queue.Payment) queue.Answer { return s.answer(ctx) }
func (s mute) Refund(ctx context.Context, _ queue.Refund) queue.Answer   { return s.answer(ctx) }
func (s mute) InquireRefund(ctx context.Context, _ queue.Refund) queue.Answer {
	return s.answer(ctx)
}

// A register's own window is the payment's; without one it is the configured one.
func TestTheRegistersWindowIsThePayments(t *testing.T) {
	store, err := queue.Open(filepath.Join(t.TempDir(), "posagent.db"))
	must(t, err)
	worker := queue.NewWorker(queue.Options{
		Store: store, Gateway: mute{}, Policy: queue.Policy{InquiryInterval: time.Second, QuietTime: time.Second},
		Window: time.Minute, PayTimeout: time.Minute, InquiryTimeout: time.Minute, RefundTimeout: time.Minute,
		Retention: time.Hour, Changed: func(string) {}, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	r := registers{worker: worker, clock: rightClock()}
	for id, window := range map[string]time.Duration{"OWN": 5 * time.Minute, "NONE": 0} {
		r.Pay(ctx, "lane-"+id, device.Pay{PaymentRequestID: id, PaymentMethod: "X", CommandExecuteTimeout: window,
			PaymentAmount: device.Amount{ValueMinor: 1050, Currency: "SGD"}})
		p, err := worker.Payment(ctx, id)
		want := max(window, time.Minute)
		if got := p.Deadline.Sub(p.ReceivedAt); err != nil || got != want {
			t.Errorf("%s: a window of %v (%v), want %v", id, got, err, want)
		}
	}
	cancel()
	must(t, errors.Join(<-ended, store.Close()))
}
