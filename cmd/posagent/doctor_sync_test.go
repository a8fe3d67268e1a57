package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestASyncIsBelievedAsFarAsItsTimeAllows(t *testing.T) {
	took := func(each time.Duration) []time.Duration { return []time.Duration{each, each, each} }
	card, turning := diskBelow{name: "mmcblk0"}, diskBelow{name: "sda", rotational: true, writeCache: "write back"}
	for name, c := range map[string]struct {
		f     syncFacts
		want  severity
		words []string
	}{
		"a card":           {syncFacts{disk: card, took: took(3 * time.Millisecond)}, sevOK, []string{"really writes", "mmcblk0 (flash)"}},
		"a card that lies": {syncFacts{disk: card, took: took(8 * time.Microsecond)}, sevWarning, []string{"faster than flash", "pull the plug"}},
		"a turning disk":   {syncFacts{disk: turning, took: took(9 * time.Millisecond)}, sevOK, []string{"turning, cache write back"}},
		"one with a cache": {syncFacts{disk: turning, took: took(300 * time.Microsecond)}, sevWarning, []string{"faster than the disk turns", "hdparm -W 0 /dev/sda"}},
		"memory":           {syncFacts{kind: fsTmpfs, took: took(time.Microsecond)}, sevWarning, []string{"memory"}},
		"a virtual disk":   {syncFacts{disk: diskBelow{name: "vda", rotational: true}, took: took(90 * time.Microsecond)}, sevNote, []string{"can't be told from here"}},
		"below a raid":     {syncFacts{disk: diskBelow{name: "md0"}, took: took(time.Microsecond)}, sevNote, nil},
		"unknown":          {syncFacts{took: took(time.Millisecond)}, sevNote, []string{"nothing can be concluded"}},
		"a slow card":      {syncFacts{disk: card, took: took(700 * time.Millisecond)}, sevWarning, []string{"waits for two"}},
		"failing":          {syncFacts{err: syscall.EIO}, sevFault, []string{"replaced"}},
		"not allowed":      {syncFacts{err: fs.ErrPermission}, sevNote, []string{"as root"}},
		"no time":          {syncFacts{}, sevNote, nil},
	} {
		t.Run(name, func(t *testing.T) { wantFinding(t, []finding{c.f.judge()}, c.want, c.words...) })
	}
}

func TestMeasuringASyncLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	took, err := measureSync(context.Background(), dir)
	if err != nil || len(took) == 0 || took[0] <= 0 || took[len(took)-1] < took[0] {
		t.Errorf("got %v, %v", took, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if took, err = measureSync(ctx, dir); err != nil || len(took) != 0 {
		t.Errorf("with no time: got %v, %v", took, err)
	}
	if _, err = measureSync(ctx, filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: got %v", err)
	}
}
