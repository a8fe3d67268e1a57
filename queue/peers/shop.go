package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"posagent/queue"
)

// acquirer answers at once, or after its latency: what is measured is the queue.
type acquirer struct {
	latency time.Duration
	down    atomic.Bool // answers nothing that can be trusted
}

func (a *acquirer) answer(ctx context.Context, id string) queue.Answer {
	if a.latency > 0 {
		select {
		case <-time.After(a.latency):
		case <-ctx.Done():
		}
	}
	if a.down.Load() {
		return queue.Answer{Verdict: queue.VerdictUnknown, Why: "no answer"}
	}
	return queue.Answer{
		Verdict: queue.VerdictPaid, Result: queue.Result{Status: "S", Code: "SUCCESS", Message: "success."},
		PaymentID: "20260823" + id, PaymentTime: "2026-08-23T12:00:00+08:00",
	}
}

func (a *acquirer) Pay(p queue.Payment) queue.Call {
	return func(ctx context.Context) queue.Answer {
		return a.answer(ctx, p.ID)
	}
}

func (a *acquirer) Inquire(ctx context.Context, p queue.Payment) queue.Answer {
	return a.answer(ctx, p.ID)
}

func (a *acquirer) Refund(context.Context, queue.Refund) queue.Answer {
	return queue.Answer{Verdict: queue.VerdictUnknown}
}

func (a *acquirer) InquireRefund(context.Context, queue.Refund) queue.Answer {
	return queue.Answer{Verdict: queue.VerdictUnknown}
}

// shop is the agent's queue at work: the product's worker and store, and tills
// that ask as the register link does.
type shop struct {
	store  *queue.Store
	worker *queue.Worker
	wakes  map[string]chan struct{}
	end    func() error
	name   string // distinguishes its ids
	seq    atomic.Int64
}

func tillName(i int) string { return fmt.Sprintf("lane%d", i+1) }

// openShop opens the store in dir and puts tills tills before it.
func openShop(dir string, tills int, g queue.Gateway) (*shop, error) {
	store, err := queue.Open(filepath.Join(dir, "posagent.db"))
	if err != nil {
		return nil, err
	}
	s := &shop{store: store, wakes: map[string]chan struct{}{}, name: fmt.Sprintf("%x", time.Now().UnixMilli())}
	for i := range tills {
		s.wakes[tillName(i)] = make(chan struct{}, 1)
	}
	s.worker = queue.NewWorker(s.options(g))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.worker.Run(ctx) }()
	s.end = func() error {
		cancel()
		return errors.Join(<-ended, store.Close())
	}
	return s, nil
}

// options are those of an ordinary configuration.
func (s *shop) options(g queue.Gateway) queue.Options {
	return queue.Options{
		Store: s.store, Gateway: g,
		Policy: queue.Policy{InquiryInterval: 3 * time.Second, QuietTime: 45 * time.Second},
		Window: 120 * time.Second, PayTimeout: 45 * time.Second, InquiryTimeout: 15 * time.Second,
		RefundTimeout: 30 * time.Second, Grace: time.Second, Retention: 400 * 24 * time.Hour,
		Changed: func(register string) {
			select {
			case s.wakes[register] <- struct{}{}:
			default:
			}
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// sell is one sale at a till: accepted, paid, told and delivered.
func (s *shop) sell(ctx context.Context, till int) error {
	register := tillName(till)
	c := queue.Command{
		ID: fmt.Sprintf("%s_%s_%08d", register, s.name, s.seq.Add(1)), Method: "ALIPAY_CN", AmountMinor: 1050,
		Currency: "SGD", MerchantOrderID: "20260823-0042", MerchantStoreID: "store-7",
	}
	p, err := s.worker.Enqueue(ctx, register, c, 0)
	for err == nil && !p.State.Final() {
		select {
		case <-s.wakes[register]:
		case <-ctx.Done():
			return ctx.Err()
		}
		p, err = s.ended(ctx, register, c.ID)
	}
	if err != nil {
		return err
	}
	_, err = s.worker.Deliver(ctx, p.ID, p.Rev)
	return err
}

// ended returns a payment as its register is told of it.
func (s *shop) ended(ctx context.Context, register, id string) (queue.Payment, error) {
	list, err := s.worker.Untold(ctx, register)
	for _, r := range list {
		if r.Payment != nil && r.Payment.ID == id {
			return *r.Payment, nil
		}
	}
	return queue.Payment{}, err
}

// sales is a turn of so many tills at once.
func (s *shop) sales(tills int) func(context.Context, time.Time) (int, error) {
	return func(ctx context.Context, until time.Time) (int, error) {
		return atOnce(tills, func(till int) error { return s.sell(ctx, till) }, ctx, until)
	}
}

// atOnce has n goroutines do something until the time is over, and counts.
func atOnce(n int, do func(i int) error, ctx context.Context, until time.Time) (int, error) { //nolint:revive // do first reads better
	var all sync.WaitGroup
	var count atomic.Int64
	failed := make(chan error, n)
	for i := range n {
		all.Go(func() {
			for time.Now().Before(until) && ctx.Err() == nil {
				if err := do(i); err != nil {
					failed <- err
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	close(failed)
	return int(count.Load()), <-failed
}
