package main

import (
	"errors"
	"fmt"
	"strings"
)

// changelogPage is Debian's changelog with the one entry of this package: what
// CHANGELOG.md says under its first version.
func changelogPage(r release, changes string) (string, error) {
	_, section, ok := strings.Cut(changes, "\n## ")
	if !ok {
		return "", errors.New("CHANGELOG.md has no version")
	}
	_, section, _ = strings.Cut(section, "\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var b strings.Builder
	fmt.Fprintf(&b, "posagent (%s) unstable; urgency=medium\n\n", r.version)
	for _, item := range items(section) {
		b.WriteString(wrapped(item))
	}
	fmt.Fprintf(&b, "\n -- %s  %s\n", r.maintainer, r.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	return b.String(), nil
}

// items are the entries of a section, each on one line: what begins with "- ", or a
// paragraph between.
func items(section string) []string {
	var list []string
	anew := true
	for _, line := range strings.Split(section, "\n") {
		text, begins := strings.CutPrefix(line, "- ")
		switch text = strings.TrimSpace(text); {
		case text == "":
			anew = true
			continue
		case begins || anew:
			list = append(list, text)
		default:
			list[len(list)-1] += " " + text
		}
		anew = false
	}
	return list
}

// wrapped is an item for lines of 80 columns.
func wrapped(item string) string {
	text, line := "", "  *"
	for _, word := range strings.Fields(item) {
		if len(line)+1+len(word) > 78 {
			text, line = text+line+"\n", "   "
		}
		line += " " + word
	}
	return text + line + "\n"
}
