package main

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // a database of another program's

	"posagent/queue"
)

// nobody is a user who may do nothing here.
const nobody = 65534

// storeOf makes a store with one payment, TILL_1.
func storeOf(t *testing.T, path string) {
	t.Helper()
	s, err := queue.Open(path)
	must(t, err)
	p, _ := queue.Begin(time.Now().Add(-time.Hour), "lane1", queue.Command{ID: "TILL_1", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}, time.Minute)
	must(t, s.Save(queue.Batch{Payments: []queue.Change[queue.Payment]{{New: p}}}))
	must(t, s.Close())
}

// sqlOn runs SQL on a database in an ordinary way.
func sqlOn(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), text)
	must(t, errors.Join(err, db.Close()))
}

// folder is every file below dir with its bytes, mode and owner.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = fmt.Sprintf("%v %d %v %q", st.Mode(), st.Sys().(*syscall.Stat_t).Uid, st.ModTime(), text)
		return err
	}))
	return files
}

func wantUnchanged(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name := range after {
		if _, there := before[name]; !there {
			t.Errorf("%s was made", name)
		}
	}
	for name, was := range before {
		if after[name] != was {
			t.Errorf("%s was changed", name)
		}
	}
}

// Whatever is wrong with a store, each command that needs it says so in one line with
// what to do, and the store and its folder are what they were, to the byte.
func TestABadStoreIsOneLineAndLeftAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(t *testing.T, path string)
		path  string // below the store's folder; empty: posagent.db
		run   string // what run says; empty: it is not asked
		ends  int    // what run ends with: exitConfig where trying again is of no use
		looks string // what those that look say
	}{
		"newer": {func(t *testing.T, path string) { storeOf(t, path); sqlOn(t, path, "pragma user_version = 99") }, "",
			"written by a newer posagent (schema 99, this one knows", exitConfig, "install that version again"},
		"another program's": {func(t *testing.T, path string) {
			sqlOn(t, path, "create table customer (name text); insert into customer values ('Ann')")
		}, "",
			"another program's database; set store.path", exitConfig, "another program's database; set store.path"},
		"no database": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("a shopping list\n", 600)), 0o600))
		}, "", "", 0, "no database of posagent's; correct store.path"},
		"damaged": {func(t *testing.T, path string) {
			storeOf(t, path)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{7}, 100), 0)
			must(t, errors.Join(err, f.Close()))
		}, "", "", 0, "start the agent anew"}, // run replaces it, and keeps the file
		"a folder":          {func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, "", "no ordinary file; set store.path to a file", exitConfig, "set store.path to a file"},
		"under a file":      {func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "posagent.db/store.db", "correct store.path", exitFailed, "correct store.path"},
		"empty":             {func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "", "", 0, "start one"},
		"not there":         {func(*testing.T, string) {}, "", "", 0, "start it, or correct store.path"},
		"a folder too many": {func(*testing.T, string) {}, "nobody/made/this.db", "", 0, "start it, or correct store.path"},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := openShop(t, quick), filepath.Join(t.TempDir(), "store")
			must(t, os.Mkdir(dir, 0o700))
			c.make(t, filepath.Join(dir, "posagent.db"))
			s.storeAt(filepath.Join(dir, cmp.Or(c.path, "posagent.db")))
			before := folder(t, dir)
			for _, words := range [][]string{{"run"}, {"payments"}, {"explain", "TILL_1"}, {"status"}, {"resolve", "TILL_1", "-paid", "-reason", "x", "-yes"}} {
				want, ends := c.looks, exitFailed
				if words[0] == "run" {
					want, ends = c.run, c.ends
				}
				if want == "" {
					continue
				}
				code, out, errs := output(t, append(words, "-config", s.site.configFile())...)
				s.wantOneLine(words[0], ends, code, out, errs, want)
				wantUnchanged(t, before, folder(t, dir))
			}
		})
	}
}

// wantOneLine: status says it on its screen, all others in one line.
func (s *shop) wantOneLine(command string, ends, code int, out, errs, want string) {
	s.t.Helper()
	if command == "status" {
		errs = strings.Join(strings.Fields(out), " ") + "\n"
	}
	if code != ends || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
		s.t.Errorf("%s: exit %d, want %d and one line with %q:\n%s", command, code, ends, want, errs)
	}
}

// storeAt has the shop's configuration name another store.
func (s *shop) storeAt(path string) {
	s.t.Helper()
	text, err := os.ReadFile(s.site.configFile())
	must(s.t, err)
	changed := strings.Replace(string(text), `path = "posagent.db"`, fmt.Sprintf("path = %q", path), 1)
	must(s.t, os.WriteFile(s.site.configFile(), []byte(changed), 0o600))
}

