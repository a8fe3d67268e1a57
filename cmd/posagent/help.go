package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// help says what a command is for and what flags it has, on a screen's width.
func (c command) help(w io.Writer, fs *flag.FlagSet) {
	var flags bytes.Buffer
	fs.SetOutput(&flags)
	fs.PrintDefaults()
	fmt.Fprintf(w, "%s\n%s\n%s", usageLine("Usage: posagent "+c.name+" "+c.usage), reflowed(c.about), narrowed(flags.String()))
}

// usageLine breaks a usage that is too wide, and nothing between brackets.
func usageLine(text string) string {
	if widest(text) <= screenWidth {
		return text + "\n"
	}
	const joined = '\x00'
	depth := 0
	text = strings.Map(func(c rune) rune {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ' ', '\n':
			if depth > 0 {
				return joined
			}
		}
		return c
	}, text)
	return strings.ReplaceAll(fold(text, screenWidth-len("Usage: "), strings.Repeat(" ", len("Usage: "))), string(joined), " ")
}

// reflowed fills those paragraphs anew that are too wide. Lines that are set in stand
// as they are.
func reflowed(text string) string {
	out := ""
	paragraph := ""
	flush := func() {
		if widest(paragraph) > screenWidth {
			paragraph = fold(paragraph, screenWidth, "")
		}
		out, paragraph = out+paragraph, ""
	}
	for line := range strings.Lines(text) {
		if line == "\n" || strings.HasPrefix(line, " ") {
			flush()
			out += line
			continue
		}
		paragraph += line
	}
	flush()
	return out
}

// narrowed folds what package flag says of each flag, which stands behind a tab.
func narrowed(text string) string {
	const before, tabbed = "    \t", 8
	out := ""
	for line := range strings.Lines(text) {
		if words, is := strings.CutPrefix(line, before); is {
			line = before + fold(words, screenWidth-tabbed, before)
		}
		out += line
	}
	return out
}

func widest(text string) (columns int) {
	for line := range strings.Lines(text) {
		columns = max(columns, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
	}
	return columns
}
