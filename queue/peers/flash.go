package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	flashSales = 1500 // are counted
	flashMiB   = 512  // of the device
)

// flash counts what a sale costs a flash disk: bytes and flushes, at a device, with
// the blocks of a large disk and with those that ext4 gives a small one.
func flash(ctx context.Context, b *bench) error {
	fmt.Printf("\nA sale at the device: ext4 on a loop device, %d sales, one at a time\n", flashSales)
	if os.Geteuid() != 0 {
		fmt.Println("  NOT COUNTED: a loop device needs root")
		return nil
	}
	for _, block := range []int{4096, 1024} {
		d, err := newLoopDevice(ctx, b.dir, flashMiB, block)
		if err != nil {
			fmt.Println("  NOT COUNTED:", err)
			return nil
		}
		fmt.Printf(" blocks of %d bytes\n", block)
		err = errors.Join(flashNaive(ctx, b, d), flashOurs(ctx, b, d, 1), flashOurs(ctx, b, d, 4))
		if err = errors.Join(err, d.close()); err != nil {
			return err
		}
	}
	return nil
}

// flashOurs counts the queue's sales, dealt out to so many tills.
func flashOurs(ctx context.Context, b *bench, d *loopDevice, tills int) error {
	s, err := openShop(filepath.Join(d.mount, fmt.Sprintf("ours%d", tills)), tills, &acquirer{})
	if err != nil {
		return err
	}
	i := 0
	got, err := counted(b, d, fmt.Sprintf("posagent, %d tills in turn", tills), func() error {
		i++
		return s.sell(ctx, i%tills)
	})
	if err != nil {
		return errors.Join(err, s.end())
	}
	what := fmt.Sprintf("  posagent, journal included, %d tills", tills)
	atMost(what+": KB", got.kb(), 19)
	atMost(what+": flushes", got.perSale(), 2.4)
	return s.end()
}

// flashNaive counts what most write first: a row, an index on its state, and three
// commits.
func flashNaive(ctx context.Context, b *bench, d *loopDevice) error {
	db, err := openPeer(filepath.Join(d.mount, "naive.db"))
	if err != nil {
		return err
	}
	n := 0
	got, err := counted(b, d, "naive", func() error {
		n++
		return naiveSale(ctx, db, n)
	})
	if err == nil {
		aside("  naive (an index on the state, 3 commits): KB, flushes", "%.1f, %.2f", got.kb().median, got.perSale().median)
	}
	return errors.Join(err, db.Close())
}

func naiveSale(ctx context.Context, db *sql.DB, n int) error {
	if n == 1 {
		_, err := db.ExecContext(ctx, `create table payment (id text primary key, state text, command text, answer text);
			create index payment_state on payment (state)`)
		if err != nil {
			return err
		}
	}
	id := fmt.Sprintf("lane1_%010d", n)
	_, err := db.ExecContext(ctx, "insert into payment values (?, 'received', ?, '')", id, body)
	if err == nil {
		_, err = db.ExecContext(ctx, "update payment set state = 'sending' where id = ?", id)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "update payment set state = 'paid', answer = ? where id = ?", body, id)
	}
	return err
}

// count is what flashSales sales cost.
type count struct{ written }

func (c count) kb() spread { return one(float64(c.bytes) / flashSales / 1000) }

func (c count) perSale() spread { return one(float64(c.flushes) / flashSales) }

func one(v float64) spread { return spread{v, v, v} }

// counted counts what the device was asked to do for sales, after some that warm up.
func counted(b *bench, d *loopDevice, what string, sell func() error) (count, error) {
	const warmUp = 100
	b.progress("%s", what)
	for range warmUp {
		if err := sell(); err != nil {
			return count{}, err
		}
	}
	before, err := d.written()
	if err != nil {
		return count{}, err
	}
	for range flashSales {
		if err := sell(); err != nil {
			return count{}, err
		}
	}
	after, err := d.written()
	return count{after.since(before)}, err
}