// A second agent on one store is refused in one line, and those that only look are not
// in its way.
func TestASecondAgentIsRefusedInOneLineAndLookingGoesOn(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.sell(s.till(), "TILL_1", 1050)
	code, _, errs := output(t, "run", "-config", s.site.configFile())
	s.wantOneLine("run", exitFailed, code, "", errs, "in use by another posagent; stop that one first")
	for _, words := range [][]string{{"payments"}, {"explain", "TILL_1"}} {
		code, out, errs := output(t, append(words, "-config", s.site.configFile())...)
		if code != exitDone || !strings.Contains(out, "TILL_1") {
			t.Errorf("%s: exit %d: %s", words[0], code, errs)
		}
	}
}

// asNobody runs this program as a user who may do nothing.
func (s *shop) asNobody(words ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.programForAll(), append(words, "-config", s.site.configFile())...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// programForAll is this program and the shop's files, where anybody may read them.
func (s *shop) programForAll() string {
	s.t.Helper()
	path := filepath.Join(s.dir, "posagent-for-all")
	if _, err := os.Stat(path); err != nil {
		self, err := os.Executable()
		must(s.t, err)
		text, err := os.ReadFile(self)
		must(s.t, err)
		must(s.t, os.WriteFile(path, text, 0o755))
	}
	for dir := s.dir; dir != filepath.Dir(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if st, err := os.Stat(dir); err == nil && st.Mode().Perm()&0o055 != 0o055 {
			must(s.t, os.Chmod(dir, st.Mode().Perm()|0o055))
		}
	}
	for _, name := range []string{s.site.configFile(), s.site.cfg.Antom.PrivateKeyFile} {
		must(s.t, os.Chown(name, nobody, nobody))
	}
	return path
}

// A store that this user may not read or make is explained with who may.
func TestAStoreThatThisUserMayNotReadSaysWhoMay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become nobody")
	}
	for name, c := range map[string]struct {
		mode  os.FileMode // of the folder
		there bool
		looks string
	}{
		"the file":                      {0o755, true, "belongs to user root, group root, with mode 0600"},
		"the folder":                    {0o700, true, "belongs to user root, group root, with mode 0700"},
		"a folder that can't be filled": {0o755, false, "not there"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, quick)
			dir := filepath.Join(s.dir, "store")
			must(t, os.Mkdir(dir, 0o700))
			if c.there {
				storeOf(t, filepath.Join(dir, "posagent.db"))
			}
			must(t, os.Chmod(dir, c.mode))
			s.storeAt(filepath.Join(dir, "posagent.db"))
			before := folder(t, dir)
			for _, words := range [][]string{{"payments"}, {"explain", "TILL_1"}, {"status"}} {
				code, out, errs := s.asNobody(words...)
				s.wantOneLine(words[0], exitFailed, code, out, errs, c.looks)
			}
			code, out, errs := s.asNobody("run")
			s.wantOneLine("run", exitFailed, code, out, errs, "belongs to user root")
			wantUnchanged(t, before, folder(t, dir))
		})
	}
}

// On a disk that can only be read an agent does not start and says why, and what
// happened to the payments can still be read, a hot log included.
func TestOnAReadOnlyDiskTheStoryCanStillBeRead(t *testing.T) {
	s, disk := onSmallDisk(t, 32<<20)
	must(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	s.wantReadable(disk)
	code, out, errs := output(t, "run", "-config", s.site.configFile())
	s.wantOneLine("run", exitFailed, code, out, errs, "mount it read-write")
}

// On a full disk looking needs no room.
func TestOnAFullDiskLookingNeedsNoRoom(t *testing.T) {
	s, disk := onSmallDisk(t, 4<<20)
	f, err := os.Create(filepath.Join(disk, "filler"))
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close() // it is full, which is what was wanted
	s.wantReadable(disk)
}

// onSmallDisk is a shop whose store lies on a small disk of its own, as a power cut
// left it.
func onSmallDisk(t *testing.T, size int) (s *shop, disk string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	s, disk = openShop(t, quick), t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skip("no disk can be mounted here: ", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	path := filepath.Join(t.TempDir(), "posagent.db")
	storeOf(t, path)
	held, err := queue.Open(path) // its log stays hot while it is copied
	must(t, err)
	for _, part := range []string{"", "-wal", "-shm"} {
		text, err := os.ReadFile(path + part)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(disk, "posagent.db"+part), text, 0o600))
	}
	must(t, held.Close())
	s.storeAt(filepath.Join(disk, "posagent.db"))
	return s, disk
}

func (s *shop) wantReadable(disk string) {
	s.t.Helper()
	before := folder(s.t, disk)
	for _, words := range [][]string{{"payments"}, {"explain", "TILL_1"}} {
		code, out, errs := output(s.t, append(words, "-config", s.site.configFile())...)
		if code != exitDone || !strings.Contains(out, "TILL_1") {
			s.t.Errorf("%s: exit %d: %s", words[0], code, errs)
		}
	}
	wantUnchanged(s.t, before, folder(s.t, disk))
}
