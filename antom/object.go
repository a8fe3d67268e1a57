package antom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// object is a JSON object's members as they stand in its bytes, by exact names:
// encoding/json would match them in any case, and let two spellings of one name
// contradict each other.
type object []member

type member struct {
	quoted []byte // the name, with its quotes
	raw    []byte // the value
}

// parseObject reads a body that is one JSON object, with nothing after it and
// no member given twice at any depth. What it returns points into body.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(body) {
		return nil, errors.New("not JSON")
	}
	o, ok := members(body)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	if err := refuseTwins(body); err != nil {
		return nil, err
	}
	return o, nil
}

// members splits what is known to be one JSON value, if it is an object.
func members(value []byte) (object, bool) {
	at := pastSpace(value, 0)
	if value[at] != '{' {
		return nil, false
	}
	o := make(object, 0, fewMembers/2)
	for at = pastSpace(value, at+1); value[at] != '}'; {
		end := stringEnd(value, at)
		name := value[at:end]
		at = pastSpace(value, pastSpace(value, end)+1) // the colon
		end = valueEnd(value, at)
		o = append(o, member{name, value[at:end]})
		if at = pastSpace(value, end); value[at] == ',' {
			at = pastSpace(value, at+1)
		}
	}
	return o, true
}

// pastSpace returns where the white space at a place ends.
func pastSpace(value []byte, at int) int {
	for value[at] == ' ' || value[at] == '\n' || value[at] == '\t' || value[at] == '\r' {
		at++
	}
	return at
}

// valueEnd returns where the value that begins at a place within an object ends.
func valueEnd(value []byte, at int) int {
	for depth := 0; ; at++ {
		switch value[at] {
		case '"':
			at = stringEnd(value, at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return at
			}
		}
	}
}

// raw returns a member's value, nil where there is none.
func (o object) raw(name string) []byte {
	for _, m := range o {
		if string(plainName(m.quoted)) == name {
			return m.raw
		}
	}
	return nil
}

// level is one object or array that is open while its bytes are read.
type level struct {
	named bool // an object, so that a string may be a name
	next  bool // in an object: the next string is a name
	few   [][]byte
	many  map[string]struct{} // beyond fewMembers of them
}

// fewMembers are compared one by one; no answer of Antom's has more.
const fewMembers = 16

// refuseTwins finds a member given twice in what is known to be one JSON object.
func refuseTwins(body []byte) error {
	open := make([]level, 0, 4)
	for at := 0; at < len(body); at++ {
		switch body[at] {
		case '{':
			open = append(open, level{named: true, next: true})
		case '[':
			open = append(open, level{})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			open[len(open)-1].next = open[len(open)-1].named
		case '"':
			end := stringEnd(body, at)
			if top := &open[len(open)-1]; top.next {
				top.next = false
				if top.has(body[at:end]) {
					return fmt.Errorf("member %q given twice", clip(string(body[at+1:end-1]), 64))
				}
			}
			at = end - 1
		}
	}
	return nil
}

// stringEnd returns where the string that begins at a quote ends, its quote
// included.
func stringEnd(body []byte, at int) int {
	for at++; body[at] != '"'; at++ {
		if body[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// plainName returns a name without its quotes and escapes.
func plainName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1] // as they all are
	}
	return []byte(unquote(quoted))
}

// unquote returns what a JSON string says, known to be one. Antom's receipts are
// JSON inside a string: full of quotes, and of nothing else that is escaped.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	plain := make([]byte, 0, len(inner))
	for {
		at := bytes.IndexByte(inner, '\\')
		if at < 0 {
			return string(append(plain, inner...))
		}
		if c := inner[at+1]; c != '"' && c != '\\' && c != '/' {
			break
		}
		plain = append(append(plain, inner[:at]...), inner[at+1])
		inner = inner[at+2:]
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // the whole body was found valid before
	return s
}

// has notes a quoted name and reports whether the object had it already, in
// whatever spelling.
func (l *level) has(quoted []byte) bool {
	name := plainName(quoted)
	if l.many == nil {
		same := func(other []byte) bool { return bytes.Equal(name, other) }
		if slices.ContainsFunc(l.few, same) {
			return true
		}
		if l.few = append(l.few, name); len(l.few) <= fewMembers {
			return false
		}
		l.many = make(map[string]struct{}, 2*fewMembers)
		for _, other := range l.few {
			l.many[string(other)] = struct{}{}
		}
		return false
	}
	_, found := l.many[string(name)]
	l.many[string(name)] = struct{}{}
	return found
}

// word returns a member that is a string, and "" for anything else.
func (o object) word(name string) string {
	if raw := o.raw(name); len(raw) > 0 && raw[0] == '"' {
		return unquote(raw)
	}
	return ""
}

// text returns a member that decides nothing: a string as it is, anything else
// as its JSON, so that an unexpected type never hides the rest of an answer.
func (o object) text(name string) string {
	raw := o.raw(name)
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if raw[0] == '"' {
		return unquote(raw)
	}
	return string(raw)
}

// object returns a member that is an object.
func (o object) object(name string) (object, bool) {
	raw := o.raw(name)
	if len(raw) == 0 {
		return nil, false
	}
	return members(raw)
}
