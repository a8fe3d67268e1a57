package main

import (
	"fmt"
	"strings"
	"time"
)

// took is a span of time in the words one would say: "350 ms", "1.2 s", "2 min 5 s".
func took(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return twoUnits(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 48*time.Hour:
		return twoUnits(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return twoUnits(int(d.Hours())/24, "days", int(d.Hours())%24, "h")
}

func twoUnits(n int, unit string, rest int, small string) string {
	if rest == 0 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, rest, small)
}

// on is a time of day, with its day where that is not today's.
func (f facts) on(t time.Time) string {
	local, now := t.In(f.zone), f.now.In(f.zone)
	if local.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return local.Format("15:04:05")
	}
	return local.Format("15:04:05 on Mon 2 Jan 2006")
}

// long is a time with its day.
func (f facts) long(t time.Time) string { return t.In(f.zone).Format("Mon 2 Jan 2006 15:04:05") }

// away is how far a time is from now: "in 35 s", "3 h 4 min ago".
func (f facts) away(t time.Time) string {
	if t.After(f.now) {
		return "in " + took(t.Sub(f.now))
	}
	return took(f.now.Sub(t)) + " ago"
}

// section is a heading with points under it, nothing where there are none. What
// stands behind a line break in a point is a command: it stays on a line of its own,
// to be copied.
func section(heading string, points []string) string {
	if len(points) == 0 {
		return ""
	}
	text := "\n" + heading + "\n"
	for _, point := range points {
		words, command, _ := strings.Cut(point, "\n")
		text += "  - " + fold(words, screenWidth-4, "    ")
		if command != "" {
			text += "      " + command + "\n"
		}
	}
	return text
}

// paragraph is a text on its own.
func paragraph(text string) string { return fold(text, screenWidth, "") }

// times is a number of times in words.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// because puts what Antom said, or why it said nothing, into brackets.
func because(code, message string) string {
	switch {
	case code == "":
		return ""
	case message == "" || strings.EqualFold(message, code):
		return " (" + code + ")"
	}
	return fmt.Sprintf(" (%s: %s)", code, message)
}
