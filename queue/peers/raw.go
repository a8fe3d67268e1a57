package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Of the raw writes.
const (
	rawPage  = 4096
	rawPages = 256
)

// newRaw returns the limit: one page of a file written over and synced with
// fdatasync, again and again.
func newRaw(dir string) (contender, func() error, error) {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return contender{}, nil, err
	}
	if _, err = f.Write(make([]byte, rawPage*rawPages)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return contender{}, nil, errors.Join(err, f.Close())
	}
	at := 0
	page := make([]byte, rawPage)
	turn := func(ctx context.Context, until time.Time) (n int, err error) {
		for ; time.Now().Before(until) && ctx.Err() == nil; n++ {
			page[0]++
			if _, err := f.WriteAt(page, int64(at%rawPages)*rawPage); err != nil {
				return n, err
			}
			if err := datasync(f); err != nil {
				return n, err
			}
			at++
		}
		return n, nil
	}
	return contender{"raw", turn}, f.Close, nil
}
