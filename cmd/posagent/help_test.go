package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever is said of a command fits a terminal of 80 columns.
func TestEveryHelpFits80Columns(t *testing.T) {
	asked := [][]string{{"-h"}, {"sandbox", "-book"}}
	for _, c := range commands() {
		asked = append(asked, []string{c.name, "-h"})
	}
	for _, word := range []string{"generate", "show", "import", "verify", "switch", "believe"} {
		asked = append(asked, []string{"keys", word, "-h"})
	}
	for _, words := range asked {
		code, out, _ := output(t, words...)
		if code != exitDone || len(out) < 50 {
			t.Errorf("%v: exit %d, %q", words, code, out)
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.ReplaceAll(strings.TrimRight(line, "\n"), "    \t", "        ")); n > screenWidth {
				t.Errorf("%v: %d columns: %s", words, n, line)
			}
		}
	}
}

func TestAUsageIsBrokenBetweenItsBrackets(t *testing.T) {
	long := "Usage: posagent keys switch -config FILE -to KEYFILE -key-version N [-write now] [-unverified at all] [-json]"
	got := usageLine(long)
	if unfolded(got) != long || widest(got) > screenWidth || strings.Contains(got, "at\n") || strings.Contains(got, "[-write\n") {
		t.Errorf("got %q", got)
	}
	if short := "Usage: posagent x\n       [-y]"; usageLine(short) != short+"\n" {
		t.Errorf("got %q", usageLine(short))
	}
}
