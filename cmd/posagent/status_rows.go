package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// layout makes a report's lines. Each of a label's is as long as it is, in most
// lines at the most.
type layout struct {
	is   report
	zone *time.Location
	most int
	rows []row
}

// troubleLines are what a trouble takes at the most, also on a full screen: what to do
// about it stands at its end.
const troubleLines = 10

// What stands beside a label.
const (
	beside      = 10
	besideWidth = screenWidth - beside
)

// labelled adds a text beside a label, folded.
func (l *layout) labelled(label, text string, bad bool) {
	lines := folded(broken(text, besideWidth), besideWidth)
	if len(lines) > l.most { // what is left out is cut off where the line is drawn
		for _, rest := range lines[l.most:] {
			lines[l.most-1] += " " + rest
		}
		lines = lines[:l.most]
	}
	for _, line := range lines {
		l.rows = append(l.rows, row{fmt.Sprintf("%-*s%s", beside, label, line), bad})
		label = ""
	}
}

// broken is a text whose words fit a width: a path or an address may be longer.
func broken(text string, width int) string {
	words := strings.Fields(text)
	for i, word := range words {
		var parts []string
		for part := range slices.Chunk([]rune(word), width) {
			parts = append(parts, string(part))
		}
		words[i] = strings.Join(parts, " ")
	}
	return strings.Join(words, " ")
}

// at is a moment, here.
func (l *layout) at(t time.Time) string { return t.In(l.zone).Format(clockLayout) }

func (l *layout) head() {
	is := l.is
	l.rows = append(l.rows, row{text: fmt.Sprintf("posagent %-47s%s", is.Version, is.At.In(l.zone).Format("Mon 2 Jan 2006 15:04:05"))})
	if is.Running && is.StartedAt != nil {
		l.labelled("agent", fmt.Sprintf("runs since %s (%s)", l.at(*is.StartedAt), took(is.At.Sub(*is.StartedAt))), false)
	} else {
		l.labelled("agent", "NOT ASKED: "+is.Why+". What follows is what the store tells.", true)
	}
	l.labelled("config", is.Config, false)
	if !is.Clock.Plausible {
		l.labelled("clock", "WRONG: "+is.Clock.Why+": new payments are refused until it is set (timedatectl)", true)
	}
}

func (l *layout) registers() {
	label := "register"
	for i, r := range l.is.Registers {
		if i == shownRegisters-1 && len(l.is.Registers) > shownRegisters {
			l.labelled("", fmt.Sprintf("and %d more registers: -json has them all", len(l.is.Registers)-i), false)
			return
		}
		text, bad := registerLine(l.fitted(r), l.is.Running)
		l.labelled(label, text, bad)
		label = ""
	}
}

// fitted is a register whose line is not cut: its port's name is shortened where there
// is no room for it, at its beginning, for ports differ at their ends; and where that
// is not enough, how much is not delivered, which all registers' sum tells, goes before
// what tells of a bad cable.
func (l *layout) fitted(r registerReport) registerReport {
	fits := func() bool {
		text, _ := registerLine(r, l.is.Running)
		return !r.LinkUp || len(folded(broken(text, besideWidth), besideWidth)) <= l.most
	}
	const least = 6
	port := []rune(r.Port)
	for keep := len(port) - 3; keep >= least && !fits(); keep-- {
		r.Port = ".." + string(port[len(port)-keep:])
	}
	if !fits() {
		r.Undelivered = 0
	}
	return r
}

func registerLine(r registerReport, running bool) (text string, bad bool) {
	name := cut(r.Name)
	untold := ""
	if r.Undelivered > 0 {
		untold = fmt.Sprintf(", %d not delivered", r.Undelivered)
	}
	switch {
	case !r.Configured:
		return name + ": no longer configured" + untold + ": nobody tells it", true
	case !running:
		return name + ": " + r.Port + untold, false
	case !r.PortOpen:
		return name + ": port not open" + untold + ": " + cmp.Or(r.Trouble, "not tried yet"), true
	case !r.LinkUp:
		return name + ": " + r.Port + " open, nobody answers" + untold, true
	}
	frames := ""
	if f := r.Frames; f != nil {
		frames = fmt.Sprintf("; %d frames, %d bad, %d resent", f.In+f.Out, f.Damaged+f.CutShort+f.Refused, f.Resent)
	}
	return name + ": " + r.Port + " linked" + untold + frames, false
}

