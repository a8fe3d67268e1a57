package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// loopDevice is a small ext4 on a loop device of its own: what is written to it is
// ours alone, and the kernel counts it.
type loopDevice struct {
	dev   string // /dev/loopN
	mount string
}

// newLoopDevice makes one of so many MiB below dir. It needs root and the tools of
// e2fsprogs and util-linux.
func newLoopDevice(ctx context.Context, dir string, mib int64, block int) (d *loopDevice, err error) {
	image := filepath.Join(dir, "flash.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(image, mib<<20); err != nil {
		return nil, err
	}
	d = &loopDevice{mount: filepath.Join(dir, "flash")}
	if err := os.MkdirAll(d.mount, 0o700); err != nil {
		return nil, err
	}
	if _, err := tool(ctx, "mkfs.ext4", "-q", "-F", "-b", strconv.Itoa(block), image); err != nil {
		return nil, err
	}
	if d.dev, err = tool(ctx, "losetup", "--find", "--show", image); err != nil {
		return nil, err
	}
	if _, err := tool(ctx, "mount", "-o", "noatime", d.dev, d.mount); err != nil {
		_, free := tool(ctx, "losetup", "-d", d.dev)
		return nil, errors.Join(err, free)
	}
	// The inode tables that are left to the kernel would be written meanwhile.
	return d, nil
}

// close takes the device down again.
func (d *loopDevice) close() error {
	ctx := context.Background() // also at an interrupt
	_, err := tool(ctx, "umount", d.mount)
	_, err2 := tool(ctx, "losetup", "-d", d.dev)
	return errors.Join(err, err2)
}

// tool runs a program and returns what it says.
func tool(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// written is what a device was asked to do since it was made.
type written struct{ bytes, flushes int64 }

func (w written) since(was written) written {
	return written{w.bytes - was.bytes, w.flushes - was.flushes}
}

// Of /sys/block/*/stat, whose sectors are always of 512 bytes.
const (
	statSectorsWritten = 6
	statFlushes        = 15
	statSectorBytes    = 512
)

// written asks the kernel, with everything on the device.
func (d *loopDevice) written() (written, error) {
	if err := syncFS(d.mount); err != nil {
		return written{}, err
	}
	text, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(d.dev), "stat"))
	if err != nil {
		return written{}, err
	}
	fields := strings.Fields(string(text))
	if len(fields) <= statFlushes {
		return written{}, errors.New("this kernel counts no flushes (before Linux 5.5)")
	}
	sectors, err := strconv.ParseInt(fields[statSectorsWritten], 10, 64)
	if err != nil {
		return written{}, err
	}
	flushes, err := strconv.ParseInt(fields[statFlushes], 10, 64)
	return written{sectors * statSectorBytes, flushes}, err
}

func syncFS(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}
