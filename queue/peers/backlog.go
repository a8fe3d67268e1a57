package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"posagent/queue"
)

// Of the backlog after an outage.
const (
	backlogSize    = 10_000
	backlogTills   = 16
	backlogLatency = 20 * time.Millisecond // of the gateway
	quietSales     = 60                    // before, and as many after
)

// backlog stores payments in doubt, as a long outage leaves them, brings the gateway
// back, and sells at another till while they are found out.
func backlog(ctx context.Context, b *bench) error {
	fmt.Printf("\nA backlog of %d payments in doubt, and a gateway that answers after %v\n", backlogSize, backlogLatency)
	g := &acquirer{latency: backlogLatency}
	quiet, err := quietTimes(ctx, b, g)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "backlog")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := storeBacklog(filepath.Join(dir, "posagent.db"), time.Now()); err != nil {
		return err
	}
	s, err := openShop(dir, 1, g)
	if err != nil {
		return err
	}
	began := time.Now()
	busy, err := salesWhile(ctx, s, func() (bool, error) {
		h, err := s.worker.Health(ctx)
		b.progress("%d of %d in doubt", h.InDoubt, backlogSize)
		return h.InDoubt > 0, err
	})
	drained := time.Since(began)
	if err != nil {
		return errors.Join(err, s.end())
	}
	after, err := timed(ctx, s, quietSales)
	if err := errors.Join(err, s.end()); err != nil {
		return err
	}
	quiet = append(quiet, after...)
	aside("  drained in", "%.1f s, %.0f a second", drained.Seconds(), backlogSize/drained.Seconds())
	aside("  a sale in quiet times, and meanwhile", "%.1f ms, %.1f ms", spreadOf(quiet).median, spreadOf(busy).median)
	beyond := backlogLatency.Seconds() * 1000
	aside("  of that, beyond the gateway's own", "%.1f ms, %.1f ms", spreadOf(quiet).median-beyond, spreadOf(busy).median-beyond)
	over := spreadOf(busy).median / spreadOf(quiet).median
	atMost("  a new sale's time meanwhile against quiet times", one(over), 1.2)
	return nil
}

func quietTimes(ctx context.Context, b *bench, g queue.Gateway) ([]float64, error) {
	dir := filepath.Join(b.dir, "quiet")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := openShop(dir, 1, g)
	if err != nil {
		return nil, err
	}
	list, err := timed(ctx, s, quietSales)
	return list, errors.Join(err, s.end())
}

// timed sells n times and returns how long each sale took, in milliseconds.
func timed(ctx context.Context, s *shop, n int) ([]float64, error) {
	var list []float64
	for range n {
		from := time.Now()
		if err := s.sell(ctx, 0); err != nil {
			return nil, err
		}
		list = append(list, time.Since(from).Seconds()*1000)
	}
	return list, nil
}

// salesWhile sells in batches of ten as long as there is something to wait for.
func salesWhile(ctx context.Context, s *shop, waits func() (bool, error)) ([]float64, error) {
	var list []float64
	for {
		more, err := waits()
		if err != nil || !more {
			return list, err
		}
		const some = 10
		took, err := timed(ctx, s, some)
		if err != nil {
			return nil, err
		}
		list = append(list, took...)
	}
}

// storeBacklog stores payments whose window ended with their outcome open.
func storeBacklog(path string, now time.Time) error {
	return fill(path, backlogSize, func(i int) (queue.Payment, bool) {
		return inDoubt(now, fmt.Sprintf("lane%d", 2+i%backlogTills), i), false
	}, nil)
}

// inDoubt is a payment of an hour ago that was sent and never answered.
func inDoubt(now time.Time, register string, i int) queue.Payment {
	p, _ := queue.Begin(now.Add(-time.Hour), register, command(register, i), time.Minute)
	p.State, p.InDoubt, p.Next, p.Due, p.QuietFrom = queue.Unresolved, true, queue.Inquire, now, now.Add(-time.Hour+time.Minute)
	return p
}
