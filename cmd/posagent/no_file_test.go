package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

// A pipe to which nobody writes, a folder or an endless device in a file's place is
// said, and holds nobody up.
func TestWhatIsNoFileIsNotReadForOne(t *testing.T) {
	s := openShop(t, quick+"\n")
	file := s.site.configFile()
	good, err := os.ReadFile(file)
	must(t, err)
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	withCA := strings.Replace(string(good), "[antom]\n", "[antom]\nca_file = %q\n", 1)
	for name, c := range map[string]struct{ file, text, want string }{
		"a pipe as configuration":   {pipe, "", "is no ordinary file"},
		"a folder as configuration": {s.dir, "", "is a directory"},
		"a device as configuration": {"/dev/zero", "", "is no ordinary file"},
		"a pipe as private key":     {file, strings.Replace(string(good), "./private.pem", pipe, 1), "is not a regular file"},
		"a pipe as Antom's key":     {file, strings.Replace(string(good), "./antom.pem", pipe, 1), "is not a regular file"},
		"a pipe as authorities":     {file, strings.Replace(withCA, "%q", `"`+pipe+`"`, 1), "is no ordinary file"},
		"a device as authorities":   {file, strings.Replace(withCA, "%q", `"/dev/zero"`, 1), "is no ordinary file"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.text != "" {
				must(t, os.WriteFile(file, []byte(c.text), 0o600))
			}
			for _, command := range []string{"check", "run", "status", "hold-check"} {
				if c.text != "" && command != "check" && command != "run" {
					continue // they read no keys
				}
				type said struct {
					code int
					errs string
				}
				ended := make(chan said, 1)
				go func() {
					code, out, errs := output(t, command, "-config", c.file)
					ended <- said{code, out + errs}
				}()
				select {
				case got := <-ended:
					if got.code != exitConfig || !strings.Contains(got.errs, c.want) {
						t.Errorf("%s: exit %d, %s", command, got.code, got.errs)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("%s waits for ever", command)
				}
			}
		})
	}
}

func TestASandboxOnATakenPortSaysWhatToDo(t *testing.T) {
	ln, err := sandbox.Listen("127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	code, _, errs := output(t, "sandbox", "-dir", filepath.Join(t.TempDir(), "site"), "-listen", ln.Addr().String())
	if code != exitFailed || !strings.Contains(errs, "-listen 127.0.0.1:0") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// Whoever may not read the configuration or a key, or names a file that is not there,
// is told who may, and where it is.
func TestAConfigurationThatCanNotBeReadSaysWhatToDo(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "private.pem", Err: syscall.EACCES}
	if got := keyFault("private.pem", denied); !strings.Contains(got, "with sudo") {
		t.Errorf("a key: %s", got)
	}
	if got := unreadable(fmt.Errorf("read configuration: %w", denied)); !strings.Contains(got, "with sudo") {
		t.Errorf("a configuration: %s", got)
	}
	code, _, errs := output(t, "payments", "-config", filepath.Join(t.TempDir(), "none.toml"))
	if code != exitConfig || !strings.Contains(errs, "/etc/posagent/posagent.toml") || strings.Count(errs, "\n") != 1 {
		t.Errorf("none: exit %d, %s", code, errs)
	}
}

// A change of the configuration that was broken off before it counted leaves the file as
// it was, and the next one says how to go on.
func TestAChangeThatWasBrokenOffIsSaid(t *testing.T) {
	s := openShop(t, quick)
	file := s.site.configFile()
	must(t, os.WriteFile(file+".new", []byte("half of"), 0o600))
	before, err := os.ReadFile(file)
	must(t, err)
	code, _, errs := output(t, "keys", "believe", "-config", file, "-write", filepath.Join(s.dir, siteAntomKey))
	after, err := os.ReadFile(file)
	must(t, err)
	if code != exitFailed || !strings.Contains(errs, "rm "+file+".new") || string(before) != string(after) {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestAKeyForAFolderThatIsNotThereSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	code, _, errs := output(t, "keys", "generate", "-dir", dir)
	if code != exitFailed || !strings.Contains(errs, "mkdir -p -m 700 "+dir) {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// A store in a folder where its owner can make no log is one line with what to do, too.
func TestAStoreWhoseFolderMayNotBeWrittenSaysSo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become nobody")
	}
	s := openShop(t, quick)
	dir := filepath.Join(s.dir, "store")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "posagent.db")
	storeOf(t, path)
	s.storeAt(path)
	for _, name := range []string{dir, path, path + ".lock"} {
		must(t, os.Chown(name, nobody, nobody))
	}
	must(t, os.Chmod(dir, 0o500))
	code, out, errs := s.asNobody("run")
	s.wantOneLine("run", exitFailed, code, out, errs, "ls -ld "+path)
}
