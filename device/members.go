package device

import (
	"bytes"
	"encoding/json"
)

// member is one of a JSON object's, as it stands in the bytes.
type member struct {
	name  string
	raw   []byte
	inner []member // of an object
}

// reading steps once through bytes that are known to be one JSON value, so that a
// register waits for no more than one look at each. Its recursion and its search for
// twins are bounded by mostBody.
type reading struct {
	body  []byte
	at    int
	twice *refusal // names the first member that is given twice
}

// value reads the value that begins here.
func (r *reading) value(path string) []member {
	switch r.body[r.at] {
	case '{':
		return r.object(path)
	case '[':
		r.array(path)
	case '"':
		r.text()
	default:
		for bytes.IndexByte([]byte(",]} \t\r\n"), r.body[r.at]) < 0 {
			r.at++
		}
	}
	return nil
}

func (r *reading) object(path string) []member {
	list := make([]member, 0, 8) // as many as an ordinary request has
	for r.pass(); r.body[r.at] != '}'; r.comma() {
		name := unquote(r.text())
		r.spaces()
		r.pass() // the colon
		isTwin := find(list, name) != nil
		if isTwin && r.twice == nil {
			r.twice = illegal(joinPath(path, name), "given twice")
		}
		within := path
		if c := r.body[r.at]; c == '{' || c == '[' {
			within = joinPath(path, name)
		}
		from := r.at
		inner := r.value(within)
		list = append(list, member{name, r.body[from:r.at], inner})
	}
	r.at++
	return list
}

func (r *reading) array(path string) {
	for r.pass(); r.body[r.at] != ']'; r.comma() {
		r.value(path)
	}
	r.at++
}

// text passes a string and returns it, with its quotes.
func (r *reading) text() []byte {
	from := r.at
	for r.at++; r.body[r.at] != '"'; r.at++ {
		if r.body[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	return r.body[from:r.at]
}

// comma passes what stands between two members, if there is another.
func (r *reading) comma() {
	if r.spaces(); r.body[r.at] == ',' {
		r.pass()
	}
}

// pass passes one byte, and white space after it.
func (r *reading) pass() {
	r.at++
	r.spaces()
}

func (r *reading) spaces() {
	for r.body[r.at] == ' ' || r.body[r.at] == '\t' || r.body[r.at] == '\r' || r.body[r.at] == '\n' {
		r.at++
	}
}

// find returns the member of a name; of twins the later one.
func find(list []member, name string) *member {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

// unquote returns what a valid JSON string says.
func unquote(quoted []byte) string {
	beyond := func(r rune) bool { return r == '\\' || r >= 0x80 }
	if !bytes.ContainsFunc(quoted, beyond) {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // the whole body was found valid before
	return text
}
