package main

import (
	"fmt"
	"regexp"
	"strings"
)

// configPage is posagent.toml(5): the commented configuration, set as a page.
func configPage(r release, example string) string {
	var b strings.Builder
	b.WriteString(header(r, "posagent.toml", "5", "File Formats"))
	b.WriteString(".SH NAME\nposagent.toml \\- one agent, its acquirer and its registers\n" +
		".SH SYNOPSIS\n.I /etc/posagent/posagent.toml\n.SH DESCRIPTION\n")
	key := regexp.MustCompile(`^#?([a-z_]+ = .*)$`)
	var comment, keys []string
	text := func() { // what was read last, under the heading that was read last
		for i, k := range keys {
			fmt.Fprintf(&b, "%s\n\\fB%s\\fR\n", [...]string{".TP", ".TQ"}[min(i, 1)], roff(k))
		}
		b.WriteString(body(comment))
		comment, keys = nil, nil
	}
	for _, line := range strings.Split(example, "\n") {
		switch found := key.FindStringSubmatch(line); {
		case found != nil:
			keys = append(keys, found[1])
		case line == "":
			text()
		case strings.HasPrefix(line, "["):
			fmt.Fprintf(&b, ".SH %s\n", roff(line))
			if len(comment) > 0 {
				b.WriteString(body(comment))
				comment = nil
			}
		default:
			comment = append(comment, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
		}
	}
	text()
	b.WriteString(".SH SEE ALSO\n.BR posagent (1)\n")
	return b.String()
}
