package device

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// refusal is a request that was not understood: the code and the text of its
// answer. A member at fault is named in message (register-link §3).
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

func (r *refusal) result() Result {
	return Result{ResultStatus: ResultRefused, ResultCode: r.code, ResultMessage: r.message}
}

func illegal(member, must string) *refusal {
	return &refusal{CodeParamIllegal, clip(member) + ": " + must}
}

// clip bounds what is said back of a register's own words.
func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= mostNamed {
		return text
	}
	return string(runes[:mostNamed])
}

// members are those of one JSON object, by their exact names. The first fault
// met while they are read stays in refused; what is read after it is void, so
// a caller reads all it wants and looks once.
type members struct {
	list    []member
	within  string // path of the object, with its dot, for messages
	refused *refusal
}

// parseBody reads body as exactly one JSON object, nothing before or after it,
// with no member given twice at any depth (register-link §3).
func parseBody(body []byte) (*members, *refusal) {
	if len(body) < leastBody || body[0] != '{' || body[len(body)-1] != '}' || !json.Valid(body) {
		return nil, &refusal{CodeBadJSON, "not one JSON object"}
	}
	r := reading{body: body}
	m := &members{list: r.object("")}
	m.refused = r.twice
	return m, nil
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// has reports whether the member is there at all; null is there.
func (m *members) has(name string) bool { return find(m.list, name) != nil }

// raw is a member's value, nil where it is not there.
func (m *members) raw(name string) []byte {
	if it := find(m.list, name); it != nil {
		return it.raw
	}
	return nil
}

func (m *members) refuse(name, must string) {
	if m.refused == nil {
		m.refused = illegal(m.within+name, must)
	}
}

// text reads a required string of least to most characters (code points).
func (m *members) text(name string, least, most int) string {
	raw := m.raw(name)
	if len(raw) > 0 && raw[0] == '"' && !hasLoneSurrogate(raw) {
		text := unquote(raw)
		if n := utf8.RuneCountInString(text); least <= n && n <= most {
			return text
		}
	}
	m.refuse(name, fmt.Sprintf("a string of %d to %d characters", least, most))
	return ""
}

// optionalText is text of at most most characters; absent is empty.
func (m *members) optionalText(name string, most int) string {
	if !m.has(name) {
		return ""
	}
	return m.text(name, 0, most)
}

// id reads a required id: 1–64 of A-Z a-z 0-9 _ (register-link §3).
func (m *members) id(name string) string {
	text := m.text(name, 1, 64)
	if m.refused == nil && !matches(text, isIDByte) {
		m.refuse(name, "1 to 64 of A-Z a-z 0-9 _")
	}
	return text
}

// printable reads a required string of 1 to most bytes 20…7E.
func (m *members) printable(name string, most int) string {
	text := m.text(name, 1, most)
	if m.refused == nil && !matches(text, isPrintable) {
		m.refuse(name, "printable ASCII only")
	}
	return text
}

// integer reads a required JSON integer: no fraction, exponent, sign or quotes
// (register-link §3), least to most, neither negative.
func (m *members) integer(name string, least, most int64) int64 {
	raw := string(m.raw(name))
	value, err := strconv.ParseUint(raw, 10, 63)
	if err != nil || int64(value) < least || int64(value) > most {
		m.refuse(name, fmt.Sprintf("an integer from %d to %d", least, most))
		return 0
	}
	return int64(value)
}

// optionalInteger is integer; absent is 0.
func (m *members) optionalInteger(name string, least, most int64) int64 {
	if !m.has(name) {
		return 0
	}
	return m.integer(name, least, most)
}

// optionalBool reads true or false; absent is otherwise.
func (m *members) optionalBool(name string, otherwise bool) bool {
	if !m.has(name) {
		return otherwise
	}
	raw := string(m.raw(name))
	if raw != "true" && raw != "false" {
		m.refuse(name, "true or false")
	}
	return raw == "true"
}

// object reads a required object. Its faults come to m by leave.
func (m *members) object(name string) *members {
	inner := &members{within: m.within + name + "."}
	if it := find(m.list, name); it != nil && it.raw[0] == '{' {
		inner.list = it.inner
	} else {
		m.refuse(name, "an object")
	}
	inner.refused = m.refused
	return inner
}

// leave takes over the fault of an inner object.
func (m *members) leave(inner *members) { m.refused = inner.refused }

// amount reads {value,currency}, the value in the currency's minor unit.
func (m *members) amount(name string) Amount {
	inner := m.object(name)
	a := Amount{ValueMinor: inner.integer("value", 1, mostAmountMinor), Currency: inner.text("currency", 3, 3)}
	if inner.refused == nil && !matches(a.Currency, isUpper) {
		inner.refuse("currency", "three upper-case letters of ISO 4217")
	}
	m.leave(inner)
	return a
}

func matches(text string, allowed func(byte) bool) bool {
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

func isIDByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || isUpper(b)
}

func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }

func isPrintable(b byte) bool { return b >= firstPrintable && b <= lastPrintable }

// hasLoneSurrogate reports whether a JSON string writes half a character, which
// would otherwise be read as another one.
func hasLoneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		unit, isUnit := codeUnit(raw[i:])
		switch {
		case !isUnit:
			i++
		case unit >= 0xd800 && unit < 0xdc00:
			low, ok := codeUnit(raw[i+6:])
			if !ok || low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		case unit >= 0xdc00 && unit < 0xe000:
			return true
		default:
			i += 5
		}
	}
	return false
}

// codeUnit reads \uXXXX at the start of raw.
func codeUnit(raw []byte) (uint64, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return unit, err == nil
}
