package antom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// object is a JSON object by exact member names: encoding/json would match them
// in any case, and let two spellings of one name contradict each other.
type object map[string]json.RawMessage

// parseObject reads a body that is one JSON object, with nothing after it and
// no member given twice at any depth.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errors.New("not JSON")
	}
	if err := refuseTwins(body); err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
}

// level is one object or array that is open while its tokens are read.
type level struct {
	members map[string]bool // nil in an array
	value   bool            // in an object: a name was read, its value is next
}

// refuseTwins finds a member given twice in valid JSON.
func refuseTwins(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var open []level
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if open, err = step(open, token); err != nil {
			return err
		}
	}
}

func step(open []level, token json.Token) ([]level, error) {
	if token == json.Delim('}') || token == json.Delim(']') {
		return open[:len(open)-1], nil
	}
	if n := len(open); n > 0 && open[n-1].members != nil {
		top := &open[n-1]
		if name, ok := token.(string); ok && !top.value {
			if top.members[name] {
				return nil, fmt.Errorf("member %q given twice", clip(name, 64))
			}
			top.members[name], top.value = true, true
			return open, nil
		}
		top.value = false
	}
	switch token {
	case json.Delim('{'):
		open = append(open, level{members: map[string]bool{}})
	case json.Delim('['):
		open = append(open, level{})
	}
	return open, nil
}

// word returns a member that is a string, and "" for anything else.
func (o object) word(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
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
