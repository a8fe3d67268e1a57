package queue

// end holds register and ledger against each other when nothing is left to happen.
func (j *simJudge) end() {
	charges := map[int]int64{} // by intent, what the shop kept
	for _, s := range j.till.sales {
		if !s.refused {
			j.endOfSale(s)
			charges[s.intent] += j.kept(s)
		}
		for _, c := range s.refunds {
			j.endOfClaim(c)
		}
	}
	for intent, kept := range charges {
		if kept > testCommand("").AmountMinor {
			j.violated("P1: the shop kept %d for intent %d", kept, intent)
		}
	}
	if open := j.agent.open(); len(open) > 0 {
		j.violated("P8: not closed at the end: %v", open)
	}
}

func (j *simJudge) kept(s *simSale) int64 {
	if j.of(s.command.ID).charges == 0 {
		return 0
	}
	return s.command.AmountMinor - j.bank.given(s.command.ID)
}

// endOfSale: P8, and that what the register stored is what happened.
func (j *simJudge) endOfSale(s *simSale) {
	c, p := j.of(s.command.ID), s.knows
	if !p.State.Final() {
		j.violated("P8: the register was never told the end of %s; it knows %q", c.id, p.State)
	}
	if paid := p.State == Paid; paid != (c.charges == 1) {
		j.violated("the register knows %s of %s, the ledger has %d charges", p.State, c.id, c.charges)
	}
	if rev := j.agent.rev(c.id); rev > 0 && rev != p.Rev {
		j.violated("P8: the agent is at rev %d of %s, the register at %d", rev, c.id, p.Rev)
	}
	if c.charges == 1 && s.abortSaid && !s.tooLate {
		j.endOfAbort(c, p)
	}
}

// endOfAbort: an abort that came too late is undone once, in full, or kept.
func (j *simJudge) endOfAbort(c *simCase, p Payment) {
	if p.AbortAt.IsZero() {
		j.violated("the abort of %s was taken, and the register is not told of it: %+v", c.id, p.told())
	}
	given := j.bank.given(c.id)
	switch {
	case j.policy.KeepLateAborts:
		if p.Reversal != "" || given != 0 {
			j.violated("late aborts are kept, and %d of %s is given back", given, c.id)
		}
	case p.Reversal == RefundSuccess:
		j.counts.reversals++
		if given != p.AmountMinor {
			j.violated("%s is told as undone, and %d of %d is given back", c.id, given, p.AmountMinor)
		}
	case p.Reversal != RefundFailed || given != 0:
		j.violated("the abort of %s: reversal %q, %d given back", c.id, p.Reversal, given)
	}
}

func (j *simJudge) endOfClaim(c *simClaim) {
	if c.refused {
		return
	}
	j.counts.refunds++
	if c.knows.State == RefundRefused {
		j.counts.refundsRefused++
	}
	g := j.bank.gift(c.command.ID)
	given := g != nil && g.state == VerdictRefunded
	if !c.knows.State.Final() || given != (c.knows.State == Refunded) {
		j.violated("the register knows %q of refund %s, the ledger gave it: %v", c.knows.State, c.command.ID, given)
	}
}
