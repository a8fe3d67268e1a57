package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// forgeries are answers that must not be believed, whatever they say.
func forgeries() []Cruelty {
	return []Cruelty{
		{Name: "unsigned", Ending: 69, Calls: anyCall(),
			Sentence: "the true answer without a Signature header",
			deed:     deed{seal: func(_ *call, e *envelope) { e.signer = nil }}},
		{Name: "wrong_key", Ending: 71, Calls: anyCall(),
			Sentence: "the true answer signed with a key that is not Antom's",
			deed:     deed{seal: func(c *call, e *envelope) { e.signer = c.s.stranger() }}},
		{Name: "other_bytes", Ending: 72, Calls: anyCall(),
			Sentence: "Antom's key, but the signature covers other bytes than the body",
			deed:     deed{seal: func(_ *call, e *envelope) { e.otherBytes = true }}},
		{Name: "forged_decline", Ending: 77, Calls: anyCall(),
			Sentence: "the money moves; the answer is an unsigned failure in the clear, of the very payment asked about",
			deed: deed{alter: forgedDecline,
				seal: func(_ *call, e *envelope) { e.signer, e.wrapFor = nil, nil }}},
		{Name: "forged_success", Ending: 87, Calls: []string{callPay, callRefund},
			Sentence: "an unsigned S in the clear; nothing is booked",
			deed: deed{before: func(c *call) { c.reply(c.forgedSuccess()) },
				seal: func(_ *call, e *envelope) { e.signer, e.wrapFor = nil, nil }}},
		{Name: "replayed", Ending: 94, Calls: anyCall(),
			Sentence: "an older signed answer to the same call is sent again in place of the true one",
			deed:     deed{replay: true}},
		{Name: "foreign_payment_id", Ending: 96, Calls: []string{callPay, callInquiryPayment, callInquiryRefund},
			Sentence: "the true answer, but with the paymentId of another payment",
			deed:     deed{alter: foreignPaymentID}},
		{Name: "other_client", Calls: anyCall(),
			Sentence: "the true answer, signed in the name of another Client-Id",
			deed:     deed{seal: func(_ *call, e *envelope) { e.clientID += "9" }}},
		{Name: "other_id", Calls: []string{callInquiryPayment, callRefund, callInquiryRefund},
			Sentence: "the true answer, but it speaks of another paymentRequestId, refundRequestId or refundId",
			deed:     deed{alter: otherID}},
		{Name: "unnamed", Calls: []string{callInquiryPayment, callRefund, callInquiryRefund},
			Sentence: "the true answer without the id that was asked about",
			deed: deed{alter: func(_ *call, a *answer) {
				a.PaymentRequestID, a.RefundRequestID = "", ""
				if a.RefundStatus != "" {
					a.RefundID = ""
				}
			}}},
		{Name: "clock_off", Ending: 97, Calls: anyCall(), Duration: 3 * time.Hour,
			Sentence: "the true answer, dated and signed a duration in the past",
			deed:     deed{seal: func(c *call, e *envelope) { e.at = e.at.Add(-c.armed.duration) }}},
		{Name: "wrong_encryption", Calls: anyCall(),
			Sentence: "the true answer, signed, but encrypted for somebody else's key",
			deed:     deed{seal: wrapForStranger}},
	}
}

// forgedDecline is what a forger would have liked the ledger not to say: in an inquiry
// the status speaks of the payment, elsewhere the result does.
func forgedDecline(c *call, a *answer) {
	if c.name != callInquiryPayment {
		*a = *failed()
		return
	}
	*a = *success()
	a.PaymentRequestID, a.PaymentStatus = c.req.PaymentRequestID, "FAIL"
}

// forgedSuccess is what a forger would have liked the ledger to say.
func (c *call) forgedSuccess() *answer {
	a := success()
	if c.name == callRefund {
		a.RefundRequestID, a.RefundID = c.req.RefundRequestID, "SANDBOX_FORGED_"+c.req.RefundRequestID
		return a
	}
	a.PaymentID = "SANDBOX_FORGED_" + c.req.PaymentRequestID
	return a
}

func foreignPaymentID(c *call, a *answer) {
	if other, found := c.s.ledger.foreign(a.PaymentID); found && a.PaymentID != "" {
		a.PaymentID = other
	}
}

func otherID(_ *call, a *answer) {
	for _, id := range []*string{&a.PaymentRequestID, &a.RefundRequestID, &a.RefundID} {
		if *id != "" {
			*id += "9"
			return
		}
	}
}

func wrapForStranger(c *call, e *envelope) {
	if e.wrapFor != nil {
		e.wrapFor = &c.s.stranger().PublicKey
	}
}

