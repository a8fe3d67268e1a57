package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// setter judges a value and stores it, or says at its place what is wrong.
type setter func(v value, at place)

// place is where a value stands, and where faults with it are put.
type place struct {
	key     string
	line    int
	example string // a literal to show where there is nothing
	faults  *Faults
	lines   map[string]int
}

func (p place) fault(format string, args ...any) {
	p.faults.Add(p.key, p.line, format, args...)
}

// item is the place of the n-th item of a list, which thereby has a line.
func (p place) item(n int, v value) place {
	p.key = fmt.Sprintf("%s[%d]", p.key, n)
	p.line = v.line
	p.lines[p.key] = v.line
	return p
}

// whole takes a whole number. A bound as wide as the type is not spoken of.
func whole(to *int, from, upTo int64) setter {
	want := fmt.Sprintf("want a whole number from %d to %d", from, upTo)
	switch {
	case upTo == from+1:
		want = fmt.Sprintf("want %d or %d", from, upTo)
	case upTo > 1_000_000:
		want = fmt.Sprintf("want a whole number from %d", from)
	}
	return func(v value, at place) {
		n, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64)
		if v.kind != unstable.Integer || err != nil || n < from || n > upTo {
			at.fault("%s, got %s", want, v)
			return
		}
		*to = int(n)
	}
}

// flag takes true or false.
func flag(to *bool) setter {
	return func(v value, at place) {
		if v.kind != unstable.Bool {
			at.fault("want true or false without quotes, got %s", v)
			return
		}
		*to = v.text == "true"
	}
}

// choice takes one of a few words.
func choice(to *string, words ...string) setter {
	last := len(words) - 1
	want := fmt.Sprintf("%q or %q", words[last-1], words[last])
	for _, w := range slices.Backward(words[:last-1]) {
		want = fmt.Sprintf("%q, %s", w, want)
	}
	return func(v value, at place) {
		if v.kind != unstable.String || !slices.Contains(words, v.text) {
			at.fault("want %s, got %s", want, v)
			return
		}
		*to = v.text
	}
}

// duration takes a text such as "1m30s" or "400d" between two others.
func duration(to *time.Duration, from, upTo string) setter {
	least, most := mustParseDuration(from), mustParseDuration(upTo)
	return func(v value, at place) {
		d, ok := parseDuration(v.text)
		if v.kind != unstable.String || !ok || d < least || d > most {
			at.fault("want a duration from %q to %q in quotes, got %s", from, upTo, v)
			return
		}
		*to = d
	}
}

// text takes a string of one to limit bytes that check accepts, and stores
// what check makes of it.
func text(to *string, limit int, check func(string) (string, error)) setter {
	return func(v value, at place) {
		if checked, ok := checkText(v, at, limit, check); ok {
			*to = checked
		}
	}
}

func checkText(v value, at place, limit int, check func(string) (string, error)) (string, bool) {
	switch {
	case v.kind != unstable.String:
		at.fault("want text in quotes, got %s", v)
	case v.text == "" && at.example != "":
		at.fault("is empty: fill it in, for instance with %s", at.example)
	case v.text == "":
		at.fault("is empty: fill it in or leave it out")
	case looksLikeKey(v.text):
		at.fault("holds what looks like a key itself: put it into a file and give the file's name")
	case strings.ContainsFunc(v.text, unicode.IsControl):
		at.fault("holds a line break, a tab or another control character: write it on one line without")
	case len(v.text) > limit:
		at.fault("is %d bytes long: shorten it to %d", len(v.text), limit)
	default:
		checked, err := check(v.text)
		if err == nil {
			return checked, true
		}
		at.fault("%s", err)
	}
	return "", false
}

// looksLikeKey knows PEM and the beginning of a bare base64 key, so that a key
// in the wrong place is not repeated in a message.
func looksLikeKey(s string) bool {
	return strings.Contains(s, "-----BEGIN") || strings.HasPrefix(s, "MII") && len(s) >= 100
}

// orEmpty takes the empty text as "none" and gives all else to set.
func orEmpty[T any](to *T, set setter) setter {
	return func(v value, at place) {
		if v.kind == unstable.String && v.text == "" {
			var none T
			*to = none
			return
		}
		set(v, at)
	}
}

// oneOrTwo takes one text, or a list of one or two different ones.
func oneOrTwo(to *[]string, limit int, check func(string) (string, error)) setter {
	return func(v value, at place) {
		if v.kind != unstable.Array {
			at.lines[at.key+"[0]"] = v.line
			if checked, ok := checkText(v, at, limit, check); ok {
				*to = []string{checked}
			}
			return
		}
		if len(v.items) != 1 && len(v.items) != 2 {
			at.fault("want one file, or a list of two while a key is being changed, got a list of %d", len(v.items))
			return
		}
		*to = list(v, at, limit, check)
	}
}

// names takes a list of at most count different texts of 1 to limit characters.
func names(to *[]string, count, limit int) setter {
	check := func(s string) (string, error) {
		if n := utf8.RuneCountInString(s); n > limit {
			return "", fmt.Errorf("is %d characters long: shorten it to %d", n, limit)
		}
		return s, nil
	}
	return func(v value, at place) {
		switch {
		case v.kind != unstable.Array:
			at.fault(`want a list such as ["A", "B"], got %s`, v)
		case len(v.items) > count:
			at.fault("has %d items: leave at most %d", len(v.items), count)
		default:
			*to = list(v, at, limit*utf8.UTFMax, check)
		}
	}
}

// list returns the items that check accepts, and complains of the others and
// of those that come twice.
func list(v value, at place, limit int, check func(string) (string, error)) []string {
	var accepted []string
	for n, item := range v.items {
		there := at.item(n, item)
		checked, ok := checkText(item, there, limit, check)
		switch {
		case !ok:
		case slices.Contains(accepted, checked):
			there.fault("is in the list twice: leave one out")
		default:
			accepted = append(accepted, checked)
		}
	}
	return accepted
}

// String spells a value for a message, in one line and not too long.
func (v value) String() string {
	switch v.kind {
	case unstable.String:
		return quoted(v.text)
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return shortened(v.text)
}

func quoted(s string) string {
	if looksLikeKey(s) {
		return "what looks like a key"
	}
	return strconv.Quote(shortened(s))
}

func shortened(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
