package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a screen of 80 by 24 has room for.
const (
	shownRegisters = 5
	shownTotals    = 2
	screenHeight   = 24
)

// row is a line of a screen. One that tells of a trouble is coloured on a terminal.
type row struct {
	text string
	bad  bool
}

// screen is a report on 80 columns and at most 24 lines.
func screen(is report, zone *time.Location) []row {
	rows := head(is, zone)
	rows = append(rows, registerRows(is)...)
	rows = append(rows, antomRows(is, zone)...)
	rows = append(rows, paymentRows(is)...)
	rows = append(rows, todayRows(is)...)
	rows = append(rows, storeRows(is)...)
	if is.Trouble != "" {
		for i, line := range folded(is.Trouble, screenWidth-2) {
			rows = append(rows, row{fmt.Sprintf("%-2s%s", map[bool]string{true: "!"}[i == 0], line), true})
		}
	}
	return rows
}

func head(is report, zone *time.Location) []row {
	rows := []row{{text: fmt.Sprintf("posagent %-44s %s", is.Version, is.At.In(zone).Format("Mon 2 Jan 2006 15:04:05"))}}
	switch {
	case is.Running && is.StartedAt != nil:
		rows = append(rows, row{text: fmt.Sprintf("agent     runs since %s (%s)", is.StartedAt.In(zone).Format(clockLayout), took(is.At.Sub(*is.StartedAt)))})
	default:
		for i, line := range folded("NOT ASKED: "+is.Why+". What follows is what the store tells.", screenWidth-10) {
			rows = append(rows, row{fmt.Sprintf("%-10s%s", map[bool]string{true: "agent"}[i == 0], line), true})
		}
	}
	rows = append(rows, row{text: "config    " + is.Config})
	if !is.Clock.Plausible {
		for i, line := range folded("WRONG: "+is.Clock.Why+": new payments are refused until it is set (timedatectl)", screenWidth-10) {
			rows = append(rows, row{fmt.Sprintf("%-10s%s", map[bool]string{true: "clock"}[i == 0], line), true})
		}
	}
	return rows
}

func registerRows(is report) (rows []row) {
	for i, r := range is.Registers {
		if i == shownRegisters-1 && len(is.Registers) > shownRegisters {
			rows = append(rows, row{text: fmt.Sprintf("          and %d more registers: -json has them all", len(is.Registers)-i)})
			break
		}
		name := map[bool]string{true: "register  ", false: "          "}[i == 0]
		rows = append(rows, registerRow(name, r, is.Running))
	}
	return rows
}

func registerRow(lead string, r registerReport, running bool) row {
	untold := ""
	if r.Undelivered > 0 {
		untold = fmt.Sprintf(", %d not delivered", r.Undelivered)
	}
	lead += fmt.Sprintf("%-12s ", cut(r.Name))
	switch {
	case !r.Configured:
		return row{lead + "no longer configured" + untold + ": nobody tells it", true}
	case !running:
		return row{lead + r.Port + untold, false}
	case !r.PortOpen:
		return row{lead + "port not open" + untold + ": " + cmp.Or(r.Trouble, "not tried yet"), true}
	case !r.LinkUp:
		return row{lead + r.Port + " open, nobody answers" + untold, true}
	}
	frames := ""
	if f := r.Frames; f != nil {
		frames = fmt.Sprintf(", frames %d in %d out, %d bad, %d resent", f.In, f.Out, f.Damaged+f.CutShort+f.Refused, f.Resent)
	}
	return row{lead + r.Port + " linked" + untold + frames, false}
}

func antomRows(is report, zone *time.Location) []row {
	a := is.Antom
	rows := []row{{text: "Antom     " + a.BaseURL}}
	const lead = "          "
	since := ""
	if a.Since != nil {
		since = " since " + a.Since.In(zone).Format(clockLayout)
	}
	switch {
	case !is.Running:
	case !a.Asked:
		rows = append(rows, row{text: lead + "not asked yet"})
	case a.Reachable:
		clock := ""
		if a.AheadSeconds != nil {
			clock = fmt.Sprintf(", its clock %+.1f s from ours", *a.AheadSeconds)
		}
		rows = append(rows, row{text: lead + "answers" + since + clock})
	default:
		rows = append(rows, row{lead + "DOES NOT ANSWER" + since + ": " + a.Why, true})
	}
	return rows
}

