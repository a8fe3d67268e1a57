package main

import (
	"fmt"
	"strings"
)

// roff makes plain text safe between requests.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "→", `\[->]`, "–", `\[en]`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// body sets lines that were wrapped for a terminal: paragraphs are filled anew,
// indented lines, such as examples and tables, stay as they are.
func body(lines []string) string {
	var b strings.Builder
	kept := false
	for _, line := range lines {
		indented := strings.HasPrefix(line, " ")
		switch {
		case indented && !kept:
			b.WriteString(".PP\n.nf\n")
		case !indented && kept:
			b.WriteString(".fi\n.PP\n")
		case line == "":
			b.WriteString(".PP\n")
		}
		kept = indented
		if line != "" {
			b.WriteString(roff(line) + "\n")
		}
	}
	if kept {
		b.WriteString(".fi\n")
	}
	return strings.ReplaceAll(b.String(), ".PP\n.PP\n", ".PP\n")
}

func header(r release, name, section, kind string) string {
	return fmt.Sprintf(".TH %s %s %s \"posagent %s\" \"%s\"\n",
		strings.ToUpper(name), section, r.date.Format("2006-01-02"), roff(r.version), kind)
}

// commandPage is posagent(1).
func commandPage(r release, p program) string {
	var b strings.Builder
	b.WriteString(header(r, "posagent", "1", "User Commands"))
	b.WriteString(".SH NAME\nposagent \\- payment agent between a shop's registers and Antom\n")
	b.WriteString(".SH SYNOPSIS\n.B posagent\n.I COMMAND\n[\\fIFLAGS\\fR]\n")
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n.PP\nThe package runs\n.B posagent run\nas the unit\n.BR posagent.service .\n"+
		"The other commands look at it, prepare it, or try it out.\n.SH COMMANDS\n", roff(p.brief))
	for _, c := range p.commands {
		b.WriteString(c.section())
	}
	b.WriteString(epilogue)
	return b.String()
}

func (c command) section() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".SS posagent %s\n", roff(c.name))
	if c.brief != "" {
		fmt.Fprintf(&b, "%s.\n.PP\n", roff(strings.ToUpper(c.brief[:1])+c.brief[1:]))
	}
	fmt.Fprintf(&b, ".B posagent %s\n%s\n.PP\n", roff(c.name), roff(strings.Join(strings.Fields(c.usage), " ")))
	b.WriteString(body(c.about))
	for _, o := range c.flags {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", roff("-"+o.name))
		if o.argument != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", roff(o.argument))
		}
		fmt.Fprintf(&b, "\n%s\n", roff(o.text))
	}
	return b.String()
}

// epilogue is what no command says of itself.
const epilogue = `.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Not done; the message says what to do.
.TP
.B 2
The command line is wrong.
.TP
.B 78
The configuration is wrong; the unit stays down until it is mended.
.SH FILES
.TP
.I /etc/posagent/posagent.toml
The configuration, see
.BR posagent.toml (5).
Keys lie beside it.
.TP
.I /var/lib/posagent/posagent.db
The store. Nothing else in this folder is to be touched either.
.TP
.I /run/posagent/status.sock
The status socket, for root and the group posagent.
.SH SEE ALSO
.BR posagent.toml (5),
.BR journalctl (1),
.I /usr/share/doc/posagent/README.md
`
