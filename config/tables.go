package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// heading returns the table that the keys below a heading belong to, or nil
// where they are passed over because the heading already is the fault.
func (r *reader) heading(s statement) *scope {
	name := dottedName(s.path)
	if len(s.path) > 1 {
		r.faults.Add(name, s.line, "no such table: %s", tablesKnown())
		return nil
	}
	known := r.tableNamed(name, s.line, bracketed)
	if known == "" {
		return nil
	}
	if known == registerTable {
		return r.registerHeading(s)
	}
	if s.kind == unstable.ArrayTable {
		r.faults.Add(known, s.line, "there is only one: write [%s]", known)
	}
	return r.open(r.tables[known], s.line, byHeading)
}

func (r *reader) registerHeading(s statement) *scope {
	if s.kind == unstable.Table {
		r.faults.Add(registerTable, s.line, "there can be several: write [[%s]]", registerTable)
	}
	if r.origin == byValue || r.origin == byDots {
		r.faults.Add(registerTable, s.line, "is here in another manner on line %d: write every register below a [[register]]", r.config.lines[registerTable])
	}
	return r.newRegister(s.line, byHeading)
}

// open begins a table, complaining where it was begun before.
func (r *reader) open(s *scope, line int, how origin) *scope {
	switch {
	case s.origin == unwritten:
		r.write(s, line, how)
	case s.origin != byDots || how != byDots:
		r.faults.Add(s.name, line, "is here twice, first on line %d: keep its keys together in one place", s.line)
	}
	return s
}

// topKey reads a key before the first heading: a table as a value, or a key
// with its table before a dot.
func (r *reader) topKey(s statement) {
	isTable := s.value.kind == unstable.InlineTable || s.value.kind == unstable.Array
	if len(s.path) == 1 && !isTable && !slices.Contains(tableNames(), s.path[0]) {
		r.faults.Add(dottedName(s.path), s.line, "no such key%s", r.elsewhere(s.path[0]))
		return
	}
	name := r.tableNamed(s.path[0], s.line, bare)
	switch {
	case name == "":
	case name == registerTable:
		r.registerList(s)
	case len(s.path) > 1:
		in := r.open(r.tables[name], s.line, byDots)
		s.path = s.path[1:]
		r.key(in, s)
	case s.value.kind != unstable.InlineTable:
		r.faults.Add(name, s.line, "is a table: write [%s] and its keys below", name)
	default:
		in := r.open(r.tables[name], s.line, byValue)
		r.pairs(in, s.value.pairs)
	}
}

// registerList reads registers that are written as a list of inline tables.
func (r *reader) registerList(s statement) {
	if len(s.path) > 1 || s.value.kind != unstable.Array {
		r.faults.Add(dottedName(s.path), s.line, "there can be several: write [[%s]] and its keys below", registerTable)
		r.origin, r.tried = byDots, true
		r.config.lines[registerTable] = s.line
		return
	}
	if r.origin != unwritten {
		r.faults.Add(registerTable, s.line, "is here twice, first on line %d: leave one out", r.config.lines[registerTable])
	}
	r.origin = byValue
	r.config.lines[registerTable] = s.line
	for n, item := range s.value.items {
		if item.kind != unstable.InlineTable {
			r.faults.Add(fmt.Sprintf("%s[%d]", registerTable, n), item.line, "want a table such as { name = \"lane1\", port = \"/dev/pos/register0\" }, got %s", item)
			r.tried = true
			continue
		}
		if in := r.newRegister(item.line, byValue); in != nil {
			r.pairs(in, item.pairs)
		}
	}
}

func (r *reader) pairs(in *scope, pairs []statement) {
	for _, s := range pairs {
		r.key(in, s)
	}
}

func bracketed(name string) string {
	if name == registerTable {
		return "[[" + name + "]]"
	}
	return "[" + name + "]"
}

func bare(name string) string { return name }

// tableNamed returns the table that name stands for. A misspelt name is a
// fault, yet what is below it is read as what was meant, so that its keys are
// checked in the same run and none is called missing.
func (r *reader) tableNamed(name string, line int, spell func(string) string) string {
	if slices.Contains(tableNames(), name) {
		return name
	}
	meant, ok := nearest(name, tableNames())
	if !ok {
		r.faults.Add(dottedName([]string{name}), line, "no such table: %s", tablesKnown())
		return ""
	}
	r.faults.Add(dottedName([]string{name}), line, "no such table: did you mean %s?", spell(meant))
	if meant != registerTable && (r.tables[meant].origin == byHeading || r.tables[meant].origin == byValue) {
		return "" // there already: what is below would only seem to be there twice
	}
	return meant
}

// unknownKey reports a key that its table does not have, with the best guess
// at what was meant.
func (r *reader) unknownKey(in *scope, s statement) {
	if r.faults.full() {
		r.faults.Add(in.name, s.line, "no such key") // counted, not guessed at
		return
	}
	var own []string
	for _, k := range in.keys {
		own = append(own, k.name)
	}
	key := in.name + "." + dottedName(s.path)
	if meant, ok := nearest(s.path[0], own); ok && len(s.path) == 1 {
		in.guessed[meant] = true
		r.faults.Add(key, s.line, "no such key: did you mean %s?", meant)
		return
	}
	hint := r.elsewhere(s.path[0])
	if hint == "" || len(s.path) > 1 {
		hint = ": " + bracketed(tableOf(in.name)) + " has " + strings.Join(own, ", ")
	}
	r.faults.Add(key, s.line, "no such key%s", hint)
}

// elsewhere says which other table has a key of that name, if one has.
func (r *reader) elsewhere(name string) string {
	for _, table := range tableNames() {
		keys := registerKeys(&Register{}, r.in)
		if table != registerTable {
			keys = r.tables[table].keys
		}
		if slices.ContainsFunc(keys, func(k key) bool { return k.name == name }) {
			return ": it belongs below " + bracketed(table)
		}
	}
	return ""
}

func tableOf(scopeName string) string {
	table, _, _ := strings.Cut(scopeName, "[")
	return table
}

func tablesKnown() string {
	var all []string
	for _, name := range tableNames() {
		all = append(all, bracketed(name))
	}
	return "there are " + strings.Join(all, ", ")
}

// dottedName joins the parts of a name as TOML would have them written.
func dottedName(path []string) string {
	var parts []string
	for _, part := range path {
		if part == "" || strings.Trim(part, bareCharacters) != "" {
			part = strconv.Quote(part)
		}
		parts = append(parts, shortened(part))
	}
	return shortened(strings.Join(parts, "."))
}

// bareCharacters are those of keys without quotes.
const bareCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