func (l *layout) antom() {
	a := l.is.Antom
	l.labelled("Antom", a.BaseURL, false)
	since := ""
	if a.Since != nil {
		since = " since " + l.at(*a.Since)
	}
	switch {
	case !l.is.Running:
	case !a.Asked:
		l.labelled("", "not asked yet", false)
	case a.Reachable:
		clock, bad := "", false
		if a.AheadSeconds != nil {
			clock = ", its clock " + apart(*a.AheadSeconds)
			bad = time.Duration(math.Abs(*a.AheadSeconds)*float64(time.Second)) > skewRefused
		}
		l.labelled("", "answers"+since+clock, bad)
	default:
		l.labelled("", "DOES NOT ANSWER"+since+": "+a.Why, true)
	}
}

// apart is how far Antom's clock is from this box's.
func apart(seconds float64) string {
	switch {
	case math.Abs(seconds) < 0.05:
		return "as ours"
	case math.Abs(seconds) < 10:
		return fmt.Sprintf("%+.1f s from ours", seconds)
	}
	span := spanText(time.Duration(math.Abs(seconds)) * time.Second)
	if seconds < 0 {
		return span + " behind ours"
	}
	return span + " ahead of ours"
}

func (l *layout) payments() {
	p := l.is.Payments
	if !p.Answering {
		l.labelled("payments", "not known", true)
		return
	}
	l.labelled("payments", fmt.Sprintf("%d open: %d in their window, %d in doubt; not delivered: %d",
		p.Open, p.InWindow, p.InDoubt, p.Undelivered), p.InDoubt > 0)
	for _, o := range p.Oldest {
		word := o.State
		switch {
		case o.InDoubt:
			word = "in doubt"
		case o.Refund:
			word = "refund"
		}
		text := fmt.Sprintf("  %-10s %-14s %-12s ", word, money(o.AmountMinor, o.Currency), took(l.is.At.Sub(o.ReceivedAt)))
		if l.most > 1 && len(text)+len(o.ID) > screenWidth { // it is wanted whole, to ask explain with
			l.rows = append(l.rows, row{text: text})
			text = "    "
		}
		l.rows = append(l.rows, row{text: text + o.ID})
	}
	if p.Open > 0 {
		l.rows = append(l.rows, row{text: "  posagent payments -state open lists all; posagent explain ID tells the story"})
	}
}

func (l *layout) today() {
	if l.is.Today == nil {
		return
	}
	list, label := l.is.Today.Totals, "today"
	if len(list) == 0 {
		l.labelled(label, "no payment has ended", false)
	}
	for i, s := range list {
		if i == shownTotals {
			l.labelled("", fmt.Sprintf("and %d more currencies: -json has them all", len(list)-i), false)
			return
		}
		l.labelled(label, fmt.Sprintf("%s paid in %d, %s given back in %d",
			money(s.PaidMinor, s.Currency), s.PaidCount, money(s.RefundedMinor, s.Currency), s.RefundedCount), false)
		label = ""
	}
}

func (l *layout) store() {
	s := l.is.Store
	l.labelled("store", s.Path, false)
	text, bad := size(s.Bytes)+", log "+size(s.WALBytes), false
	if s.Writable != nil && *s.Writable {
		text += ", writable"
	} else if s.Writable != nil {
		text, bad = text+", CAN'T BE WRITTEN: check the disk (posagent doctor)", true
	}
	if s.P99Seconds > 0 {
		text += fmt.Sprintf("; commits %s, 1 in 100 over %s", span(s.P50Seconds), span(s.P99Seconds))
	}
	l.most = max(l.most, 2)
	l.labelled("", text, bad)
	if l.is.Trouble != "" {
		l.most = max(l.most, troubleLines)
		l.labelled("trouble", l.is.Trouble, true)
	}
}
