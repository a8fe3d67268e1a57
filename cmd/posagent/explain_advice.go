package main

import (
	"fmt"
	"slices"
	"strings"

	"posagent/queue"
)

// staff is what shop staff do: nothing that takes more than the register.
func (f facts) staff() []string {
	switch {
	case f.refund != nil:
		return f.staffRefund(*f.refund)
	case f.payment.NeverPaid():
		return []string{"Sell again under a new id: the register makes one by itself."}
	}
	p := *f.payment
	switch {
	case p.Reversal == queue.RefundFailed:
		return []string{"The customer has paid, and the money is not back although the sale was called off. Don't charge again; call the technician."}
	case p.State == queue.Paid && !p.AbortAt.IsZero() && p.Reversal != "":
		return []string{"Hand nothing over for this payment, and charge the sale anew if the customer still wants it: this money goes back."}
	case p.State == queue.Paid && p.KnownFrom() == queue.FromPerson:
		return []string{"It is paid. Don't charge again. The register can't give it back, only Antom's portal can."}
	case p.State == queue.Paid && !p.AbortAt.IsZero():
		return []string{"It is paid. If the sale is off, give the money back at the register (refund)."}
	case p.State == queue.Paid:
		return []string{"It is paid: hand over the goods. Don't charge again."}
	case p.State.Final():
		return []string{"It is not paid. The sale can be charged again; the register takes a new id."}
	case p.InDoubt:
		list := []string{
			"Don't charge again. Look at the customer's own app or bank: if the money went out, it is paid.",
			"If the customer can't wait, write down the id and how to reach them. The register shows the end as soon as it is known.",
		}
		if !p.AbortAt.IsZero() {
			list = append(list, "The sale was called off: if it was paid, the agent "+f.lateWords()+".")
		}
		return list
	case !p.AbortAt.IsZero():
		return []string{"Wait before charging again: it may have been paid. If it was, the agent " + f.lateWords() + "."}
	}
	return []string{"Wait. Don't charge again: sending the same sale again from the register is safe, a new one is not."}
}

func (f facts) lateWords() string {
	if f.keep {
		return "keeps the money and the register says PAID"
	}
	return "gives the money back by itself"
}

func (f facts) staffRefund(r queue.Refund) []string {
	switch r.State {
	case queue.Refunded:
		return []string{"It is given back. When the customer sees it depends on their bank or wallet."}
	case queue.RefundRefused:
		return []string{"It was not given back. Find out why with the technician before you pay it out in cash."}
	}
	return []string{"Don't give it back another way meanwhile: it would be given twice."}
}

// technician is what somebody at the box does.
func (f facts) technician() []string {
	var list []string
	if f.open() && !f.running {
		list = append(list, "See that the agent runs, and why not.\nsystemctl status posagent")
	}
	if f.open() && f.sentElsewhere() {
		list = append(list, "It was sent to another base_url or client_id than the agent has now, which does not know it. Put the old ones back in the "+
			"configuration and restart the agent, until it has ended: only there can it be found.")
	}
	switch {
	case f.refund != nil:
		return append(list, f.technicianRefund(*f.refund)...)
	case f.payment.Reversal == queue.RefundFailed:
		return append(list, f.givenBackByHand()...)
	case f.payment.State.Final() && f.payment.KnownFrom() == queue.FromPerson:
		return append(list, "Should Antom's portal say otherwise later, the agent will not notice: it asks no more. Put it right in the portal and at the register.")
	case f.payment.InDoubt:
		return append(list, f.inDoubtAdvice(*f.payment)...)
	case f.payment.State == queue.Received, f.payment.State == queue.Sending, f.payment.State == queue.Unresolved:
		return append(list, "Nothing yet: the agent goes on by itself. If other sales hang too, find out why."+f.command("doctor"))
	case f.payment.Reversal == queue.RefundPending:
		return append(list, "Nothing: the refund is repeated until it is answered. How it stands:"+f.command("explain", f.payment.ReversalID()))
	}
	if len(list) == 0 && !f.payment.NeverPaid() && f.payment.Delivered != f.payment.Rev {
		list = append(list, "If the register stays silent, see its line."+f.command("status"))
	}
	return list
}

// sentElsewhere reports whether what was heard last is that another gateway has it.
func (f facts) sentElsewhere() bool {
	for _, e := range slices.Backward(f.events) {
		if e.Kind == queue.EventAnswer || e.Kind == queue.EventInquiry {
			return strings.HasSuffix(e.Text, notKnownYet) || strings.HasSuffix(e.Text, notSentHere)
		}
	}
	return false
}

// command is a line to be copied, behind a point's words.
func (f facts) command(name string, words ...string) string {
	return "\nposagent " + strings.Join(append([]string{name, "-config", shellWord(f.file)}, words...), " ")
}

// inDoubtAdvice is for a payment that the agent alone can't bring to its end.
func (f facts) inDoubtAdvice(p queue.Payment) []string {
	return []string{
		"See why Antom's answers don't come. With the network back it mostly ends by itself." + f.command("doctor"),
		fmt.Sprintf("If it stays open, look in Antom's portal for paymentRequestId %s, or for %s about %s. "+
			"If it is not listed at all, ask Antom's support before you call that not paid.", p.ID, money(p.AmountMinor, p.Currency), f.on(p.ReceivedAt)),
		"Then record what you saw, and nothing you only believe: with -paid or -not-paid. It is kept as your word, and calls nobody." +
			f.command("resolve", p.ID, "-paid", "-reason", `"what you saw, and where"`),
	}
}

func (f facts) technicianRefund(r queue.Refund) []string {
	switch {
	case r.State == queue.RefundRefused && r.Reversal:
		return f.givenBackByHand()
	case r.State == queue.RefundRefused:
		return []string{"Look at the payment in Antom's portal" + inWords(", paymentId ", r.PaymentID) + ": it may be given back already, or too old to be."}
	case r.State.Final():
		return nil
	case r.State == queue.RefundWaiting:
		return []string{"Nothing: it goes out once the one before it has ended. All of them:" + f.command("explain", r.PaymentRequestID)}
	}
	return []string{
		"See why Antom's answers don't come." + f.command("doctor"),
		"If it stays open, look in Antom's portal at payment " + or(r.PaymentID, r.PaymentRequestID) + " and its refunds.",
	}
}

// givenBackByHand is for money that the agent owes and can't give.
func (f facts) givenBackByHand() []string {
	p := f.payment
	if p == nil {
		return []string{"The customer is owed this money: give it back in Antom's portal."}
	}
	return []string{fmt.Sprintf("The customer is owed %s: look at paymentId %s in Antom's portal, see what of it is given back already, "+
		"and give the rest back there.", money(p.AmountMinor, p.Currency), or(p.PaymentID, "(none known; search for "+p.ID+")"))}
}
