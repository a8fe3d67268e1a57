package sandbox

import (
	"slices"
	"time"
)

// Cruelty is one entry of the book: one way for a gateway to go wrong.
type Cruelty struct {
	Name         string
	Sentence     string        // what happens, as in the package's table
	Ending       int           // the last two digits of an amount that call it at the till; 0 is none
	Calls        []string      // the calls it can be armed for, the usual one first
	Duration     time.Duration // how long, unless a plan says; 0 where it takes none
	Questions    int           // how many, unless a plan says; 0 where it takes none
	BreaksPledge bool          // Antom itself pledges that this never happens; a mix leaves it out

	deed deed
}

// deed is what a cruelty does, step by step; a nil step does nothing. A step
// that ends the call (call.end) ends the steps.
type deed struct {
	before func(*call)                // the request is judged good, the ledger knows nothing
	terms  func(*call, *terms)        // how the ledger takes it
	after  func(*call)                // the ledger has acted, nothing is answered
	alter  func(*call, *answer)       // what is said
	body   func(*call, []byte) []byte // its bytes, before encryption and signature
	seal   func(*call, *envelope)     // how it is sealed
	write  func(*call, []byte)        // how the body goes on the wire
	replay bool                       // an older letter goes out instead
}

// Book returns every cruelty there is, grouped by what goes wrong. A new one is
// an entry in one of the five lists and a line in the package's table.
func Book() []Cruelty {
	return slices.Concat(outcomes(), losses(), forgeries(), lies(), oddities())
}

func inBook(fits func(Cruelty) bool) (Cruelty, bool) {
	book := Book()
	if i := slices.IndexFunc(book, fits); i >= 0 {
		return book[i], true
	}
	return Cruelty{}, false
}

func anyCall() []string {
	return []string{callPay, callInquiryPayment, callRefund, callInquiryRefund, callDiagnosis}
}

func moneyCalls() []string { return []string{callPay, callRefund} }

// outcomes change what the ledger does, and are answered truly.
func outcomes() []Cruelty {
	return []Cruelty{
		{Name: "decline", Ending: 61, Calls: moneyCalls(),
			Sentence: "the payment or refund is refused for good and no money moves",
			deed:     deed{terms: func(_ *call, t *terms) { t.decline = true }}},
		{Name: "in_progress", Ending: 73, Calls: moneyCalls(), Questions: 2,
			Sentence: "U first; the money moves after some questions, or after a duration",
			deed:     deed{terms: opens}},
		{Name: "decline_later", Ending: 84, Calls: moneyCalls(), Questions: 2,
			Sentence: "U first; the payment fails after some questions, or after a duration",
			deed:     deed{terms: func(c *call, t *terms) { opens(c, t); t.decline = true }}},
		{Name: "pending", Ending: 86, Calls: []string{callPay}, Questions: 2,
			Sentence: "the money moves; PENDING until some questions were asked, or for a duration",
			deed:     deed{terms: func(c *call, t *terms) { opens(c, t); t.open, t.pending = false, true }}},
		{Name: "slow_customer", Ending: 83, Calls: []string{callPay}, Duration: 10 * time.Second,
			Sentence: "in progress while the call blocks; the money moves after a duration, even if nobody waits any more",
			deed:     deed{terms: opens, after: waitForCustomer}},
		{Name: "forgetful", Ending: 81, Calls: moneyCalls(), BreaksPledge: true,
			Sentence: "breaks Antom's promise: a repeat of the same id moves the money again",
			deed:     deed{terms: func(_ *call, t *terms) { t.forgetful = true }}},
	}
}

// opens leaves the outcome open: for the plan's duration, or where that is none
// for its questions.
func opens(c *call, t *terms) {
	t.open, t.questions = true, c.armed.questions
	if d := c.armed.duration; d > 0 {
		t.endsAt = c.at.Add(d)
	}
}

func waitForCustomer(c *call) {
	c.hang(c.armed.duration)
	if c.fate == "" {
		c.answer = c.s.ledger.pay(c.s.options.Now(), c.req, terms{})
	}
}

// answerTimeout is how long a pay may take; a hang lasts as long unless it is
// told otherwise (Antom v2, USB mode).
const answerTimeout = 2 * time.Minute

// losses lose the request or its answer, before or after the money has moved.
func losses() []Cruelty {
	hang := func(c *call) { c.hang(c.armed.duration) }
	return []Cruelty{
		{Name: "hang_before", Ending: 62, Calls: anyCall(), Duration: answerTimeout,
			Sentence: "nothing is booked while the request lies unanswered; afterwards it is taken up if the caller is still there",
			deed:     deed{before: hang}},
		{Name: "hang_after", Ending: 63, Calls: anyCall(), Duration: answerTimeout,
			Sentence: "the money moves, then the request lies unanswered",
			deed:     deed{after: hang}},
		{Name: "close_before", Ending: 64, Calls: anyCall(),
			Sentence: "the connection is closed once the request has been read; nothing is booked",
			deed:     deed{before: hangUp}},
		{Name: "close_after", Ending: 66, Calls: anyCall(),
			Sentence: "the money moves, then the connection is closed without an answer",
			deed:     deed{after: hangUp}},
		{Name: "html_before", Ending: 67, Calls: anyCall(),
			Sentence: "a 502 page in HTML; nothing is booked",
			deed:     deed{before: badGateway}},
		{Name: "html_after", Ending: 68, Calls: anyCall(),
			Sentence: "the money moves, then the answer is a 502 page in HTML",
			deed:     deed{after: badGateway}},
		{Name: "not_found", Ending: 74, Calls: []string{callPay, callInquiryPayment}, Duration: 10 * time.Second,
			Sentence: "the money moves and the connection is closed; for a duration inquiries do not find the payment",
			deed:     deed{terms: hide, after: hangUpOnPay, alter: denyOnInquiry}},
		{Name: "late_arrival", Ending: 82, Calls: []string{callPay}, Duration: 5 * time.Second,
			Sentence: "the connection is closed and the request takes effect after a duration, nobody waiting",
			deed:     deed{before: arriveLate}},
		{Name: "cut_answer", Ending: 88, Calls: anyCall(),
			Sentence: "the money moves; the connection is closed in the middle of the answer",
			deed:     deed{write: writeHalf}},
		{Name: "trickle", Ending: 98, Calls: anyCall(), Duration: 10 * time.Second,
			Sentence: "the true answer, a few bytes at a time over a duration",
			deed:     deed{write: trickle}},
		{Name: "refuse", Calls: anyCall(), Duration: 2 * time.Second,
			Sentence: "the connection is closed, and for a duration nobody listens: new ones are refused",
			deed:     deed{before: shutGate}},
	}
}

func hide(c *call, t *terms) { t.hiddenUntil = c.at.Add(c.armed.duration) }

func hangUpOnPay(c *call) {
	if c.name == callPay {
		hangUp(c)
	}
}

// denyOnInquiry is not_found armed for inquiries: the next n find nothing.
func denyOnInquiry(c *call, a *answer) {
	if c.name == callInquiryPayment {
		*a = *notExistNamed(c.req.PaymentRequestID)
	}
}

func hangUp(c *call) { c.end(FateClosed, true) }

func arriveLate(c *call) {
	c.s.ledger.postpone(c.at.Add(c.armed.duration), c.req)
	hangUp(c)
}

func shutGate(c *call) {
	c.s.gate.shut(c.armed.duration)
	hangUp(c)
}
