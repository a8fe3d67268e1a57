package device

import (
	"bytes"
	"encoding/json"
	"time"
)

// response is the body that answers one request. Its members are sent in the
// order of register-link §3 and §6: method, re, result, then those of parts.
type response struct {
	head  responseHead
	parts []any       // objects whose members follow, in this order
	lists []*[]string // of ids among the parts, to be cut where they don't fit, the first one first
	state shedder     // among the parts; nil where there is none
}

type responseHead struct {
	Method string `json:"method,omitempty"`
	Re     string `json:"re"`
	Result Result `json:"result"`
}

// welcome is what initConnection's response says of the agent.
type welcome struct {
	Agent    string `json:"agent"`
	Terminal string `json:"terminal"`
	Protocol string `json:"protocol"`
	Time     string `json:"time"` // ISO 8601 with milliseconds
}

// idLists are those of initConnection's response, there even when empty:
// nothing open is an answer too.
type idLists struct {
	Open        []string `json:"open"`
	Undelivered []string `json:"undelivered"`
}

// refusalBody answers a request that was not understood.
func refusalBody(method, re string, r *refusal, limit int) []byte {
	return response{head: responseHead{method, re, r.result()}}.encode(limit)
}

// echoBody says text back. Where it does not fit, it says so: cut, it would
// not be an echo.
func echoBody(re, text string, limit int) []byte {
	said := struct {
		Text string `json:"text"`
	}{text}
	return response{head: responseHead{"echo", re, done()}, parts: []any{said}}.encode(limit)
}

// replyBody says what the engine replied.
func replyBody(method, re string, reply Reply, limit int) []byte {
	r := response{head: responseHead{method, re, reply.Result}}
	if reply.Open != nil {
		open := &struct {
			Open []string `json:"open"`
		}{reply.Open}
		r.parts, r.lists = append(r.parts, open), append(r.lists, &open.Open)
	}
	if !reply.State.none() {
		r.state = displayed(reply.State)
		r.parts = append(r.parts, r.state)
	}
	return r.encode(limit)
}

// openingBody answers initConnection at now.
func openingBody(re string, w welcome, now time.Time, o Opening, limit int) []byte {
	w.Protocol = protocolVersion
	w.Time = now.Format("2006-01-02T15:04:05.000Z07:00")
	lists := &idLists{append([]string{}, o.Open...), append([]string{}, o.Undelivered...)}
	return response{head: responseHead{"initConnection", re, done()}, parts: []any{w, lists},
		lists: []*[]string{&lists.Undelivered, &lists.Open}}.encode(limit)
}

// diagnosisBody tells how everything is.
func diagnosisBody(re string, d Diagnosis, limit int) []byte {
	return response{head: responseHead{"diagnosis", re, d.Result}, parts: []any{d}}.encode(limit)
}

// totalsBody tells the sums. Ids that don't fit are left out; sums never are.
func totalsBody(re string, t Totals, limit int) []byte {
	r := response{head: responseHead{"totals", re, t.Result}}
	if t.Result.ResultStatus == ResultDone {
		t.Currencies = append([]CurrencyTotal{}, t.Currencies...)
		t.Unresolved = append([]string{}, t.Unresolved...)
		r.parts, r.lists = []any{&t}, []*[]string{&t.Unresolved}
	}
	return r.encode(limit)
}

// receiptPart is what a register gets of a receipt, counted in code points
// (register-link §3).
type receiptPart struct {
	Text   string `json:"text"`
	Offset int    `json:"offset"`
	Total  int    `json:"total"`
}

// receiptBody gives as much of a receipt from offset as fits.
func receiptBody(re string, receipt ReceiptText, offset, limit int) []byte {
	head := responseHead{"receipt", re, receipt.Result}
	if receipt.Result.ResultStatus != ResultDone {
		return response{head: head}.encode(limit)
	}
	text := []rune(string(receipt.Text))
	if offset > len(text) {
		return refusalBody("receipt", re, illegal("offset", "within the receipt"), limit)
	}
	part := &receiptPart{Offset: offset, Total: len(text)}
	room := limit - len(splice(head, part))
	end := offset
	for end < len(text) {
		if room -= len(asciiJSON(string(text[end]))) - len(`""`); room < 0 {
			break
		}
		end++
	}
	part.Text = string(text[offset:end])
	return response{head: head, parts: []any{part}}.encode(limit)
}

// eventBody tells of a payment or a refund unasked.
func eventBody(s State, limit int) []byte {
	told := displayed(s)
	name := struct {
		Event string `json:"event"`
	}{s.ID().Kind}
	for step := 0; ; step++ {
		body := splice(name, told)
		if len(body) <= limit || !told.shed(step) {
			return body
		}
	}
}

// linkBody tells that the way to the acquirer is up, or down.
func linkBody(up bool) []byte {
	if up {
		return []byte(`{"event":"link","upstream":"up"}`)
	}
	return []byte(`{"event":"link","upstream":"down"}`)
}

// encode writes the body in at most limit bytes, leaving out what does not fit.
// What can't be cut is refused.
func (r response) encode(limit int) []byte {
	for step := 0; ; {
		body := splice(append([]any{r.head}, r.parts...)...)
		switch {
		case len(body) <= limit:
			return body
		case r.dropIDs(len(body) - limit):
		case r.state != nil && r.state.shed(step):
			step++
		case r.head.Result.ResultMessage != "":
			r.head.Result.ResultMessage = ""
		case r.state == nil && len(r.parts) > 0:
			r = response{head: responseHead{r.head.Method, r.head.Re, (&refusal{CodeTooLong, "the response would be longer than was agreed"}).result()}}
		default:
			return body
		}
	}
}

// dropIDs leaves out the last ids of the first list that has any, never more
// than take up excess bytes but at least one. What they name is still told of,
// by its events.
func (r response) dropIDs(excess int) bool {
	const mostBytes = 64 + len(`"",`) // an id in its quotes
	for _, ids := range r.lists {
		if n := len(*ids); n > 0 {
			*ids = (*ids)[:max(0, n-max(1, excess/mostBytes))]
			return true
		}
	}
	return false
}

func done() Result { return Result{ResultStatus: ResultDone, ResultCode: CodeSuccess} }

// splice writes the members of several objects as one object.
func splice(objects ...any) []byte {
	whole := []byte{'{'}
	for _, o := range objects {
		inner := asciiJSON(o)
		inner = inner[1 : len(inner)-1]
		if len(inner) > 0 && len(whole) > 1 {
			whole = append(whole, ',')
		}
		whole = append(whole, inner...)
	}
	return append(whole, '}')
}

// asciiJSON writes v as JSON in bytes 20…7E alone (register-link §2, offset 8).
func asciiJSON(v any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("device: a body that is no JSON: " + err.Error())
	}
	return escapeBeyondASCII(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}
