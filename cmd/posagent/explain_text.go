package main

import (
	"fmt"

	"posagent/queue"
)

// text is the whole explanation, for a screen.
func (f facts) text() string {
	if f.damaged != nil {
		return f.damagedText()
	}
	text := f.headline()
	if f.refund != nil || !f.payment.NeverPaid() {
		text += f.storyText()
	}
	text += section("What is known", f.known())
	text += section("What is not known", or1(f.unknown(), "Nothing: it is at its end."))
	text += section("Shop staff", f.staff())
	return text + section("Technician", or1(f.technician(), "Nothing to do."))
}

// or1 puts a single point where there is none.
func or1(points []string, otherwise string) []string {
	if len(points) == 0 {
		return []string{otherwise}
	}
	return points
}

// damagedText is for a row whose CRC does not hold: what it says is shown, and may
// not be relied on.
func (f facts) damagedText() string {
	text := fmt.Sprintf("%s\n\n", f.id())
	text += paragraph("DAMAGED. The row of this id is not as it was written: bits of it have turned on the disk. " +
		"What it says can't be believed, and the agent believes none of it: to the register it says that it does not know.")
	text += section("What the row says, wrongly in at least one place", f.damagedSays())
	text += f.storyText()
	text += section("What is known", []string{"A command of this id was stored once."})
	text += section("What is not known", []string{"Its amount, its state, and whether it was paid or given back: nothing of the row is certain."})
	text += section("Shop staff", []string{"Don't charge again, and give nothing back, before the technician has looked it up."})
	return text + section("Technician", []string{
		"Antom's portal has the truth: search for " + f.id() + ".",
		"Keep a copy of the store and its -wal, then start the agent anew: it keeps a file that is damaged where it matters, " +
			"carries over what can be believed, and asks Antom about what was open.",
		"Bits don't turn by themselves: look at the disk (dmesg, smartctl), and replace it." + f.command("doctor"),
	})
}

func (f facts) damagedSays() []string {
	if r := f.refund; r != nil {
		return []string{fmt.Sprintf("refund of %s of payment %s, state %s, register %s, stored %s",
			money(r.AmountMinor, r.Currency), r.PaymentRequestID, r.State, r.Register, f.long(r.ReceivedAt))}
	}
	p := f.payment
	return []string{fmt.Sprintf("%s by %s, state %s, register %s, stored %s%s",
		money(p.AmountMinor, p.Currency), p.Method, p.State, p.Register, f.long(p.ReceivedAt), inWords(", paymentId ", p.PaymentID))}
}

// explanation is the same for programs.
type explanation struct {
	recordJSON
	Verdict string       `json:"verdict"`
	Story   []eventJSON  `json:"story"`
	Refunds []recordJSON `json:"refunds,omitempty"`
	Known   []string     `json:"known"`
	Unknown []string     `json:"unknown"`
	Staff   []string     `json:"staff"`
	Techie  []string     `json:"technician"`
	Running bool         `json:"agentAnswers"`
}

type eventJSON struct {
	At   string `json:"at"`
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"`
}

func (f facts) explanation() explanation {
	out := explanation{Story: []eventJSON{}, Known: []string{}, Unknown: []string{}, Staff: []string{}, Techie: []string{}, Running: f.running}
	for _, e := range f.events {
		out.Story = append(out.Story, eventJSON{e.At.Format("2006-01-02T15:04:05.000Z07:00"), string(e.Kind), e.Text})
	}
	switch {
	case f.damaged != nil:
		out.recordJSON = damageOf(queue.Damage{ID: f.id(), Refund: f.refund != nil, Err: f.damaged})
		out.Verdict = "DAMAGED"
		return out
	case f.refund != nil:
		out.recordJSON, out.Verdict = recordOf(queue.Record{Refund: f.refund}), f.refundVerdict()
	default:
		out.recordJSON, out.Verdict = recordOf(queue.Record{Payment: f.payment}), f.verdict()
	}
	for _, r := range f.refunds {
		out.Refunds = append(out.Refunds, recordOf(queue.Record{Refund: &r}))
	}
	out.Known, out.Unknown = append(out.Known, f.known()...), append(out.Unknown, f.unknown()...) // [] where there is none
	out.Staff, out.Techie = append(out.Staff, f.staff()...), append(out.Techie, f.technician()...)
	return out
}
