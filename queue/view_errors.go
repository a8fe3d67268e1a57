package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// What keeps a store from being looked at, beside what keeps an agent from it.
var (
	errNotThere = errors.New("it is not there")
	errEmpty    = errors.New("it is empty")
	errNoFile   = errors.New("it is no ordinary file")
)

// explained is why a store can't be read, as a sentence with what to do.
func explained(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNotThere):
		return fmt.Errorf("store %s: %w; an agent makes it at its first start: start it, or correct store.path", path, err)
	case errors.Is(err, errEmpty):
		return fmt.Errorf("store %s: %w: no agent has come to the end of its first start; start one", path, err)
	case errors.Is(err, errNoFile):
		return fmt.Errorf("store %s: %w; set store.path to a file", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("store %s: %w; %s", path, err, whoMay(path))
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("store %s: a part of the path is a file; correct store.path", path)
	case isDamage(err) && !wasOpened(path):
		return fmt.Errorf("store %s: %w: this is no database of posagent's; correct store.path", path, err)
	case isDamage(err):
		return fmt.Errorf("store %s: %w; nothing was changed: start the agent anew, and it keeps this file whole, "+
			"carries over what can be believed, and asks Antom about what was open", path, err)
	}
	return fmt.Errorf("store %s: %w", path, err)
}

// wasOpened reports whether an agent has ever opened the store at path: it leaves its
// reserve beside it. The file itself is not looked into: to close it again would take
// SQLite's locks from an agent that asks this of its own store.
func wasOpened(path string) bool {
	_, err := os.Stat(path + suffixBallast)
	return err == nil
}

// olderSchema: a view migrates nothing.
func olderSchema(version, known int) error {
	return fmt.Errorf("written by an older posagent (schema %d, this one reads %d); "+
		"start this version's agent, which brings it up to date", version, known)
}

// readable refuses files that this user may not read, before SQLite says it in fewer words.
func readable(path string, f footprint) error {
	const toRead = 4 // R_OK
	for _, part := range []struct {
		there bool
		path  string
	}{{true, path}, {f.log.there, path + "-wal"}, {f.index, path + "-shm"}} {
		if !part.there {
			continue
		}
		if err := syscall.Access(part.path, toRead); err != nil {
			return &fs.PathError{Op: "read", Path: part.path, Err: err}
		}
	}
	return nil
}

// whoMay says who may read what this user may not: the file, or the folder that
// keeps it from being seen.
func whoMay(path string) string {
	for {
		st, err := os.Stat(path)
		if err == nil {
			return belongs(path, st)
		}
		up := filepath.Dir(path)
		if up == path {
			return "run this with sudo"
		}
		path = up
	}
}

func belongs(path string, st fs.FileInfo) string {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "run this with sudo"
	}
	owner := userName(sys.Uid)
	return fmt.Sprintf("%s belongs to user %s, group %s, with mode %04o, and this is user %s: run it with sudo, or as sudo -u %s",
		path, owner, groupName(sys.Gid), st.Mode().Perm(), userName(uint32(os.Geteuid())), owner) //nolint:gosec // a user's number
}

// Owner names the user whom a store's file belongs to, and says whether that is the one
// who asks. Whoever else opens a store for writing may leave files beside it that the
// owner can't open.
func Owner(path string) (name string, mine bool) {
	st, err := os.Stat(path)
	if err != nil {
		return "", true // opening it says what is wrong
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "", true
	}
	return userName(sys.Uid), int(sys.Uid) == os.Geteuid()
}

// userName is a user's name, or number where it has none.
func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

func groupName(gid uint32) string {
	number := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(number); err == nil {
		return g.Name
	}
	return number
}
