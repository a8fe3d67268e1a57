package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// severity is how much a finding matters.
type severity string

// The severities, in rising order.
const (
	sevOK      severity = "ok"
	sevNote    severity = "note"    // worth knowing; nothing is to be done
	sevWarning severity = "warning" // payments go on, and something will go wrong one day
	sevFault   severity = "fault"   // payments do not go on, or can't be relied on
)

// finding is one thing the doctor looked at, and what to do about it.
type finding struct {
	Severity severity `json:"severity"`
	Check    string   `json:"check"`         // what was looked at, in a word or two
	Text     string   `json:"text"`          // what was found
	Fix      string   `json:"fix,omitempty"` // a command to copy where one mends it, else a sentence
}

func fine(check, format string, args ...any) finding {
	return finding{Severity: sevOK, Check: check, Text: fmt.Sprintf(format, args...)}
}

func note(check, format string, args ...any) finding {
	return finding{Severity: sevNote, Check: check, Text: fmt.Sprintf(format, args...)}
}

func warning(check, fix, format string, args ...any) finding {
	return finding{Severity: sevWarning, Check: check, Text: fmt.Sprintf(format, args...), Fix: fix}
}

func fault(check, fix, format string, args ...any) finding {
	return finding{Severity: sevFault, Check: check, Text: fmt.Sprintf(format, args...), Fix: fix}
}

// diagnosis is all findings, and how many there are of each severity.
type diagnosis []finding

func (d diagnosis) count(s severity) int {
	n := 0
	for _, f := range d {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// exitWarnings is doctor's own, beside those of all commands: warnings, no fault.
const exitWarnings = 3

func (d diagnosis) exit() int {
	switch {
	case d.count(sevFault) > 0:
		return exitFailed
	case d.count(sevWarning) > 0:
		return exitWarnings
	}
	return exitDone
}

func (d diagnosis) verdict() string {
	faults, warnings := d.count(sevFault), d.count(sevWarning)
	if faults+warnings == 0 {
		return fmt.Sprintf("nothing is wrong with what was looked at (%s)", count(len(d), "finding"))
	}
	return fmt.Sprintf("%s, %s", count(faults, "fault"), count(warnings, "warning"))
}

// chart writes findings for a person: one line each, and one with the fix where
// there is one. On a terminal lines are folded and severities coloured.
type chart struct {
	w        io.Writer
	terminal bool
}

const (
	chartWidth  = 80 // columns of a terminal over SSH
	chartIndent = 9  // of what follows the severity
)

func (c chart) write(f finding) {
	head := fmt.Sprintf("%-8s ", f.Severity)
	if c.terminal {
		head = paint(f.Severity, head)
	}
	c.lines(head, f.Check+": "+f.Text)
	if f.Fix != "" {
		c.lines(strings.Repeat(" ", chartIndent), "fix: "+f.Fix)
	}
}

func (c chart) lines(head, text string) {
	if !c.terminal {
		fmt.Fprintln(c.w, head+text)
		return
	}
	for i, line := range folded(text, chartWidth-chartIndent) {
		if i > 0 {
			head = strings.Repeat(" ", chartIndent)
		}
		fmt.Fprintln(c.w, head+line)
	}
}

// folded breaks text between words into lines of at most width runes; a word that
// is longer stays whole, so that it can be copied.
func folded(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func paint(s severity, text string) string {
	colour := map[severity]string{sevOK: "32", sevNote: "36", sevWarning: "33", sevFault: "1;31"}[s]
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func writeDiagnosis(w io.Writer, d diagnosis) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"findings": d, "faults": d.count(sevFault), "warnings": d.count(sevWarning), "version": version,
	})
}
