package device

import (
	"context"
	"fmt"
	"time"
)

// ask is a request that was understood and concerns the engine. It gives the
// body of the response to the frame re in at most limit bytes, and the state
// that the body tells of, if it does.
type ask func(ctx context.Context, e Engine, register, re string, limit int) ([]byte, State)

// agreement is what an initConnection settles for the link (register-link §3).
type agreement struct {
	register string // as the register calls itself
	software string
	events   bool
	maxBody  int
}

// call is one understood request. Exactly one of its last three is set.
type call struct {
	method string
	open   *agreement // initConnection
	echo   *string    // echo
	ask    ask
}

// patience is T3: how long a response to this request may take (register-link §2).
func (c call) patience() time.Duration {
	if c.isSlow() {
		return timeT3Diagnosis
	}
	return timeT3
}

// isSlow says that the request is answered beside the others.
func (c call) isSlow() bool { return c.method == "diagnosis" }

// understand reads a request of the register. The refusal is what to answer;
// call.method is set with it wherever it could be read.
func understand(r request) (call, *refusal) {
	if r.body == nil {
		return call{}, &refusal{CodeTooLong, fmt.Sprintf("%d bytes are more than was agreed", r.length)}
	}
	m, bad := parseBody(r.body)
	if bad != nil {
		return call{}, bad
	}
	c := call{method: readableMethod(m)}
	if m.refused != nil {
		return c, m.refused
	}
	method := m.text("method", 1, mostBody)
	if m.refused != nil {
		return c, m.refused
	}
	if isOpening := method == "initConnection"; isOpening != (r.seq == 0) {
		return c, illegal("SEQ", "00 with initConnection and only there")
	}
	if !c.read(method, m, r.at) {
		return c, &refusal{CodeUnknownMethod, "not a method of version " + protocolVersion}
	}
	return c, m.refused
}

// read takes the members of a method; false where there is no such method.
func (c *call) read(method string, m *members, now time.Time) bool {
	switch method {
	case "initConnection":
		c.open = readAgreement(m)
	case "echo":
		text := m.text("text", 0, 256)
		c.echo = &text
	case "diagnosis":
		c.ask = askDiagnosis
	case "pay":
		c.ask = readPay(m)
	case "inquiryPayment":
		c.ask = readInquiryPayment(m)
	case "receipt":
		c.ask = readReceipt(m)
	case "abort":
		c.ask = readAbort(m)
	case "refund":
		c.ask = readRefund(m)
	case "inquiryRefund":
		c.ask = readInquiryRefund(m)
	case "lastResult":
		c.ask = replying(method, Engine.LastResult)
	case "totals":
		c.ask = readTotals(m, now)
	case "delivered":
		c.ask = readDelivered(m)
	default:
		return false
	}
	return true
}

func readAgreement(m *members) *agreement {
	a := agreement{
		register: m.printable("register", 32),
		software: m.optionalText("software", 64),
		events:   m.optionalBool("events", true),
		maxBody:  int(m.optionalInteger("maxBody", leastMaxBody, mostBody)),
	}
	if a.maxBody == 0 {
		a.maxBody = defaultMaxBody
	}
	return &a
}

// readableMethod is the request's method as far as it can be said back, or
// empty: it must be a string, given once, and not too long for an answer.
func readableMethod(m *members) string {
	if m.refused != nil && m.refused.message == illegal("method", "given twice").message {
		return ""
	}
	raw := m.raw("method")
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	if method := unquote(raw); clip(method) == method {
		return method
	}
	return ""
}
