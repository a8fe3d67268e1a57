package config

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// registerLimit bounds the registers of one agent.
const registerLimit = 64

// origin is how a table came to be written; TOML lets only dotted keys add to
// a table that is already there.
type origin int

const (
	unwritten origin = iota
	byHeading
	byDots
	byValue
)

// scope is a table of the file with the keys it may have.
type scope struct {
	name    string // "antom" or "register[1]"
	line    int    // of its heading, 0 where it is unwritten
	origin  origin
	keys    []key
	seen    map[string]int  // key → line
	guessed map[string]bool // keys that a misspelt one stands for
}

func (s *scope) key(name string) (key, bool) {
	for _, k := range s.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// reader goes through the statements of one file.
type reader struct {
	in        folder
	config    *Config
	faults    *Faults
	tables    map[string]*scope // all but the registers, written or not
	registers []*Register
	scopes    []*scope // of the registers
	origin    origin   // of the registers
	tried     bool     // whether the file has a register, right or wrong
	current   *scope   // where keys go; nil where they are passed over
	atTop     bool     // before the first heading
}

// read checks text and returns what it says, with defaults for the rest.
func read(text []byte, in folder, faults *Faults) Config {
	c := &Config{lines: map[string]int{}}
	r := &reader{in: in, config: c, faults: faults, tables: map[string]*scope{}, atTop: true}
	for _, name := range tableNames() {
		if name != registerTable {
			r.tables[name] = r.newScope(name, tableKeys(name, c, in))
		}
	}
	whole := r.readAll(text)
	for _, register := range r.registers {
		c.Registers = append(c.Registers, *register)
	}
	if whole {
		r.missing()
		crossCheck(*c, faults)
	}
	if c.Payments.QuietTime == 0 {
		c.Payments.QuietTime = c.Payments.PayTimeout
	}
	return *c
}

// readAll reads up to the end of text and says whether it got there; without
// the end, nobody knows what is missing.
func (r *reader) readAll(text []byte) bool {
	if len(text) > fileLimitBytes {
		r.faults.Add("", 0, "is longer than %d bytes: this is not a configuration, check the path", fileLimitBytes)
		return false
	}
	if line := oddLine(text); line > 0 {
		r.faults.Add("", line, "is not UTF-8: save the file with that encoding")
		return false
	}
	if bad := newDocument(withoutMark(text)).each(r.take); bad != nil {
		r.faults.Add("", bad.line, "column %d: %s: correct this line, nothing after it was read (text needs quotes, every key a line of its own)", bad.column, bad.message)
		return false
	}
	return true
}

// oddLine returns the first line that is not UTF-8, or 0.
func oddLine(text []byte) int {
	for at := 0; at < len(text); {
		c, size := utf8.DecodeRune(text[at:])
		if c == utf8.RuneError && size == 1 {
			return 1 + bytes.Count(text[:at], []byte("\n"))
		}
		at += size
	}
	return 0
}

// newScope returns a table with the defaults already in their places.
func (r *reader) newScope(name string, keys []key) *scope {
	s := &scope{name: name, keys: keys, seen: map[string]int{}, guessed: map[string]bool{}}
	for _, k := range keys {
		if k.required() {
			continue
		}
		wrong := &Faults{}
		k.set(literal(k.fallback), place{key: name + "." + k.name, faults: wrong, lines: map[string]int{}})
		if err := wrong.Err(); err != nil {
			panic("config: a default is refused: " + err.Error())
		}
	}
	return s
}

// newRegister begins a register, or returns nil where there are too many.
func (r *reader) newRegister(line int, how origin) *scope {
	r.origin, r.tried = how, true
	name := fmt.Sprintf("%s[%d]", registerTable, len(r.registers))
	if len(r.registers) == registerLimit {
		r.faults.Add(name, line, "is one too many: an agent serves at most %d registers", registerLimit)
		return nil
	}
	register := &Register{}
	s := r.newScope(name, registerKeys(register, r.in))
	r.registers = append(r.registers, register)
	r.scopes = append(r.scopes, s)
	r.write(s, line, how)
	return s
}

func (r *reader) write(s *scope, line int, how origin) {
	s.line, s.origin = line, how
	r.config.lines[s.name] = line
}

// take reads one statement.
func (r *reader) take(s statement) {
	switch {
	case s.kind != unstable.KeyValue:
		r.atTop = false
		r.current = r.heading(s)
	case r.atTop:
		r.topKey(s)
	case r.current != nil:
		r.key(r.current, s)
	}
}

// key reads one key of a table.
func (r *reader) key(in *scope, s statement) {
	name := s.path[0]
	k, known := in.key(name)
	if !known || len(s.path) > 1 {
		r.unknownKey(in, s)
		return
	}
	dotted := in.name + "." + name
	if first, twice := in.seen[name]; twice {
		r.faults.Add(dotted, s.line, "is here twice, first on line %d: leave one out", first)
		return
	}
	in.seen[name] = s.line
	r.config.lines[dotted] = s.line
	k.set(s.value, place{key: dotted, line: s.line, example: k.example, faults: r.faults, lines: r.config.lines})
}

// missing reports required keys that the file does not have.
func (r *reader) missing() {
	for _, name := range tableNames() {
		if name != registerTable {
			r.missingKeys(r.tables[name])
		}
	}
	for _, s := range r.scopes {
		r.missingKeys(s)
	}
	if !r.tried {
		r.faults.Add(registerTable, 0, "there is none: add a [[register]] with a name and a port")
	}
}

func (r *reader) missingKeys(s *scope) {
	for _, k := range s.keys {
		if _, seen := s.seen[k.name]; !seen && k.required() && !s.guessed[k.name] {
			r.faults.Add(s.name+"."+k.name, s.line, "is missing: add for instance %s = %s", k.name, k.example)
		}
	}
}
