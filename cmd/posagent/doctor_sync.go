package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// syncFacts is how long small synced writes took beside the store.
type syncFacts struct {
	folder string
	kind   string // of the filesystem
	disk   diskBelow
	took   []time.Duration
	err    error
}

const (
	syncRounds = 32
	syncBytes  = 4096
	syncBudget = 2 * time.Second // a slow disk is not kept busy for longer
)

// lookAtSync overwrites a few kilobytes of a scratch file beside the store, again
// and again, and takes the time until the disk says that they are safe.
func lookAtSync(ctx context.Context, p *patient) []finding {
	if p.s.Store.Path == "" {
		return nil
	}
	f := syncFacts{folder: p.storeFolder()}
	var st unix.Statfs_t
	if unix.Statfs(f.folder, &st) != nil {
		return nil // the look at the disk says so
	}
	f.kind, f.disk = filesystemName(st.Type), p.box.diskOf(f.folder)
	f.took, f.err = measureSync(ctx, f.folder)
	return []finding{f.judge()}
}

// measureSync returns the times of the rounds, sorted. The scratch file is gone
// when it returns, whatever happened.
func measureSync(ctx context.Context, folder string) (took []time.Duration, err error) {
	file, err := os.CreateTemp(folder, ".posagent-doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := os.Remove(file.Name()); err != nil { // it lives as long as it is open
		return nil, err
	}
	block := make([]byte, syncBytes)
	if _, err := file.Write(block); err != nil {
		return nil, err
	}
	if err := file.Sync(); err != nil {
		return nil, err
	}
	ends := time.Now().Add(syncBudget)
	for n := 0; n < syncRounds && time.Now().Before(ends) && ctx.Err() == nil; n++ {
		block[0] = byte(n)
		began := time.Now()
		if _, err := file.WriteAt(block, 0); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(file.Fd())); err != nil {
			return nil, fmt.Errorf("fdatasync: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// What a sync takes at the least where bytes reach what they are kept on. A disk at
// 7200 turns a minute needs 8.3 ms a turn, and on average half of one; flash programs
// a page in some 200 µs, and its controller answers in no less than 50 µs.
const (
	turnTime  = 2 * time.Millisecond
	flashTime = 50 * time.Microsecond
	syncSlow  = 500 * time.Millisecond
)

func (f syncFacts) judge() finding {
	const check = "sync"
	switch {
	case errors.Is(f.err, fs.ErrPermission):
		return note(check, "not measured: this user can't write to %s; run doctor as root", f.folder)
	case f.err != nil:
		return fault(check, "dmesg says what the disk answers; a disk that fails writes is to be replaced", "a scratch file in %s can't be written and synced: %v", f.folder, f.err)
	case len(f.took) == 0:
		return note(check, "not measured: there was no time")
	}
	median := f.took[len(f.took)/2]
	text := fmt.Sprintf("%d overwrites of 4 kB were synced in %v each (slowest %v)%s", len(f.took),
		rounded(median), rounded(f.took[len(f.took)-1]), f.disk)
	test := "pull the plug during sales (posagent torture ends the agent only); a disk that keeps what it called safe is believed"
	switch {
	case f.kind == fsTmpfs || f.kind == fsRamfs:
		return warning(check, "set [store] path to a folder on a disk", "%s: this is memory, and a sync means nothing", text)
	case f.disk.name == "":
		return note(check, "%s: which disk is below can't be seen, so nothing can be concluded", text)
	case f.disk.rotational && median < turnTime && !f.disk.isVirtual():
		return warning(check, "sudo hdparm -W 0 /dev/"+f.disk.name+" switches its cache off",
			"%s: faster than the disk turns, so it says \"safe\" for what is in its cache only", text)
	case f.disk.isVirtual():
		return note(check, "%s: a virtual disk, whose host may keep what it calls safe in memory; it can't be told from here", text)
	case median < flashTime:
		return warning(check, test, "%s: faster than flash is written, so it answers from a cache; that holds only where the cache outlives a power cut (capacitors)", text)
	case f.took[len(f.took)-1] > syncSlow:
		return warning(check, "use a better card or eMMC, and keep other writers off it", "%s: every sale waits for two of these", text)
	}
	return fine(check, "%s: as slow as a disk that really writes. A measurement can't prove more than that", text)
}

// isVirtual knows disks that a host makes up, by their names.
func (d diskBelow) isVirtual() bool {
	for _, prefix := range []string{"vd", "xvd", "loop", "nbd", "zram", "dm-", "md"} {
		if strings.HasPrefix(d.name, prefix) {
			return true
		}
	}
	return false
}

func (d diskBelow) String() string {
	if d.name == "" {
		return ""
	}
	kind := "flash"
	switch {
	case d.isVirtual():
		kind = "virtual"
	case d.rotational:
		kind = "turning"
	}
	if d.writeCache != "" {
		kind += ", cache " + d.writeCache
	}
	return " on " + d.name + " (" + kind + ")"
}

func rounded(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(time.Microsecond)
	}
	return d.Round(10 * time.Microsecond)
}
