package queue

// giveMoneyBack is register-link §4 rule 10.
func (a *simAgent) giveMoneyBack(c RefundCommand, hear func(simReply)) {
	if it := a.refundOf(c.ID); it != nil {
		if !it.item.(*refund).row.same(c) {
			a.say(simReply{err: ErrInconsistent}, hear)
			return
		}
		a.settle(it, None, func() { a.sayRow(it, hear) })
		return
	}
	of := a.payment(c.PaymentRequestID)
	if of == nil || of.item.(*payment).row.State != Paid {
		a.say(simReply{err: ErrNotPaid}, hear)
		return
	}
	row := of.item.(*payment).row
	left := a.left(row)
	amount := c.AmountMinor
	if c.Full {
		amount = left
	}
	if amount > left || left == 0 {
		a.say(simReply{err: ErrExceeds}, hear)
		return
	}
	it, act := a.beginRefund(row, Refund{ID: c.ID, AmountMinor: amount, Full: c.Full})
	a.settle(it, act, func() { a.sayRow(it, hear) })
}

func (a *simAgent) beginRefund(p Payment, r Refund) (*simItem, Action) {
	r.PaymentRequestID, r.PaymentID, r.Currency, r.Register = p.ID, p.PaymentID, p.Currency, p.Register
	row, act := BeginRefund(a.clock(), r, a.turnIsFree(p.ID))
	a.log("%s of %s is new: %d, %s %s", r.ID, p.ID, r.AmountMinor, row.State, act)
	return a.take(&refund{held: held[Refund]{row: row}}), act
}

// refundsOf calls fn with every refund of a payment.
func (a *simAgent) refundsOf(id string, fn func(*simItem, Refund)) {
	for _, it := range a.items {
		if r, ok := it.item.(*refund); ok && r.row.PaymentRequestID == id {
			fn(it, r.row)
		}
	}
}

func (a *simAgent) left(p Payment) int64 {
	left := p.AmountMinor
	a.refundsOf(p.ID, func(_ *simItem, r Refund) {
		if r.State != RefundRefused {
			left -= r.AmountMinor
		}
	})
	return left
}

func (a *simAgent) turnIsFree(id string) bool {
	free := true
	a.refundsOf(id, func(_ *simItem, r Refund) {
		if !r.State.Final() && r.State != RefundWaiting {
			free = false
		}
	})
	return free
}

func (a *simAgent) nextTurn(id string) {
	if !a.turnIsFree(id) {
		return
	}
	var next *simItem
	a.refundsOf(id, func(it *simItem, r Refund) {
		if r.State == RefundWaiting && next == nil {
			next = it
		}
	})
	if next != nil {
		a.step1(next, Turn{}, nil)
	}
}

// follow begins what follows from a saved row.
func (a *simAgent) follow(it *simItem) {
	switch x := it.item.(type) {
	case *payment:
		if x.saved.Reversal == RefundPending && x.row.Reversal == RefundPending {
			a.undo(it, x.row)
		}
	case *refund:
		if !x.row.State.Final() {
			return
		}
		if of := a.payment(x.row.PaymentRequestID); x.row.Reversal && of != nil && of.item.(*payment).row.Reversal == RefundPending {
			a.step1(of, Reversed{x.row.State.Status()}, nil)
		}
		a.nextTurn(x.row.PaymentRequestID)
	}
}

// undo begins the refund of a payment that was taken although it was aborted.
func (a *simAgent) undo(it *simItem, p Payment) {
	id := p.ReversalID()
	if had := a.refundOf(id); had != nil {
		if r := had.item.(*refund); r.row.State.Final() {
			a.step1(it, Reversed{r.row.State.Status()}, nil)
		}
		return
	}
	left := a.left(p)
	if left <= 0 {
		a.step1(it, Reversed{RefundSuccess}, nil)
		return
	}
	r, act := a.beginRefund(p, Refund{ID: id, AmountMinor: left, Reversal: true})
	a.settle(r, act, nil)
}
