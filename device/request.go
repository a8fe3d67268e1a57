package device

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ask is a request that was understood and concerns the engine.
type ask func(ctx context.Context, e Engine, register string) Reply

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
	if !c.read(method, m) {
		return c, &refusal{CodeUnknownMethod, "not a method of version " + protocolVersion}
	}
	return c, m.refused
}

// read takes the members of a method; false where there is no such method.
func (c *call) read(method string, m *members) bool {
	switch method {
	case "initConnection":
		c.open = readAgreement(m)
	case "echo":
		text := m.text("text", 0, 256)
		c.echo = &text
	case "pay":
		c.ask = readPay(m)
	case "inquiryPayment":
		c.ask = readInquiryPayment(m)
	case "lastResult":
		c.ask = func(ctx context.Context, e Engine, register string) Reply {
			return e.LastResult(ctx, register)
		}
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

func readPay(m *members) ask {
	pay := Pay{
		PaymentRequestID:        m.id("paymentRequestId"),
		PaymentMethod:           m.text("paymentMethod", 1, 64),
		PaymentAmount:           m.amount("paymentAmount"),
		OriginalMerchantOrderID: m.optionalText("originalMerchantOrderId", 255),
		OriginalMerchantStoreID: m.optionalText("originalMerchantStoreId", 255),
		ExtendInfo:              m.optionalText("extendInfo", 2048),
	}
	millis := m.optionalInteger("commandExecuteTimeout", 5000, 600000)
	pay.CommandExecuteTimeout = time.Duration(millis) * time.Millisecond
	return func(ctx context.Context, e Engine, register string) Reply {
		return e.Pay(ctx, register, pay)
	}
}

func readInquiryPayment(m *members) ask {
	id := m.id("paymentRequestId")
	return func(ctx context.Context, e Engine, register string) Reply {
		return e.InquiryPayment(ctx, register, id)
	}
}

func readDelivered(m *members) ask {
	id, rev := m.id("paymentRequestId"), m.integer("rev", 1, mostRev)
	return func(ctx context.Context, e Engine, register string) Reply {
		return e.Delivered(ctx, register, id, rev)
	}
}

// readableMethod is the request's method as far as it can be said back, or
// empty: it must be a string, given once, and not too long for an answer.
func readableMethod(m *members) string {
	if m.refused != nil && m.refused.message == illegal("method", "given twice").message {
		return ""
	}
	var method string
	if err := json.Unmarshal(m.values["method"], &method); err != nil || clip(method) != method {
		return ""
	}
	return method
}
