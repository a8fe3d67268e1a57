package device

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// response is the body that answers one request; its members are sent in this
// order (register-link §3 and §6).
type response struct {
	Method string  `json:"method,omitempty"`
	Re     string  `json:"re"`
	Result Result  `json:"result"`
	Text   *string `json:"text,omitempty"`

	*welcome

	Open *[]string `json:"open,omitempty"`
	// Undelivered stands behind Open, as the ids of initConnection do.
	Undelivered *[]string `json:"undelivered,omitempty"`

	*PaymentState
}

// welcome is what initConnection's response says of the agent.
type welcome struct {
	Agent    string `json:"agent"`
	Terminal string `json:"terminal"`
	Protocol string `json:"protocol"`
	Time     string `json:"time"` // ISO 8601 with milliseconds
}

// event is the body that tells of a payment unasked.
type event struct {
	Event string `json:"event"`
	*PaymentState
}

// refusalBody answers a request that was not understood.
func refusalBody(method, re string, r *refusal, limit int) []byte {
	return response{Method: method, Re: re, Result: r.result()}.encode(limit)
}

// echoBody says text back. Where it does not fit, it says so: cut, it would
// not be an echo.
func echoBody(re, text string, limit int) []byte {
	r := response{Method: "echo", Re: re, Result: done(), Text: &text}
	if body := asciiJSON(r); len(body) <= limit {
		return body
	}
	return refusalBody("echo", re, &refusal{CodeTooLong, "the response would be longer than was agreed"}, limit)
}

// replyBody says what the engine replied.
func replyBody(method, re string, reply Reply, limit int) []byte {
	r := response{Method: method, Re: re, Result: reply.Result, PaymentState: displayed(reply.Payment)}
	if reply.Open != nil {
		r.Open = &reply.Open
	}
	return r.encode(limit)
}

// openingBody answers initConnection at now. Its two lists are there even when
// they are empty: nothing open is an answer too.
func openingBody(re string, w welcome, now time.Time, o Opening, limit int) []byte {
	w.Protocol = protocolVersion
	w.Time = now.Format("2006-01-02T15:04:05.000Z07:00")
	open, undelivered := append([]string{}, o.Open...), append([]string{}, o.Undelivered...)
	return response{Method: "initConnection", Re: re, Result: done(), welcome: &w,
		Open: &open, Undelivered: &undelivered}.encode(limit)
}

// eventBody tells of a payment.
func eventBody(s PaymentState, limit int) []byte {
	e := event{Event: "payment", PaymentState: displayed(&s)}
	for step := 0; ; step++ {
		body := asciiJSON(e)
		if len(body) <= limit || !e.shed(step) {
			return body
		}
	}
}

// encode writes the body in at most limit bytes, leaving out what does not fit.
func (r response) encode(limit int) []byte {
	for step := 0; ; {
		body := asciiJSON(r)
		switch {
		case len(body) <= limit:
			return body
		case r.Undelivered != nil && len(*r.Undelivered) > 0:
			drop(r.Undelivered, len(body)-limit)
		case r.Open != nil && len(*r.Open) > 0:
			drop(r.Open, len(body)-limit)
		case r.PaymentState != nil && r.PaymentState.shed(step):
			step++
		case r.Result.ResultMessage != "":
			r.Result.ResultMessage = ""
		default:
			return body
		}
	}
}

// drop leaves out the last ids of a list, never more than take up excess bytes
// but at least one. The payments themselves are still told of, by their events.
func drop(ids *[]string, excess int) {
	const mostBytes = 64 + len(`"",`) // an id in its quotes
	*ids = (*ids)[:max(0, len(*ids)-max(1, excess/mostBytes))]
}

// shed leaves out one member more of a state that is too long: first the
// receipt, which register-link §3 names, then, in lines agreed so short that
// it still does not fit, what can be asked for or done without. What is left
// after the last step fits the shortest maxBody there is.
func (s *PaymentState) shed(step int) bool {
	switch step {
	case 0:
		s.ReceiptOmitted = s.PaymentReceipt != nil
		s.PaymentReceipt = nil
	case 1:
		if s.AcquirerResult != nil {
			s.AcquirerResult = &Result{ResultStatus: s.AcquirerResult.ResultStatus, ResultCode: s.AcquirerResult.ResultCode}
		}
	case 2:
		s.Display = nil
	case 3:
		s.AcquirerResult = nil
	case 4:
		s.PaymentTime = ""
	case 5:
		s.PaymentID = ""
	default:
		return false
	}
	return true
}

// displayed is a copy of a state whose display fits a register's.
func displayed(s *PaymentState) *PaymentState {
	if s == nil {
		return nil
	}
	told := *s
	told.Display = nil
	for _, line := range s.Display[:min(len(s.Display), mostDisplayLines)] {
		columns := []rune(line)
		told.Display = append(told.Display, string(columns[:min(len(columns), mostDisplayColumns)]))
	}
	return &told
}

func done() Result { return Result{ResultStatus: ResultDone, ResultCode: CodeSuccess} }

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

// escapeBeyondASCII writes what is not printable ASCII as \uXXXX. In JSON text
// that stands only inside strings.
func escapeBeyondASCII(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r >= rune(firstPrintable) && r <= rune(lastPrintable):
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
