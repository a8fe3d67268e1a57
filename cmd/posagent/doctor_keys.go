package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyFacts is what was found out about a file that holds a key.
type keyFacts struct {
	path    string
	private bool
	err     error
	mode    fs.FileMode
	owner   identity
	folders []folderFacts // from its own up to the root
	agent   *identity
	passed  bool // systemd passes it to the agent, whoever may read it
}

// folderFacts is a folder on the way to a file.
type folderFacts struct {
	path  string
	mode  fs.FileMode
	owner identity
}

// lookAtKeyFiles looks at who can read our private key, and who could put another
// in any key's place.
func lookAtKeyFiles(_ context.Context, p *patient) []finding {
	var list []finding
	if path := p.s.Antom.PrivateKeyFile; path != "" {
		list = append(list, p.keyFacts(path, true).judge()...)
	}
	for _, path := range p.s.Antom.AntomPublicKeyFiles {
		list = append(list, p.keyFacts(path, false).judge()...)
	}
	return list
}

func (p *patient) keyFacts(path string, private bool) keyFacts {
	f := keyFacts{path: path, private: private, agent: p.agent, passed: p.box.passesCredential(filepath.Base(path))}
	if _, f.mode, f.owner, f.err = nodeOf(path); f.err != nil {
		return f
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		_, mode, owner, err := nodeOf(dir)
		if err != nil {
			f.err = err
			return f
		}
		f.folders = append(f.folders, folderFacts{dir, mode, owner})
		if dir == filepath.Dir(dir) {
			return f
		}
	}
}

// passesCredential reports whether the installed unit hands a file of that name to
// the agent (LoadCredential=), for which only root needs to read it.
func (b box) passesCredential(name string) bool {
	for _, dir := range []string{"etc/systemd/system", "lib/systemd/system", "usr/lib/systemd/system"} {
		if strings.Contains(b.line(dir, "posagent.service"), "LoadCredential="+name+":") {
			return true
		}
	}
	return false
}

func (f keyFacts) judge() []finding {
	check, word := "key "+filepath.Base(f.path), shellWord(f.path)
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		return nil // the configuration's check says so
	case errors.Is(f.err, fs.ErrPermission):
		return []finding{note(check, "%s can't be looked at as this user; run doctor as root", f.path)}
	case f.err != nil:
		return []finding{fault(check, "", "%v", f.err)}
	}
	var list []finding
	if f.private && f.mode.Perm()&0o077 != 0 {
		list = append(list, fault(check, "sudo chmod 600 "+word, "others than its owner may use our private key (%s, mode %04o)", f.path, f.mode.Perm()))
	}
	if !f.private && f.mode.Perm()&0o022 != 0 {
		list = append(list, warning(check, "sudo chmod go-w "+word, "others than its owner may put another key there (%s, mode %04o)", f.path, f.mode.Perm()))
	}
	if f.agent != nil && !f.passed && !f.reached() {
		fix := "sudo chown " + f.agent.name + " " + word
		if f.agent.may(0o4, f.mode, f.owner) {
			fix = "sudo chmod o+x " + shellWord(filepath.Dir(f.path))
		}
		list = append(list, fault(check, fix, "the agent's user, %s, can't read it (%s, mode %04o, owner %s)",
			f.agent.name, f.path, f.mode.Perm(), userName(f.owner.uid)))
	}
	list = append(list, f.judgeFolders(check)...)
	if len(list) == 0 {
		list = append(list, fine(check, "%s, mode %04o, owner %s", f.path, f.mode.Perm(), userName(f.owner.uid)))
	}
	return list
}

// reached reports whether the agent's user gets to the file and may read it.
func (f keyFacts) reached() bool {
	for _, d := range f.folders {
		if !f.agent.may(0o1, d.mode, d.owner) {
			return false
		}
	}
	return f.agent.may(0o4, f.mode, f.owner)
}

// judgeFolders says who could replace the file by way of a folder above it.
func (f keyFacts) judgeFolders(check string) []finding {
	for _, d := range f.folders {
		if d.mode.Perm()&0o022 != 0 && d.mode&os.ModeSticky == 0 {
			return []finding{warning(check, "sudo chmod go-w "+shellWord(d.path),
				"others than its owner may replace what is in %s (mode %04o)", d.path, d.mode.Perm())}
		}
	}
	return nil
}