// lies carry Antom's own signature and still do not say what happened.
func lies() []Cruelty {
	alter := func(a answer) deed {
		return deed{alter: func(_ *call, said *answer) { *said = a }}
	}
	return []Cruelty{
		{Name: "truncated_json", Ending: 76, Calls: anyCall(),
			Sentence: "the money moves; the answer is signed but its JSON ends in the middle",
			deed:     deed{body: func(_ *call, b []byte) []byte { return b[:len(b)/2] }}},
		{Name: "no_result", Ending: 78, Calls: anyCall(),
			Sentence: "the money moves; the signed answer has no result",
			deed:     deed{alter: func(_ *call, a *answer) { a.Result = nil }}},
		{Name: "unknown_status", Ending: 79, Calls: anyCall(),
			Sentence: "the money moves; the signed answer's resultStatus is a letter nobody knows",
			deed:     deed{alter: func(_ *call, a *answer) { a.Result.Status = "X" }}},
		{Name: "unknown_code", Ending: 89, Calls: anyCall(),
			Sentence: "the money moves; the signed answer is F with a code nobody knows",
			deed:     alter(*says("F", "SANDBOX_NOVEL_CODE", "a code that is in no list"))},
		{Name: "system_error", Ending: 91, Calls: anyCall(),
			Sentence: "the money moves; the signed answer is F DPOS_SYSTEM_ERROR",
			deed:     alter(*says("F", "DPOS_SYSTEM_ERROR", "system error"))},
		{Name: "inconsistent", Ending: 92, Calls: moneyCalls(),
			Sentence: "the money moves; the signed answer is F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT",
			deed:     alter(*says("F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", "repeated with other content"))},
		{Name: "busy", Ending: 93, Calls: anyCall(),
			Sentence: "the money moves; the signed answer is F TERMINAL_BUSY",
			deed:     alter(*says("F", "TERMINAL_BUSY", "the terminal is busy"))},
		{Name: "huge", Calls: anyCall(),
			Sentence: "the true answer, padded beyond a mebibyte and signed",
			deed:     deed{body: pad}},
		{Name: "not_json", Calls: anyCall(),
			Sentence: "the answer is signed but is not JSON",
			deed:     deed{body: func(*call, []byte) []byte { return []byte("SUCCESS") }}},
	}
}

// pad adds one long member to a JSON object.
func pad(_ *call, body []byte) []byte {
	long, _ := json.Marshal(string(bytes.Repeat([]byte("0"), maxBody))) // a string always marshals
	return append(append([]byte(`{"padding":`), long...), append([]byte(","), body[1:]...)...)
}

// oddities are true, and spelt as Antom may spell them.
func oddities() []Cruelty {
	return []Cruelty{
		{Name: "response_time", Calls: anyCall(),
			Sentence: "the true answer, its time in Response-Time only",
			deed:     deed{seal: func(_ *call, e *envelope) { e.timeHeader = "Response-Time" }}},
		{Name: "amounts_as_strings", Calls: []string{callInquiryPayment},
			Sentence: "the true answer, its amounts as digits in a string",
			deed:     deed{alter: amountsAsStrings}},
	}
}

func amountsAsStrings(_ *call, a *answer) {
	if paid, ok := a.PaymentAmount.(amount); ok {
		a.PaymentAmount = textAmount{strconv.FormatInt(paid.ValueMinor, 10), paid.Currency}
	}
}

// badGateway is the page of a proxy in front of Antom.
func badGateway(c *call) {
	page := "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n" +
		"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	h := http.Header{}
	h.Set("Content-Type", "text/html")
	c.post(&letter{http.StatusBadGateway, h, []byte(page)})
}

// writeHalf promises the whole answer, writes half of it and closes.
func writeHalf(c *call, body []byte) {
	_, _ = c.w.Write(body[:len(body)/2]) // the connection is closed either way
	_ = http.NewResponseController(c.w).Flush()
	c.end(FateClosed, true)
}

// trickleParts is how many pieces a trickled answer comes in.
const trickleParts = 20

func trickle(c *call, body []byte) {
	pause := time.NewTicker(max(c.armed.duration/trickleParts, 1))
	defer pause.Stop()
	for i := range trickleParts {
		c.write(body[i*len(body)/trickleParts : (i+1)*len(body)/trickleParts])
		if c.fate != FateAnswered || http.NewResponseController(c.w).Flush() != nil {
			c.end(FateGone, true)
			return
		}
		select {
		case <-pause.C:
		case <-c.r.Context().Done():
			c.end(FateGone, true)
			return
		}
	}
}
