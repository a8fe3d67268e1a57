package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// untouchable refuses a file that is none of this program's business before anything
// is done to it: merely to open a database for writing, as a store is, changes one of
// another program's, and takes the log of a newer version's store apart. What else is
// wrong with it is found in its place.
func untouchable(path string) error {
	v := &View{path: path}
	if resolved, err := truePath(path); err == nil {
		v.path = resolved
	}
	err := v.open()
	switch {
	case err == nil:
		return v.Close()
	case errors.Is(err, errForeign), errors.Is(err, errNewer), errors.Is(err, errNoFile), errors.Is(err, fs.ErrPermission):
		return err
	}
	return nil
}

// Unfit reports whether an error of [Open] says that what lies at the store's path can
// never be this program's store: another program's file, or a newer version's store.
// Trying again is of no use; what it takes is in the error's words.
func Unfit(err error) bool {
	return errors.Is(err, errForeign) || errors.Is(err, errNewer) || errors.Is(err, errNoFile) || errors.Is(err, errNotOurs)
}

// errNotOurs says that a file can't be read as a database, and never was one of ours.
var errNotOurs = errors.New("this is no database of posagent's; set store.path to a file of its own")

// advised adds what to do to the reasons for which a store can't be opened to be
// written.
func advised(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case causedBy(err, syscall.EROFS):
		return fmt.Errorf("%w; a card or disk that fails is often made so (dmesg says why): replace it, or mount it read-write; "+
			"nothing was changed", err)
	case causedBy(err, syscall.EACCES), causedBy(err, syscall.EPERM):
		return fmt.Errorf("%w; %s, or give it to the agent's user (chown)", err, whoMay(path))
	case isReadonly(err): // a file that may be read, in a folder where no log can be made, for one
		return fmt.Errorf("%w: this user may not write to it or to its folder, or the disk is mounted read-only; ls -ld %s* %s shows "+
			"whose they are: give both to the agent's user (chown, chmod u+w); nothing was changed", err, path, filepath.Dir(path))
	case errors.Is(err, errNoFile):
		return fmt.Errorf("%w; set store.path to a file", err)
	case causedBy(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: a part of the path is a file; correct store.path", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; make its folder, or correct store.path", err)
	}
	return err
}

// causedBy reports whether the system gave this reason, to us or to SQLite.
func causedBy(err error, reason syscall.Errno) bool {
	var e sqlite3.Error
	return errors.Is(err, reason) || errors.As(err, &e) && e.SystemErrno == reason
}

func isReadonly(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrReadonly
}
