package main

import (
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

// screen is a report on 80 columns and, but for the fullest, 24 lines: what would
// take more is given fewer lines each, and is cut there.
func screen(is report, zone *time.Location) []row {
	for most := troubleLines; most > 1; most-- {
		if rows := laidOut(is, zone, most); len(rows) < screenHeight {
			return rows
		}
	}
	return laidOut(is, zone, 1)
}

func laidOut(is report, zone *time.Location, most int) []row {
	l := layout{is: is, zone: zone, most: most}
	l.head()
	l.registers()
	l.antom()
	l.payments()
	l.today()
	l.store()
	return l.rows
}

// span is a short time.
func span(seconds float64) string {
	switch {
	case seconds < 0.1:
		return fmt.Sprintf("%.1f ms", seconds*1000)
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", seconds*1000)
	}
	return fmt.Sprintf("%.1f s", seconds)
}

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
