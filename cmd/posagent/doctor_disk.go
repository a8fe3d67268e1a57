package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskFacts is what was found out about the folder of the store.
type diskFacts struct {
	folder     string
	err        error
	kind       string // of the filesystem
	readOnly   bool
	freeBytes  uint64
	freeInodes uint64
	inodes     uint64 // 0: the filesystem has no fixed number of them
	mode       fs.FileMode
	owner      identity
	agent      *identity
}

// lookAtDisk looks at room, kind and rights of the store's folder.
func lookAtDisk(_ context.Context, p *patient) []finding {
	if p.s.Store.Path == "" {
		return nil
	}
	return p.diskFacts().judge()
}

func (p *patient) storeFolder() string {
	path := p.s.Store.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(path)
}

func (p *patient) diskFacts() diskFacts {
	f := diskFacts{folder: p.storeFolder(), agent: p.agent}
	var st unix.Statfs_t
	if f.err = unix.Statfs(f.folder, &st); f.err != nil {
		f.err = &fs.PathError{Op: "look at", Path: f.folder, Err: f.err}
		return f
	}
	f.kind = filesystemName(st.Type)
	f.readOnly = st.Flags&unix.ST_RDONLY != 0
	f.freeBytes = st.Bavail * uint64(st.Bsize)
	f.freeInodes, f.inodes = st.Ffree, st.Files
	_, f.mode, f.owner, f.err = nodeOf(f.folder)
	return f
}

// Names of filesystems that this program has something to say about.
const (
	fsExt4    = "ext4"
	fsTmpfs   = "tmpfs"
	fsRamfs   = "ramfs"
	fsOverlay = "overlay"
	fsNFS     = "nfs"
	fsSMB     = "smb"
	fsFAT     = "fat"
	fsFuse    = "fuse"
)

// filesystemName names a filesystem by its magic number (statfs(2)), whose width
// differs between processors.
func filesystemName[T int32 | int64](magic T) string {
	number := uint32(magic)
	name, known := map[uint32]string{
		0xef53: fsExt4, 0x01021994: fsTmpfs, 0x858458f6: fsRamfs, 0x794c7630: fsOverlay, 0x6969: fsNFS,
		0xff534d42: fsSMB, 0xfe534d42: fsSMB, 0x517b: fsSMB, 0x4d44: fsFAT, 0x2011bab0: "exfat", 0x65735546: fsFuse,
		0x9123683e: "btrfs", 0x58465342: "xfs", 0xf2f52010: "f2fs", 0x24051905: "ubifs", 0x72b6: "jffs2",
	}[number]
	if !known {
		return fmt.Sprintf("filesystem %#x", number)
	}
	return name
}

// Room below which something is wrong. The agent keeps a reserve of its own, with
// which it finishes what is under way; these leave the time to act before that.
const (
	roomFault   = 8 << 20
	roomWarning = 64 << 20
	inodesFew   = 100
)

func (f diskFacts) judge() []finding {
	const check = "disk"
	word := shellWord(f.folder)
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		return []finding{fault(check, f.makeFolder(), "%s is not there: the agent can't make its store", f.folder)}
	case errors.Is(f.err, fs.ErrPermission):
		return []finding{note(check, "%s can't be looked at as this user; run doctor as root", f.folder)}
	case f.err != nil:
		return []finding{fault(check, "", "%v", f.err)}
	case f.readOnly:
		return []finding{fault(check, "dmesg | grep -i 'remount\\|error' says why; then fsck, and mount it for writing",
			"%s is mounted read-only: no payment can be stored", f.folder)}
	}
	var list []finding
	if text, fix := f.judgeKind(); text != "" {
		list = append(list, warning(check, fix, "%s is on %s: %s", f.folder, f.kind, text))
	}
	free := fmt.Sprintf("%s (%s) has %s free", f.folder, f.kind, bytesText(f.freeBytes))
	switch {
	case f.freeBytes < roomFault:
		list = append(list, fault(check, "sudo du -xh / | sort -h | tail -20 shows what fills it; sudo journalctl --vacuum-size=50M", "%s: new payments are refused when it is full", free))
	case f.freeBytes < roomWarning:
		list = append(list, warning(check, "sudo du -xh / | sort -h | tail -20 shows what fills it; sudo journalctl --vacuum-size=50M", "%s", free))
	default:
		list = append(list, fine(check, "%s", free))
	}
	if f.inodes > 0 && f.freeInodes < inodesFew {
		list = append(list, fault(check, "sudo du -x --inodes / | sort -n | tail -20 shows what holds so many files", "%s has room for %d more files only", f.folder, f.freeInodes))
	}
	if f.agent != nil && !f.agent.may(0o7, f.mode, f.owner) {
		list = append(list, fault(check, "sudo chown "+f.agent.name+" "+word+" && sudo chmod 700 "+word,
			"the agent's user, %s, can't write to %s (mode %04o, owner %s)", f.agent.name, f.folder, f.mode.Perm(), userName(f.owner.uid)))
	}
	return list
}

func (f diskFacts) makeFolder() string {
	owner := ""
	if f.agent != nil {
		owner = "-o " + f.agent.name + " "
	}
	return "sudo install -d -m 700 " + owner + shellWord(f.folder)
}

// judgeKind says what is wrong with a filesystem for a store that must survive.
func (f diskFacts) judgeKind() (text, fix string) {
	move := "set [store] path to a folder on a local disk (ext4, f2fs, ubifs), with the agent stopped and the files moved along"
	switch f.kind {
	case fsTmpfs, fsRamfs:
		return "it lives in memory, and every payment is forgotten when the power goes", move
	case fsOverlay:
		return "where it writes to can't be seen from here; if that is memory, or is thrown away with a container, payments are forgotten", "see which folder is the upper one (findmnt -T " + shellWord(f.folder) + "), or mount a disk there"
	case fsNFS, fsSMB, fsFuse:
		return "locks and syncs over a network can't be relied on", move
	case fsFAT, "exfat":
		return "it has no journal, and a power cut can take the whole filesystem", move
	}
	return "", ""
}

func bytesText(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d kB", n>>10)
}

// diskBelow is what the kernel says of the disk that a folder is on, "" for none.
type diskBelow struct {
	name       string
	rotational bool
	writeCache string // "write back", "write through" or ""
}

// diskOf finds the whole disk below a folder by its device number.
func (b box) diskOf(folder string) diskBelow {
	st, err := os.Stat(folder)
	if err != nil {
		return diskBelow{}
	}
	n, _, _, err := nodeOf(folder)
	if err != nil || !st.IsDir() {
		return diskBelow{}
	}
	dir, err := filepath.EvalSymlinks(b.path("sys", "dev", "block", fmt.Sprintf("%d:%d", unix.Major(n.device), unix.Minor(n.device))))
	if err != nil {
		return diskBelow{} // a filesystem without a disk of its own
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		dir = filepath.Dir(dir)
	}
	inside := box{root: dir}
	return diskBelow{filepath.Base(dir), inside.line("queue", "rotational") == "1", inside.line("queue", "write_cache")}
}
