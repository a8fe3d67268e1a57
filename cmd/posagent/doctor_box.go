package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// box reads what the kernel and udev tell of the machine; root is "/" but in tests.
type box struct{ root string }

func (b box) path(parts ...string) string {
	return filepath.Join(append([]string{b.root}, parts...)...)
}

// line reads a small file and returns it without the white space around it; what
// can't be read is empty.
func (b box) line(parts ...string) string {
	text, err := os.ReadFile(b.path(parts...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// process is one that runs.
type process struct {
	PID  int
	Name string // as the kernel has it, at most 15 characters
}

func (p process) String() string { return fmt.Sprintf("%s (pid %d)", p.Name, p.PID) }

// isAgent reports whether it is one of ours by its name.
func (p process) isAgent() bool { return strings.HasPrefix(p.Name, "posagent") }

// processes lists everything that runs, as far as this user may see it.
func (b box) processes() []process {
	entries, err := os.ReadDir(b.path("proc"))
	if err != nil {
		return nil
	}
	var list []process
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			list = append(list, process{pid, b.line("proc", entry.Name(), "comm")})
		}
	}
	return list
}

// agents are the processes that are the agent of a store: the one that holds the
// store's lock, or where that can't be seen, all that are posagent run by name.
func (b box) agents(store string) []process {
	if n, _, _, err := nodeOf(store + ".lock"); err == nil && store != "" {
		var list []process
		for _, pid := range b.lockers(n) {
			list = append(list, process{pid, b.line("proc", strconv.Itoa(pid), "comm")})
		}
		return list
	}
	return slices.DeleteFunc(b.processes(), func(p process) bool {
		words := strings.Split(b.line("proc", strconv.Itoa(p.PID), "cmdline"), "\x00")
		return !p.isAgent() || len(words) < 2 || words[1] != "run"
	})
}

// runs reports whether a program of that name runs.
func (b box) runs(name string) bool {
	return slices.ContainsFunc(b.processes(), func(p process) bool { return p.Name == name })
}

// node is a file's place in the kernel: what tells it from all others.
type node struct {
	device uint64 // of the filesystem
	inode  uint64
	rdev   uint64 // of a device file: which device it leads to
}

func nodeOf(path string) (node, fs.FileMode, identity, error) {
	st, err := os.Stat(path)
	if err != nil {
		return node{}, 0, identity{}, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return node{}, 0, identity{}, fmt.Errorf("%s: the system does not say whose it is", path)
	}
	return node{sys.Dev, sys.Ino, sys.Rdev}, st.Mode(),
		identity{uid: int(sys.Uid), groups: []int{int(sys.Gid)}}, nil
}

// holders are the processes that hold a device file: by the kernel's list of locks,
// which every user may read, and by the open files of those processes that this
// user may look into. Nothing is opened to find out.
func (b box) holders(n node) []process {
	pids := b.lockers(n)
	for _, p := range b.processes() {
		fds := b.path("proc", strconv.Itoa(p.PID), "fd")
		entries, err := os.ReadDir(fds)
		if err != nil || slices.Contains(pids, p.PID) {
			continue
		}
		for _, entry := range entries {
			var st unix.Stat_t
			if unix.Stat(filepath.Join(fds, entry.Name()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == n.rdev {
				pids = append(pids, p.PID)
				break
			}
		}
	}
	var list []process
	for _, pid := range pids {
		list = append(list, process{pid, b.line("proc", strconv.Itoa(pid), "comm")})
	}
	return list
}

// lockers reads /proc/locks: "1: FLOCK ADVISORY WRITE 1234 00:05:678 0 EOF".
func (b box) lockers(n node) []int {
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(n.device), unix.Minor(n.device), n.inode)
	var pids []int
	for line := range strings.SplitSeq(b.line("proc", "locks"), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || fields[5] != want {
			continue
		}
		if pid, err := strconv.Atoi(fields[4]); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// identity is a user with the groups it is in.
type identity struct {
	name   string
	uid    int
	groups []int
}

// may reports whether the user may do what of the bits 4 (read), 2 (write) and 1
// (execute) with a file of that mode and owner, by its mode alone.
func (i identity) may(want fs.FileMode, mode fs.FileMode, owner identity) bool {
	bits := mode.Perm()
	switch {
	case i.uid == 0:
		return true
	case i.uid == owner.uid:
		return bits>>6&want == want
	case slices.Contains(i.groups, owner.groups[0]):
		return bits>>3&want == want
	}
	return bits&want == want
}

// caller is whoever runs this program.
func caller() identity {
	groups, err := os.Getgroups()
	if err != nil {
		groups = nil
	}
	return identity{name: userName(os.Geteuid()), uid: os.Geteuid(), groups: append(groups, os.Getegid())}
}

// agentUser is whom the agent runs as: of one that runs, else the user that the
// package makes; nil where there is neither.
func (b box) agentUser(running []process) *identity {
	for _, p := range running {
		if i, ok := b.identityOf(p.PID); ok {
			return &i
		}
	}
	made, err := user.Lookup("posagent")
	if err != nil {
		return nil
	}
	i := identity{name: made.Username}
	if i.uid, err = strconv.Atoi(made.Uid); err != nil {
		return nil
	}
	ids, _ := made.GroupIds() // none: the user alone
	for _, id := range append([]string{made.Gid}, ids...) {
		if g, err := strconv.Atoi(id); err == nil {
			i.groups = append(i.groups, g)
		}
	}
	return &i
}

// identityOf reads "Uid: real effective …", "Gid: …" and "Groups: …".
func (b box) identityOf(pid int) (identity, bool) {
	i, found := identity{}, false
	for line := range strings.SplitSeq(b.line("proc", strconv.Itoa(pid), "status"), "\n") {
		name, rest, _ := strings.Cut(line, ":")
		var numbers []int
		for field := range strings.FieldsSeq(rest) {
			if n, err := strconv.Atoi(field); err == nil {
				numbers = append(numbers, n)
			}
		}
		switch {
		case name == "Uid" && len(numbers) > 1:
			i.uid, found = numbers[1], true
		case name == "Gid" && len(numbers) > 1:
			i.groups = append(i.groups, numbers[1])
		case name == "Groups":
			i.groups = append(i.groups, numbers...)
		}
	}
	i.name = userName(i.uid)
	return i, found
}

func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return fmt.Sprintf("uid %d", uid)
	}
	return u.Username
}

func groupName(gid int) string {
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		return strconv.Itoa(gid)
	}
	return g.Name
}

// shellWord quotes a word for a shell where it must be.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
