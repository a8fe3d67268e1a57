package main

import (
	"strings"
	"testing"
	"time"

	"posagent/queue"
)

// told are facts about a payment as they are in the afternoon, the agent running.
func told(p queue.Payment, events ...queue.Event) facts {
	return facts{
		now: at("14:30:00.000"), zone: shopZone(), file: "/etc/posagent/posagent.toml", listen: "unix:/run/posagent/status.sock",
		running: true, payment: &p, events: events,
	}
}

func event(clock string, kind queue.EventKind, text string) queue.Event {
	return queue.Event{At: at(clock), Kind: kind, Text: text}
}

// explained are the payments and refunds whose stories are in testdata.
func explained() map[string]facts {
	stored := event("14:05:10.000", queue.EventStored, "lane1: 1050 SGD by ALIPAY_CN")
	all := map[string]facts{
		"paid": told(paidRow("R03_000117"), stored,
			event("14:05:11.200", queue.EventAnswer, "paid: S SUCCESS: success"),
			event("14:05:11.200", queue.EventOutcome, "paid: S SUCCESS: success"),
			event("14:05:11.420", queue.EventDelivered, "")),
	}

	p := sendingRow("R03_000118")
	p.Attempts, p.OpenAttempts = 3, 2
	under := told(p, stored, event("14:05:55.000", queue.EventAnswer, "unknown: no answer in 45s"), event("14:05:55.250", queue.EventAttempt, "number 2"))
	under.now = at("14:06:00.000")
	all["under-way"] = under

	p.State, p.InDoubt, p.Next, p.Due, p.Inquiries = queue.Unresolved, true, queue.Inquire, at("15:02:00.000"), 25
	doubt := told(p, stored,
		event("14:05:55.000", queue.EventAnswer, "unknown: no answer in 45s: Post \"https://host/openapi/v2/pay\": context deadline exceeded"),
		event("14:07:10.000", queue.EventDoubt, ""),
		event("14:07:10.300", queue.EventInquiry, "unknown: dial tcp: lookup host: no such host"),
		event("14:20:01.000", queue.EventRestart, "unresolved"))
	all["in-doubt"] = doubt
	down := doubt
	down.running = false
	all["in-doubt-agent-down"] = down

	off := doubt
	called := p
	called.AbortAt = at("14:06:30.000")
	off.payment = &called
	all["in-doubt-called-off"] = off

	aborted := p
	aborted.InDoubt, aborted.AbortAt = false, at("14:06:30.000")
	call := told(aborted, stored, event("14:06:30.000", queue.EventAbort, ""))
	call.now = at("14:06:32.000")
	all["being-cancelled"] = call

	late := paidRow("R03_000119")
	late.AbortAt, late.Reversal, late.Rev, late.Delivered = at("14:05:10.700"), queue.RefundPending, 3, 2
	undo := queue.Refund{
		ID: late.ReversalID(), PaymentRequestID: late.ID, Register: "lane1", AmountMinor: 1050, Currency: "SGD",
		Reversal: true, State: queue.RefundSending, Rev: 1, ReceivedAt: at("14:05:11.300"),
	}
	undo.Attempts, undo.Next, undo.Due = 4, queue.GiveBack, at("14:30:05.000")
	back := told(late, stored, event("14:05:10.700", queue.EventAbort, ""), event("14:05:11.200", queue.EventOutcome, "paid: S SUCCESS"),
		event("14:05:11.200", queue.EventReversal, "PENDING"))
	back.refunds = []queue.Refund{undo}
	all["late-abort"] = back
	own := back
	own.refund, own.refunds, own.events = &undo, nil, []queue.Event{event("14:05:11.300", queue.EventStored, "late abort: 1050 SGD of R03_000119")}
	all["reversal"] = own
	late.Reversal = queue.RefundFailed
	failed := told(late, stored)
	all["late-abort-failed"] = failed
	late.Reversal = ""
	kept := told(late, stored)
	kept.keep = true
	all["late-abort-kept"] = kept

	partly := told(paidRow("R03_000117"), stored)
	r := refundRow("B_17")
	partly.refunds = []queue.Refund{r}
	all["refunded-in-part"] = partly
	refund := partly
	refund.refund, refund.refunds = &r, nil
	refund.now = at("16:00:00.000")
	refund.events = []queue.Event{event("15:00:00.000", queue.EventStored, "lane2: 300 SGD of R03_000117"),
		event("15:00:01.500", queue.EventAnswer, "refunded: S SUCCESS"), event("15:00:01.500", queue.EventOutcome, "refunded: S SUCCESS")}
	all["refund"] = refund
	r2 := r
	r2.State, r2.Result = queue.RefundRefused, queue.Result{Status: "F", Code: "REFUND_AMOUNT_EXCEED", Message: "more than is left"}
	refused := refund
	refused.refund, refused.events = &r2, refused.events[:1]
	all["refund-refused"] = refused

	no := paidRow("R03_000120")
	no.State, no.PaymentID, no.Result, no.Delivered = queue.Failed, "", queue.Result{Status: "F", Code: "PAYMENT_FAIL", Message: "the customer's bank declines"}, 0
	all["not-paid"] = told(no, stored)
	no.Result = queue.Result{Status: "F", Code: "DEVICE_NOT_CONNECT", Message: "the acquirer could not be reached; nothing was sent"}
	all["never-left"] = told(no, stored)
	no.Result = queue.Result{}
	all["not-found"] = told(no)

	never := queue.Payment{Command: queue.Command{ID: "R03_000121"}, Register: "lane2", State: queue.Cancelled, Rev: 1,
		AbortAt: at("14:10:00.000"), ReceivedAt: at("14:10:00.000"), Result: queue.Result{Status: "F", Code: "AGENT_ABORTED"}}
	never.EndedAt, never.Delivered = at("14:10:00.000"), 1
	all["aborted-before-paid"] = told(never)

	person := paidRow("R03_000122")
	person.Result, person.PaymentID = queue.Result{Status: "S", Code: "AGENT_RESOLVED", Message: "Ann Tan: listed as successful in the portal, 25 Nov 14:05"}, ""
	person.EndedAt = at("14:29:00.000")
	word := event("14:29:00.000", queue.EventResolved, "paid: Ann Tan: listed as successful in the portal, 25 Nov 14:05: seen 2026-11-25T06:28:00Z")
	all["resolved-paid"] = told(person, stored, word)
	person.AbortAt, person.Reversal = at("14:05:30.000"), queue.RefundFailed
	all["resolved-paid-called-off"] = told(person, stored, word)
	person.AbortAt, person.Reversal, person.State = time.Time{}, "", queue.Failed
	person.Result.Status, person.Result.Message = "F", "Ann Tan: not listed an hour later; Antom's support says so too"
	all["resolved-not-paid"] = told(person, stored)

	damaged := told(paidRow("R03_000123"), stored)
	damaged.damaged = queue.ErrDamaged
	all["damaged"] = damaged
	return all
}

