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

// Of the store that is started.
const (
	startRows = 100_000
	startOpen = 1_000
	starts    = 7
)

// stored compares a sale in a store that holds years of them with one in an empty
// store, and times the start of one of middling size.
func stored(ctx context.Context, b *bench) error {
	if err := storedStart(ctx, b); err != nil {
		return err
	}
	fmt.Printf("\nA sale with %d payments stored\n", b.stored)
	path := filepath.Join(b.dir, "full", "posagent.db")
	if err := fillClosed(b, path, b.stored, 0); err != nil {
		return err
	}
	full, err := openShop(filepath.Dir(path), 1, &acquirer{})
	if err != nil {
		return err
	}
	empty, err := openShop(filepath.Join(b.dir, "empty"), 1, &acquirer{})
	if err != nil {
		return errors.Join(err, full.end())
	}
	rates, err := contest(ctx, b, []contender{{"full", full.sales(1)}, {"empty", empty.sales(1)}})
	if err := errors.Join(err, full.end(), empty.end()); err != nil {
		return err
	}
	aside("  with them, and in an empty store", "%.0f, %.0f a second", spreadOf(rates[0]).median, spreadOf(rates[1]).median)
	atMost("  a sale's time with them against an empty store", ratio(rates[1], rates[0], 1), 1.1)
	return nil
}

// storedStart times from Open until the worker answers, which is when the ports are
// open in the product.
func storedStart(ctx context.Context, b *bench) error {
	fmt.Printf("\nA start with %d payments stored, of which %d are in doubt\n", startRows, startOpen)
	path := filepath.Join(b.dir, "start", "posagent.db")
	if err := fillClosed(b, path, startRows, startOpen); err != nil {
		return err
	}
	var opens, all []float64
	for range starts {
		from := time.Now()
		s, err := openShop(filepath.Dir(path), 1, &acquirer{latency: time.Hour})
		if err != nil {
			return err
		}
		opens = append(opens, time.Since(from).Seconds()*1000)
		if _, err := s.worker.Payment(ctx, "NONE"); !errors.Is(err, queue.ErrNotFound) {
			return errors.Join(fmt.Errorf("asked after a start: %w", err), s.end())
		}
		all = append(all, time.Since(from).Seconds()*1000)
		if err := s.end(); err != nil {
			return err
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	aside("  the file, MB; of the start, the store's part, ms", "%.0f; %s", float64(st.Size())/1e6, spreadOf(opens))
	atMost("  start until the ports open, ms", spreadOf(all), 150)
	return nil
}

// fillClosed stores rows payments, the first open ones of them in doubt and all others
// paid, delivered and put away.
func fillClosed(b *bench, path string, rows, open int) error {
	now := time.Now()
	return fill(path, rows, func(i int) (queue.Payment, bool) {
		register := tillName(i % 8)
		if i < open {
			return inDoubt(now, register, i), false
		}
		p, _ := queue.Begin(now.Add(-time.Hour), register, command(register, i), time.Minute)
		p.State, p.Rev, p.Delivered, p.EndedAt, p.EndedSeq = queue.Paid, 2, 2, now, int64(i+1)
		p.Next, p.Due, p.OpenAttempts = queue.None, time.Time{}, 0
		p.PaymentID, p.PaymentTime = "20260823"+p.ID, "2026-08-23T12:00:00+08:00"
		p.Result = queue.Result{Status: "S", Code: "SUCCESS", Message: "success."}
		return p, true
	}, func(done int) { b.progress("%d of %d payments stored", done, rows) })
}

// fill stores n payments, and puts those away that are closed.
func fill(path string, n int, row func(i int) (p queue.Payment, closed bool), progress func(done int)) error {
	s, err := queue.Open(path)
	if err != nil {
		return err
	}
	const atOnce = 1000
	for i := 0; i < n && err == nil; i += atOnce {
		var batch queue.Batch
		for j := i; j < min(i+atOnce, n); j++ {
			p, closed := row(j)
			c := queue.Change[queue.Payment]{New: p}
			if closed {
				batch.PutAway = append(batch.PutAway, p.ID)
				c.Events = story(p)
			}
			batch.Payments = append(batch.Payments, c)
		}
		err = s.Save(batch)
		if done := i + atOnce; progress != nil && done%100_000 == 0 {
			progress(done)
		}
	}
	return errors.Join(err, s.Close())
}

// story is what is told of an ordinary sale.
func story(p queue.Payment) []queue.Event {
	return []queue.Event{
		{ID: p.ID, At: p.ReceivedAt, Kind: queue.EventStored, Text: p.Register + ": 1050 SGD by ALIPAY_CN"},
		{ID: p.ID, At: p.EndedAt, Kind: queue.EventAnswer, Text: "paid: S SUCCESS: success."},
		{ID: p.ID, At: p.EndedAt, Kind: queue.EventOutcome, Text: "paid: S SUCCESS: success."},
		{ID: p.ID, At: p.EndedAt, Kind: queue.EventDelivered},
	}
}

func command(register string, i int) queue.Command {
	return queue.Command{
		ID: fmt.Sprintf("%s_20260823_%08d", register, i), Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD",
		MerchantOrderID: "20260823-0042", MerchantStoreID: "store-7",
	}
}