func paymentRows(is report) []row {
	p := is.Payments
	if !p.Answering {
		return []row{{"payments  not known", true}}
	}
	text := fmt.Sprintf("payments  %d open: %d in their window, %d in doubt; %d ends not delivered", p.Open, p.InWindow, p.InDoubt, p.Undelivered)
	rows := []row{{text, p.InDoubt > 0}}
	for _, o := range p.Oldest {
		word := o.State
		switch {
		case o.InDoubt:
			word = "in doubt"
		case o.Refund:
			word = "refund " + o.State
		}
		rows = append(rows, row{text: fmt.Sprintf("  %-9s %-12s %-12s %s", word, money(o.AmountMinor, o.Currency), took(is.At.Sub(o.ReceivedAt)), o.ID)})
	}
	if p.Open > 0 {
		rows = append(rows, row{text: "  posagent payments -state open lists all; posagent explain ID tells the story"})
	}
	return rows
}

func todayRows(is report) (rows []row) {
	if is.Today == nil {
		return nil
	}
	if len(is.Today.Totals) == 0 {
		return []row{{text: "today     no payment has ended"}}
	}
	for i, s := range is.Today.Totals {
		if i == shownTotals {
			return append(rows, row{text: fmt.Sprintf("          and %d more currencies: -json has them all", len(is.Today.Totals)-i)})
		}
		rows = append(rows, row{text: fmt.Sprintf("%-9s %s paid in %d, %s given back in %d", map[bool]string{true: "today"}[i == 0],
			money(s.PaidMinor, s.Currency), s.PaidCount, money(s.RefundedMinor, s.Currency), s.RefundedCount)})
	}
	return rows
}

func storeRows(is report) []row {
	s := is.Store
	text := fmt.Sprintf("          %s, log %s", size(s.Bytes), size(s.WALBytes))
	bad := false
	if s.Writable != nil && *s.Writable {
		text += ", written without trouble"
	} else if s.Writable != nil {
		text, bad = text+", CAN'T BE WRITTEN: check the disk (posagent doctor)", true
	}
	if s.P99Seconds > 0 {
		text += fmt.Sprintf("; commits %s, 1 in 100 over %s", span(s.P50Seconds), span(s.P99Seconds))
	}
	return []row{{text: "store     " + s.Path}, {text, bad}}
}

// span is a short time.
func span(seconds float64) string { return fmt.Sprintf("%.1f ms", seconds*1000) }

// size is a number of bytes in the unit that fits.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d kB", (n+1023)/1024)
}

// drawn is a screen as it is printed.
func drawn(rows []row, colours bool) string {
	text := ""
	for _, r := range rows {
		text += r.drawn(colours) + "\n"
	}
	return text
}

// redrawn is a screen over the one before.
func redrawn(rows []row) string {
	text := "\x1b[H"
	for _, r := range rows[:min(len(rows), screenHeight-1)] { // the cursor wants a line, too
		text += r.drawn(true) + "\x1b[K\r\n"
	}
	return text + "\x1b[J"
}

// drawn fits a line to the screen, and leaves nothing in it that a terminal would
// take for an order.
func (r row) drawn(colours bool) string {
	text := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, r.text)
	if utf8.RuneCountInString(text) > screenWidth {
		text = string([]rune(text)[:screenWidth-2]) + ".."
	}
	text = strings.TrimRight(text, " ")
	if r.bad && colours {
		return paint(sevWarning, text)
	}
	return text
}

// inALine is a report in one line that changes when something worth a look does.
func inALine(is report) string {
	parts := []string{"the agent runs"}
	if !is.Running {
		parts[0] = is.Why
	}
	for _, r := range is.Registers {
		switch {
		case !is.Running || !r.Configured:
		case r.LinkUp:
			parts = append(parts, r.Name+" linked")
		case r.PortOpen:
			parts = append(parts, r.Name+" silent")
		default:
			parts = append(parts, r.Name+" without port")
		}
	}
	if is.Running && is.Antom.Asked {
		parts = append(parts, map[bool]string{true: "Antom answers", false: "Antom does not answer"}[is.Antom.Reachable])
	}
	if p := is.Payments; p.Answering {
		parts = append(parts, fmt.Sprintf("%d open, %d in doubt, %d not delivered", p.Open, p.InDoubt, p.Undelivered))
	}
	return strings.Join(parts, "; ")
}