// Every story fits a screen and reads as it was reviewed: look at what -update writes
// before you commit it.
func TestEveryStoryReadsAsItWasReviewed(t *testing.T) {
	for name, f := range explained() {
		t.Run(name, func(t *testing.T) { golden(t, "explain/"+name, f.text()) })
	}
}

// P3 in words: of what is open, no sentence says that it is paid or not paid, and
// nobody is told to charge again.
func TestOfWhatIsOpenNothingIsSaidThatIsNotKnown(t *testing.T) {
	for name, f := range explained() {
		if f.refund != nil || f.damaged == nil && f.payment.State.Final() {
			continue
		}
		text := strings.Join(strings.Fields(f.text()), " ")
		for _, claim := range []string{"PAID.", "It is paid", "is not paid.", "can be charged again", "hand over the goods"} {
			if strings.Contains(text, claim) {
				t.Errorf("%s: says %q", name, claim)
			}
		}
		if !strings.Contains(text, "Don't charge again") && !strings.Contains(text, "Wait before charging again") {
			t.Errorf("%s: shop staff are not told to wait", name)
		}
	}
}

func TestAnUnknownIDIsToldWhereElseToLook(t *testing.T) {
	paid, old := paidRow("R03_000117"), told(paidRow("R03_000171"))
	s := stranger{
		now: at("14:30:00.000"), zone: shopZone(), id: "R03_000171", store: "/var/lib/posagent/posagent.db",
		registers: []string{"lane1", "lane2"}, near: []queue.Record{{Payment: &paid}},
	}
	golden(t, "explain/unknown", s.text())
	s.lostAt, s.aside = at("09:00:00.000"), []string{"/var/lib/posagent/posagent.db.damaged-20261125T010000Z"}
	golden(t, "explain/unknown-rows-lost", s.text())
	s.inAside, s.asideFile = &old, s.aside[0]
	golden(t, "explain/unknown-set-aside", s.text())
}

func TestAMistypedIDFindsItsLikes(t *testing.T) {
	ids := []string{"R03_000117", "R03_000118", "R03_000999", "B_17", "TILL_1", "X"}
	for id, want := range map[string]string{
		"R03_000177": "R03_000117", "r03-ooo117": "R03_000117", "R03_00117": "R03_000117 R03_000118", "TILL1": "TILL_1", "000999": "R03_000999",
		"R03_001017": "R03_000117", "COMPLETELY_ELSE": "", "Y": "",
	} {
		got := strings.Join(spelledLike(id, ids), " ")
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q first", id, got, want)
		}
	}
}
