package antom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// object is a JSON object by exact member names: encoding/json would match them
// in any case, and let two spellings of one name contradict each other.
type object map[string]json.RawMessage

// parseObject reads a body that is one JSON object, with nothing after it and
// no member given twice at any depth.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	var o object
	err := json.Unmarshal(body, &o)
	if broken := (*json.SyntaxError)(nil); errors.As(err, &broken) {
		return nil, errors.New("not JSON")
	}
	if err != nil || o == nil {
		return nil, errors.New("not a JSON object")
	}
	if err := refuseTwins(body); err != nil {
		return nil, err
	}
	return o, nil
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

// has notes a quoted name and reports whether the object had it already, in
// whatever spelling.
func (l *level) has(quoted []byte) bool {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		var plain string
		_ = json.Unmarshal(quoted, &plain) // the whole body was read so before
		name = []byte(plain)
	}
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
	raw := o[name]
	if len(raw) > 1 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]) // as most are
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// text returns a member that decides nothing: a string as it is, anything else
// as its JSON, so that an unexpected type never hides the rest of an answer.
func (o object) text(name string) string {
	raw := o[name]
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if raw[0] == '"' {
		return o.word(name)
	}
	return string(raw)
}

// object returns a member that is an object.
func (o object) object(name string) (object, bool) {
	var inner object
	if json.Unmarshal(o[name], &inner) != nil || inner == nil {
		return nil, false
	}
	return inner, true
}
