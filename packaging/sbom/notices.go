package main

import (
	"fmt"
	"strings"
)

// notices is the copyright file of the package: posagent's own licence, and under
// each part's name what its licence demands to be kept.
func (j job) notices(parts []part) []byte {
	var b strings.Builder
	b.WriteString(`posagent is under the Apache License, version 2.0, which on Debian systems is in
/usr/share/common-licenses/Apache-2.0.

Copyright the posagent authors.

The program is linked statically. It carries parts of what follows, each with its
notice. Whoever wants to link it with another version of one of them builds it anew
from its source, with packaging/build.
`)
	for _, p := range parts {
		title := fmt.Sprintf("%s %s (%s)", p.name, p.version, p.licence)
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", title, strings.Repeat("=", len(title)), strings.TrimSpace(p.notice))
	}
	return []byte(b.String())
}
