package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// part is something that is linked into the program.
type part struct {
	name    string
	version string
	purl    string // package URL
	sum     string // of a Go module, as in go.sum: "h1:…"
	licence string // an SPDX identifier or expression
	notice  string // its licence and copyright, whole
	within  string // the name of the part that brings it; "": posagent itself
}

// parts lists everything in the program: Go's library, the modules, the SQLite that
// comes with one of them, and the C libraries.
func (j job) parts() ([]part, error) {
	info, err := buildinfo.ReadFile(j.binary)
	if err != nil {
		return nil, err
	}
	list, err := goLibrary(info.GoVersion)
	if err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		dir, err := moduleDir(m)
		if err != nil {
			return nil, err
		}
		p := part{name: m.Path, version: m.Version, sum: m.Sum, purl: "pkg:golang/" + m.Path + "@" + m.Version}
		if p.notice, p.licence, err = licenceIn(dir); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		list = append(list, p)
		if m.Path == sqliteModule {
			p, err := sqlite(dir)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
	}
	libraries, err := j.libraries()
	return append(list, libraries...), err
}

// goLibrary is the standard library of the Go that is at work here, which must be
// the one that built the program.
func goLibrary(version string) ([]part, error) {
	if version != runtime.Version() {
		return nil, fmt.Errorf("the program was built with %s, this is %s", version, runtime.Version())
	}
	root, err := exec.Command("go", "env", "GOROOT").Output() //nolint:noctx // answers at once
	if err != nil {
		return nil, err
	}
	p := part{name: "std", version: strings.TrimPrefix(version, "go")}
	p.purl = "pkg:golang/std@" + p.version
	p.notice, p.licence, err = licenceIn(strings.TrimSpace(string(root)))
	return []part{p}, err
}

// moduleDir is where the module cache keeps a module.
func moduleDir(m *debug.Module) (string, error) {
	if m.Replace != nil {
		return "", fmt.Errorf("%s is replaced: its licence is not known", m.Path)
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", m.Path).Output() //nolint:noctx // answers at once
	if err != nil {
		return "", fmt.Errorf("go list -m %s: %w", m.Path, err)
	}
	dir := strings.TrimSpace(string(out))
	if !strings.HasSuffix(dir, "@"+m.Version) {
		return "", fmt.Errorf("%s is at %q, the program has %s", m.Path, dir, m.Version)
	}
	return dir, nil
}

const sqliteModule = "github.com/mattn/go-sqlite3"

// sqlite is the SQLite whose source lies in the driver's module.
func sqlite(dir string) (part, error) {
	text, err := os.ReadFile(filepath.Join(dir, "sqlite3-binding.h"))
	if err != nil {
		return part{}, err
	}
	found := regexp.MustCompile(`(?m)^#define SQLITE_VERSION +"([0-9.]+)"`).FindSubmatch(text)
	if found == nil {
		return part{}, errors.New("sqlite3-binding.h names no version")
	}
	version := string(found[1])
	return part{name: "sqlite", version: version, purl: "pkg:generic/sqlite@" + version, within: sqliteModule,
		licence: "blessing", notice: "All of the code and documentation in SQLite has been dedicated to the public domain by the authors.\n"}, nil
}

// libraries are the GNU C library and the compiler's own, which a static program
// carries parts of.
func (j job) libraries() ([]part, error) {
	out, err := exec.Command(j.compiler, "-dM", "-E", "-include", "features.h", "-x", "c", os.DevNull).Output() //nolint:noctx // likewise
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.compiler, err)
	}
	major, minor, gcc := defined(out, "__GLIBC__"), defined(out, "__GLIBC_MINOR__"), defined(out, "__VERSION__")
	if major == "" || minor == "" || gcc == "" {
		return nil, fmt.Errorf("%s names no versions of its libraries", j.compiler)
	}
	gcc, _, _ = strings.Cut(strings.Trim(gcc, `"`), " ")
	text, err := os.ReadFile(j.copyright)
	if err != nil {
		return nil, fmt.Errorf("the C library's copyright: %w", err)
	}
	glibc := major + "." + minor
	return []part{
		{name: "glibc", version: glibc, purl: "pkg:generic/glibc@" + glibc, licence: "LGPL-2.1-or-later", notice: string(text)},
		{name: "libgcc", version: gcc, purl: "pkg:generic/gcc@" + gcc, licence: "GPL-3.0-or-later WITH GCC-exception-3.1", notice: libgccNotice},
	}, nil
}

// defined is the value of a C macro.
func defined(macros []byte, name string) string {
	found := regexp.MustCompile(`(?m)^#define ` + name + ` (.+)$`).FindSubmatch(macros)
	if found == nil {
		return ""
	}
	return string(found[1])
}

const libgccNotice = `Copyright (C) Free Software Foundation, Inc.
The GCC runtime library is under the GNU General Public License, version 3 or
later (on Debian systems in /usr/share/common-licenses/GPL-3), with the GCC Runtime
Library Exception, version 3.1: a program that was compiled with GCC may carry it
under any licence.
`
