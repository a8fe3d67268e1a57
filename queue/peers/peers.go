package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// cardSync is by how much the syncs of a memory card may well be slower than those of
// the disk at hand.
const cardSync = 4 * time.Millisecond

// peers compares one sale through the queue with the raw limit and with other
// queues, one at a time and many at once.
func peers(ctx context.Context, b *bench) error {
	fmt.Print("\nOne sale: accepted, answered, told, delivered; two synced commits, journal included\n")
	return compare(ctx, b, filepath.Join(b.dir, "peers"))
}

// card does the same where each sync takes cardSync longer.
func card(ctx context.Context, b *bench) error {
	slowSyncs(cardSync)
	defer slowSyncs(0)
	fmt.Printf("\nThe same where each sync, of all contenders, takes %v longer\n", cardSync)
	return compare(ctx, b, filepath.Join(b.dir, "card"))
}

func compare(ctx context.Context, b *bench, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var list []contender
	add := func(c contender) int {
		list = append(list, c)
		return len(list) - 1
	}
	crowds := []int{1, 8, 64}
	rawTurn, endRaw, err := newRaw(dir)
	if err != nil {
		return err
	}
	s, err := openShop(dir, crowds[len(crowds)-1], &acquirer{})
	if err != nil {
		return errors.Join(err, endRaw())
	}
	goq, endGoq, err := newGoqite(ctx, dir)
	if err != nil {
		return errors.Join(err, endRaw(), s.end())
	}
	back, endBack, err := newBacklite(ctx, dir)
	if err != nil {
		return errors.Join(err, endRaw(), s.end(), endGoq())
	}
	defer func() { err = errors.Join(err, endRaw(), s.end(), endGoq(), endBack()) }()
	raw := add(rawTurn)
	ours, theirs, others := map[int]int{}, map[int]int{}, map[int]int{}
	for _, n := range crowds {
		ours[n] = add(contender{fmt.Sprintf("posagent, %d at once", n), s.sales(n)})
		theirs[n], others[n] = add(goq(n)), add(back(n))
	}
	rates, err := contest(ctx, b, list)
	if err != nil {
		return err
	}
	for i, c := range list {
		aside("  "+c.name, "%.0f a second", spreadOf(rates[i]).median)
	}
	atLeast("  of the limit: two raw writes, fdatasync each", ratio(rates[ours[1]], rates[raw], 2), 0.90)
	for _, n := range crowds {
		aim := 2.4
		if n > 1 {
			aim = 3
		}
		atLeast(fmt.Sprintf("  against goqite, %d at once", n), ratio(rates[ours[n]], rates[theirs[n]], 1), aim)
		atLeast(fmt.Sprintf("  against backlite, %d at once", n), ratio(rates[ours[n]], rates[others[n]], 1), aim)
	}
	atLeast("  8 at once against one at a time", ratio(rates[ours[8]], rates[ours[1]], 1), 4)
	atLeast("  64 at once against one at a time", ratio(rates[ours[64]], rates[ours[1]], 1), 12)
	return nil
}
