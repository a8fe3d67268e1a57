package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// faultLimit bounds how many faults are kept: who has a hundred to correct has
// given the wrong file.
const faultLimit = 100

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	// Key is the dotted key, such as "antom.base_url" or "register[0].baud";
	// empty where the fault is the file's, not a key's.
	Key string `json:"key"`
	// Line counts from 1; it is 0 where no line of the file is at fault, as
	// for a table that is missing.
	Line int `json:"line"`
	// Text says in one line what is wrong and what to do.
	Text string `json:"text"`
}

// Faults is everything that is wrong with one file. It is the error of Load;
// a caller with findings and no error of Load's starts with &Faults{File: path}.
type Faults struct {
	// File is the path of the configuration as it was given to Load.
	File string
	// List is sorted by line. It ends at 100 faults; further ones are counted.
	List []Fault

	unlisted int
}

// Add puts in a finding about key, in the order of lines. The text it formats
// is one line, without key and line, and says what to do.
func (f *Faults) Add(key string, line int, format string, args ...any) {
	if f.full() {
		f.unlisted++
		return
	}
	f.List = append(f.List, Fault{Key: key, Line: line, Text: fmt.Sprintf(format, args...)})
	slices.SortStableFunc(f.List, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
}

// full says whether further faults are only counted.
func (f *Faults) full() bool { return len(f.List) >= faultLimit }

// Err returns f as an error, or nil where there is no fault.
func (f *Faults) Err() error {
	if f == nil || len(f.List) == 0 {
		return nil
	}
	return f
}

// Error has one line per fault: file, line, key and text, such as
//
//	posagent.toml:12: antom.key_version: want a whole number from 1, got "one"
func (f *Faults) Error() string {
	lines := make([]string, 0, len(f.List)+1)
	for _, fault := range f.List {
		lines = append(lines, f.spell(fault))
	}
	if f.unlisted > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more: correct these first", f.File, f.unlisted))
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) spell(fault Fault) string {
	at := f.File
	if fault.Line > 0 {
		at = fmt.Sprintf("%s:%d", f.File, fault.Line)
	}
	if fault.Key == "" {
		return at + ": " + fault.Text
	}
	return at + ": " + fault.Key + ": " + fault.Text
}
