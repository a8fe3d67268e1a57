package queue

import "time"

// The bank's side of refunds.

func (b *simBank) gift(id string) *simGift {
	for _, g := range b.gifts {
		if g.row.ID == id {
			return g
		}
	}
	return nil
}

// giveBack answers a refund request (antom-api §6): the same again is the same.
func (b *simBank) giveBack(f *simFlight) Answer {
	g := b.gift(f.refund.ID)
	switch {
	case g == nil && (f.refused || b.chance(b.faults.refundRefused)):
		f.refused = true
		return testAnswer(VerdictRefused, GiveBack)
	case b.chance(b.faults.busy):
		a := testAnswer(VerdictOpen, GiveBack)
		a.RefundID = ""
		return a
	case g == nil:
		g = b.take(f.refund)
	case g.row.AmountMinor != f.refund.AmountMinor || g.row.PaymentID != f.refund.PaymentID:
		b.violated("refund %s was sent with two contents", f.refund.ID)
	}
	if g.state == VerdictFailed {
		return testAnswer(VerdictRefused, GiveBack)
	}
	a := testAnswer(g.state, GiveBack)
	a.RefundID = "B" + g.row.ID
	if g.state == VerdictOpen && b.chance(b.faults.busy) {
		a.RefundID = ""
	}
	return a
}

// take writes a refund that was not seen before into the ledger.
func (b *simBank) take(r Refund) *simGift {
	g := &simGift{row: r, state: VerdictOpen}
	b.gifts = append(b.gifts, g)
	b.judge.refundTaken(r)
	b.log("    refund %s of %d is taken on", r.ID, r.AmountMinor)
	if b.r.IntN(2) == 0 {
		b.finishGift(g)
	} else {
		b.after(b.between(0, 2*time.Minute), func() { b.finishGift(g) })
	}
	return g
}

func (b *simBank) finishGift(g *simGift) {
	g.state = VerdictRefunded
	if b.chance(b.faults.refundRefused) {
		g.state = VerdictFailed
	}
	b.log("    refund %s: %s", g.row.ID, g.state)
}

func (b *simBank) inquireRefund(f *simFlight) Answer {
	g := b.gift(f.refund.ID)
	switch {
	case b.chance(b.faults.busy):
		return testAnswer(VerdictOpen, InquireRefund)
	case g == nil || b.chance(b.faults.inconsistent): // not found is asked for again, so it may be said in error
		return testAnswer(VerdictNotFound, InquireRefund)
	}
	return testAnswer(g.state, InquireRefund)
}

// given is what the ledger gave back of a payment, and what may still come.
func (b *simBank) given(paymentRequestID string) (sum int64) {
	for _, g := range b.gifts {
		if g.row.PaymentRequestID == paymentRequestID && g.state != VerdictFailed {
			sum += g.row.AmountMinor
		}
	}
	return sum
}
