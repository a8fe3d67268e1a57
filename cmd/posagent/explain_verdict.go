package main

import (
	"fmt"

	"posagent/queue"
)

// headline says what it is and how it stands, before all else.
func (f facts) headline() string {
	if f.refund != nil {
		return f.refundHeadline()
	}
	p := *f.payment
	text := fmt.Sprintf("Payment %s\n", p.ID)
	if p.NeverPaid() {
		return text + "\n" + paragraph(f.verdict())
	}
	text += paragraph(fmt.Sprintf("%s by %s at register %s, stored %s", money(p.AmountMinor, p.Currency), p.Method, p.Register, f.long(p.ReceivedAt)))
	return text + "\n" + paragraph(f.verdict())
}

func (f facts) refundHeadline() string {
	r := *f.refund
	text := fmt.Sprintf("Refund %s\n", r.ID)
	by := "asked for by register " + r.Register
	if r.Reversal {
		by = "the agent's own: it undoes a payment that was called off too late"
	}
	text += paragraph(fmt.Sprintf("%s of payment %s, %s, stored %s", money(r.AmountMinor, r.Currency), r.PaymentRequestID, by, f.long(r.ReceivedAt)))
	return text + "\n" + paragraph(f.refundVerdict())
}

// verdict is the one sentence that a payment comes down to.
func (f facts) verdict() string {
	p := *f.payment
	switch p.State {
	case queue.Paid:
		return f.paidVerdict(p)
	case queue.Failed:
		return "NOT PAID. " + f.notPaid(p)
	case queue.Cancelled:
		return "CANCELLED. " + f.cancelled(p)
	case queue.Received:
		return "UNDER WAY. Antom can't be reached, and so far nothing has left this box. " + f.windowWords(p)
	case queue.Sending:
		return "UNDER WAY. A request may have left, and no answer has decided it. " + f.windowWords(p)
	}
	if p.InDoubt {
		text := fmt.Sprintf("IN DOUBT. The payment window ended at %s, %s, and whether the money was taken is not known.",
			f.on(p.Deadline), f.away(p.Deadline))
		if !p.AbortAt.IsZero() {
			text += fmt.Sprintf(" The register called it off at %s.", f.on(p.AbortAt))
		}
		return text
	}
	return fmt.Sprintf("BEING CANCELLED. The register called it off at %s, when a request may have left already; "+
		"whether the money was taken is being found out.", f.on(p.AbortAt))
}

// windowWords is how long the agent may still pay.
func (f facts) windowWords(p queue.Payment) string {
	if p.Deadline.After(f.now) {
		return fmt.Sprintf("Its window is open until %s, for %s more.", f.on(p.Deadline), took(p.Deadline.Sub(f.now)))
	}
	return fmt.Sprintf("Its window ended at %s, %s, and no agent has taken note of that: one that runs again pays no more, and asks.",
		f.on(p.Deadline), f.away(p.Deadline))
}

func (f facts) paidVerdict(p queue.Payment) string {
	text := fmt.Sprintf("PAID. Antom said so at %s, %s after the command was stored.", f.on(p.EndedAt), took(p.EndedAt.Sub(p.ReceivedAt)))
	if p.KnownFrom() == queue.FromPerson {
		text = fmt.Sprintf("PAID, on a person's word and not on Antom's: recorded at %s, %s.", f.on(p.EndedAt), quoted(p.Result.Message))
	}
	if p.AbortAt.IsZero() {
		return text
	}
	text += fmt.Sprintf(" The register had called it off at %s; ", f.on(p.AbortAt))
	if p.KnownFrom() == queue.FromPerson {
		return text + "the agent gave nothing back, for a person's word starts no refund."
	}
	switch p.Reversal {
	case queue.RefundPending:
		return text + "the money is being given back, and is not back yet."
	case queue.RefundSuccess:
		return text + "the money was given back."
	case queue.RefundFailed:
		return text + "the money could NOT be given back by the agent."
	}
	return text + "it was kept, as late_abort = \"keep\" says."
}

func (f facts) notPaid(p queue.Payment) string {
	switch p.KnownFrom() {
	case queue.FromPerson:
		return fmt.Sprintf("That is a person's word and not Antom's: recorded at %s, %s.", f.on(p.EndedAt), quoted(p.Result.Message))
	case queue.FromAgent:
		return fmt.Sprintf("Antom could not be reached until the window ended at %s, and provably no byte of the payment left this box.", f.on(p.EndedAt))
	}
	if p.Result.Code == "" {
		return fmt.Sprintf("Antom said so at %s, asked when none of our requests could be on its way any more.", f.on(p.EndedAt))
	}
	return fmt.Sprintf("Antom said so at %s%s.", f.on(p.EndedAt), because(p.Result.Code, p.Result.Message))
}

func (f facts) cancelled(p queue.Payment) string {
	switch {
	case p.NeverPaid():
		return fmt.Sprintf("Register %s aborted this id at %s, before any pay command came for it. No money was taken, and none ever will be under this id: "+
			"a pay that comes later is refused.", p.Register, f.on(p.AbortAt))
	case p.KnownFrom() == queue.FromPerson:
		return fmt.Sprintf("That no money was taken is a person's word and not Antom's: recorded at %s, %s.", f.on(p.EndedAt), quoted(p.Result.Message))
	case p.KnownFrom() == queue.FromAgent:
		return fmt.Sprintf("The register called it off at %s, and no byte of the payment had left this box.", f.on(p.AbortAt))
	case p.AbortAt.IsZero():
		return fmt.Sprintf("Antom said at %s that it was called off and no money was taken%s.", f.on(p.EndedAt), because(p.Result.Code, p.Result.Message))
	}
	return fmt.Sprintf("The register called it off at %s, and Antom said at %s that no money was taken%s.",
		f.on(p.AbortAt), f.on(p.EndedAt), because(p.Result.Code, p.Result.Message))
}

// refundVerdict is the one sentence that a refund comes down to.
func (f facts) refundVerdict() string {
	r := *f.refund
	switch r.State {
	case queue.Refunded:
		if r.KnownFrom() == queue.FromPerson {
			return fmt.Sprintf("GIVEN BACK, on a person's word and not on Antom's: recorded at %s, %s.", f.on(r.EndedAt), quoted(r.Result.Message))
		}
		return fmt.Sprintf("GIVEN BACK. Antom said so at %s, %s after it was stored.", f.on(r.EndedAt), took(r.EndedAt.Sub(r.ReceivedAt)))
	case queue.RefundRefused:
		if r.KnownFrom() == queue.FromPerson {
			return fmt.Sprintf("NOT GIVEN BACK, on a person's word and not on Antom's: recorded at %s, %s.", f.on(r.EndedAt), quoted(r.Result.Message))
		}
		return fmt.Sprintf("NOT GIVEN BACK. Antom refused it, and said so at %s%s.", f.on(r.EndedAt), because(r.Result.Code, r.Result.Message))
	case queue.RefundWaiting:
		return "WAITING. Another refund of the same payment goes first: they are sent one at a time."
	case queue.RefundAsking:
		return fmt.Sprintf("UNDER WAY. Antom has taken it on as %s; the agent asks what became of it.", r.RefundID)
	}
	return fmt.Sprintf("UNDER WAY. The request is repeated, always the same, until Antom answers it; it was begun %s so far.", times(r.Attempts))
}

func quoted(text string) string { return "\"" + text + "\"" }
