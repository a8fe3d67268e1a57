// Command docs writes the parts of posagent's package that repeat what stands
// elsewhere: its man pages and its completion from the program's own help and the
// commented configuration, and Debian's changelog from CHANGELOG.md. Nothing is
// written twice, so nothing can disagree.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// release is what the pages say about the package they are in.
type release struct {
	version    string // of the package
	maintainer string // name and address, as Debian wants them
	date       time.Time
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "docs: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	fs := flag.NewFlagSet("docs", flag.ExitOnError)
	program := fs.String("program", "", "the posagent to ask, which must run on this machine")
	root := fs.String("source", ".", "the folder of the source")
	out := fs.String("o", "", "the folder to write to")
	version := fs.String("version", "", "the package's version")
	maintainer := fs.String("maintainer", "", "who maintains the package")
	epoch := fs.Int64("date", 0, "the date of the pages, in seconds since 1970")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *program == "" || *out == "" || *version == "" {
		return errors.New("give -program, -o and -version")
	}
	r := release{version: *version, maintainer: *maintainer, date: time.Unix(*epoch, 0).UTC()}
	return write(r, *program, *root, *out)
}

// write makes all pages in the folder out.
func write(r release, program, root, out string) error {
	about, err := ask(program)
	if err != nil {
		return err
	}
	example, err := os.ReadFile(filepath.Join(root, "config", "posagent.toml"))
	if err != nil {
		return err
	}
	changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	changelog, err := changelogPage(r, string(changes))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"posagent.1":      commandPage(r, about),
		"posagent.toml.5": configPage(r, string(example)),
		"completion":      completion(about),
		"changelog":       changelog,
	} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
