package main

import (
	"fmt"

	"posagent/queue"
)

// known lists what is certain, whoever asks.
func (f facts) known() []string {
	if f.refund != nil {
		return f.refundKnown(*f.refund)
	}
	p := *f.payment
	if p.NeverPaid() {
		return nil // the verdict says it all
	}
	var list []string
	switch {
	case p.State == queue.Paid:
		list = append(list, f.paidKnown(p)...)
	case !p.State.Final():
		list = append(list, f.openKnown(p)...)
	}
	if p.State.Final() {
		list = append(list, f.toldKnown(p.Register, p.Delivered == p.Rev))
	}
	return append(list, f.refundsKnown()...)
}

func (f facts) paidKnown(p queue.Payment) []string {
	var list []string
	if p.PaymentID != "" {
		list = append(list, fmt.Sprintf("Antom's own name for it is paymentId %s%s.", p.PaymentID, inWords(", at Antom's time ", p.PaymentTime)))
	}
	if p.Attempts > 1 {
		list = append(list, fmt.Sprintf("The request went out %s, always the same under one id: Antom takes an id once.", times(p.Attempts)))
	}
	return list
}

func (f facts) openKnown(p queue.Payment) []string {
	var list []string
	switch {
	case p.State == queue.Received:
		list = append(list, "No money was taken so far: every attempt provably stayed in this box.")
	case p.OpenAttempts > 0:
		list = append(list, fmt.Sprintf("An attempt to pay was begun %s; %s may have reached Antom.", times(p.Attempts), amongThem(p.Attempts, p.OpenAttempts)))
	}
	switch {
	case p.State == queue.Unresolved:
		list = append(list, "The agent pays no more under this id, whatever happens: it only asks.")
	case p.PayNoMore:
		list = append(list, "A request was refused, so the agent pays no more under this id, and asks.")
	}
	if p.Inquiries > 0 {
		list = append(list, fmt.Sprintf("Antom was asked %s, and said nothing that ends it%s.", times(p.Inquiries), inWords("; its last word on the payment: ", p.Result.Code)))
	}
	if p.Pending {
		list = append(list, "Antom says: paid, and waiting for the last word.")
	}
	list = append(list, f.next(p.Trail)...)
	return append(list, "However often the register sends the identical pay, it is not charged twice.")
}

func amongThem(attempts, open int) string {
	if attempts == 1 {
		return "it"
	}
	return fmt.Sprintf("%d of these", open)
}

// next is what a running agent does next, and when.
func (f facts) next(t queue.Trail) []string {
	switch {
	case t.Next == queue.None || !f.running:
		return nil
	case t.Due.After(f.now):
		return []string{nextWords(t.Next) + " due " + f.away(t.Due) + "."}
	}
	return []string{nextWords(t.Next) + " under way, or about to be."}
}

func nextWords(a queue.Action) string {
	switch a {
	case queue.Pay:
		return "The next attempt is"
	case queue.GiveBack:
		return "The next request is"
	}
	return "The next question to Antom is"
}

// toldKnown is whether the register knows the end.
func (f facts) toldKnown(register string, delivered bool) string {
	if delivered {
		return fmt.Sprintf("Register %s has stored this end, and said so.", register)
	}
	return fmt.Sprintf("The agent tells register %s this end until it says that it has stored it.", register)
}

// refundsKnown lists what of a payment is given back, or on its way.
func (f facts) refundsKnown() []string {
	var list []string
	left := f.payment.AmountMinor
	for _, r := range f.refunds {
		word := map[queue.RefundState]string{
			queue.Refunded: "was given back", queue.RefundRefused: "was to be given back and was refused",
		}[r.State]
		if word == "" {
			word = "is being given back"
		}
		if r.State != queue.RefundRefused {
			left -= r.AmountMinor
		}
		list = append(list, fmt.Sprintf("%s of it %s (%s, %s).", money(r.AmountMinor, r.Currency), word, r.ID, f.on(r.ReceivedAt)))
	}
	if f.payment.State == queue.Paid && len(f.refunds) > 0 {
		list = append(list, fmt.Sprintf("%s of it is left.", money(max(left, 0), f.payment.Currency)))
	}
	return list
}

func (f facts) refundKnown(r queue.Refund) []string {
	var list []string
	if r.RefundID != "" {
		list = append(list, fmt.Sprintf("Antom's own name for it is refundId %s%s.", r.RefundID, inWords(", at Antom's time ", r.RefundTime)))
	}
	if p := f.payment; p != nil {
		list = append(list, fmt.Sprintf("The payment: %s, %s, Antom's paymentId %s.", p.ID, paymentWord(*p), or(p.PaymentID, "not known")))
	}
	switch {
	case r.State.Final() && r.Reversal:
		list = append(list, "The register is told of it as part of the payment.")
	case r.State.Final():
		list = append(list, f.toldKnown(r.Register, r.Delivered == r.Rev))
	default:
		list = append(list, "The request is always the same, so the money can't be given back twice.")
		list = append(list, f.next(r.Trail)...)
	}
	return list
}

// unknown lists what nobody here knows.
func (f facts) unknown() []string {
	var list []string
	switch {
	case f.refund != nil && !f.refund.State.Final():
		list = append(list, "Whether the customer has the money back.")
	case f.refund == nil && !f.payment.State.Final() && f.payment.State != queue.Received:
		list = append(list, fmt.Sprintf("Whether the customer was charged %s.", money(f.payment.AmountMinor, f.payment.Currency)))
	case f.refund == nil && f.payment.Reversal == queue.RefundPending:
		list = append(list, "Whether the money is back with the customer yet.")
	}
	if f.untold() {
		list = append(list, "Whether the register knows: it has not said that it stored this end.")
	}
	if f.open() && !f.running {
		list = append(list, "What an agent makes of it: none answers "+f.where()+", and while none runs nothing happens here.")
	}
	for _, what := range f.partial {
		list = append(list, "Part of the store can't be read: "+what+".")
	}
	return list
}

// untold reports whether the end is known here and not confirmed by the register.
func (f facts) untold() bool {
	if f.refund != nil {
		return f.refund.State.Final() && !f.refund.Closed()
	}
	return f.payment.State.Final() && !f.payment.NeverPaid() && f.payment.Delivered != f.payment.Rev
}

// where is where a running agent would answer.
func (f facts) where() string {
	if f.listen == "" {
		return "(the configuration has no status socket to ask)"
	}
	return "at " + f.listen
}

func inWords(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
