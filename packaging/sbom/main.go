// Command sbom says what is linked into a posagent: as a CycloneDX bill of materials
// in JSON, and as the copyright file of its package with every notice. It takes the
// modules from the program itself, as the Go command recorded them, their licences
// from the module cache, and asks the C compiler for the libraries it linked.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// job is what to describe.
type job struct {
	binary    string // the built program
	compiler  string // the C compiler it was linked with
	copyright string // the copyright file of that compiler's C library
	root      string // the folder of the source
	version   string // of posagent
	date      time.Time
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	fs := flag.NewFlagSet("sbom", flag.ExitOnError)
	var j job
	fs.StringVar(&j.binary, "binary", "", "the built posagent")
	fs.StringVar(&j.compiler, "cc", "gcc", "the C compiler it was built with")
	fs.StringVar(&j.copyright, "libc", "/usr/share/doc/libc6-dev/copyright", "the copyright `FILE` of the C library")
	fs.StringVar(&j.root, "source", ".", "the folder of the source")
	fs.StringVar(&j.version, "version", "", "posagent's version")
	epoch := fs.Int64("date", 0, "the date to give, in seconds since 1970")
	bom := fs.String("sbom", "", "the `FILE` for the bill of materials")
	notices := fs.String("notices", "", "the `FILE` for the copyright notices")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if j.binary == "" || j.version == "" || *bom == "" || *notices == "" {
		return errors.New("give -binary, -version, -sbom and -notices")
	}
	j.date = time.Unix(*epoch, 0).UTC()
	return j.write(*bom, *notices)
}

func (j job) write(bom, notices string) error {
	parts, err := j.parts()
	if err != nil {
		return err
	}
	text, err := j.cycloneDX(parts)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path string
		text []byte
	}{{bom, text}, {notices, j.notices(parts)}} {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.path, f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
