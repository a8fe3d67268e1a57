package queue

import "time"

// simJudge knows what was promised, and what the ledger says. It sees everything
// that the agent says and sends, and knows nothing of how the agent decides.
type simJudge struct {
	*world
	cases   []*simCase
	setBack time.Duration // how far the clock was set back in all
	boots   int           // of the whole box, after which no clock of before can be trusted
}

// simCase is what the judge has seen of one id.
type simCase struct {
	id       string
	storedAt time.Duration // true time
	back     time.Duration // setBack then
	boots    int           // boots then
	isStored bool

	rev        int64 // the highest told
	said       told
	saidRefund toldRefund
	final      bool
	unpaid     bool // FAIL or CANCELLED was told
	accepted   bool // a state was told
	lost       bool // its row was lost with a damaged store

	aborted bool // the abort is on record
	charges int
}

func (j *simJudge) of(id string) *simCase {
	for _, c := range j.cases {
		if c.id == id {
			return c
		}
	}
	c := &simCase{id: id}
	j.cases = append(j.cases, c)
	return c
}

// stored notes when a payment was first saved, in true time.
func (j *simJudge) stored(id string, at time.Duration) {
	if c := j.of(id); !c.isStored {
		c.isStored, c.storedAt, c.back, c.boots = true, at, j.setBack, j.boots
	}
}

// rowLost: from here on it is another row, with a window of its own.
func (j *simJudge) rowLost(id string) {
	c := j.of(id)
	c.isStored, c.lost = false, true
}

// payLeaves holds P4 and the abort's promise: what leaves may charge.
func (j *simJudge) payLeaves(p Payment) {
	c := j.of(p.ID)
	// A clock that was set back between two lives hides time from the agent.
	if slack := j.setBack - c.back; c.isStored && j.now >= c.storedAt+j.window+slack {
		j.violated("P4: a pay request for %s leaves %s after it was stored, the window is %s",
			p.ID, j.now-c.storedAt, j.window)
	}
	if c.isStored && j.boots > c.boots {
		j.violated("P4: a pay request for %s leaves after another boot: nobody knows the age of its window", p.ID)
	}
	if c.aborted {
		j.violated("a pay request for %s leaves after its abort was taken", p.ID)
	}
	if c.final {
		j.violated("a pay request for %s leaves after its end was told", p.ID)
	}
}

func (j *simJudge) charged(id string) {
	c := j.of(id)
	c.charges++
	if c.charges > 1 {
		j.violated("P1: %s is charged %d times", id, c.charges)
	}
	if c.unpaid {
		j.violated("P3: %s is charged, and the register was told that it is not paid", id)
	}
}

// told holds what is said against what was said before, and against the ledger.
func (j *simJudge) told(re simReply) {
	switch {
	case re.p != nil:
		j.toldPayment(*re.p)
	case re.r != nil:
		j.toldRefund(*re.r)
	}
}

func (j *simJudge) toldPayment(p Payment) {
	c := j.of(p.ID)
	if j.trace != nil {
		j.log("  told: %s %s rev=%d reversal=%s", p.ID, p.State, p.Rev, p.Reversal)
	}
	j.holdRev(c, p.Rev, p.told() == c.said)
	if c.final && p.State != c.said.state {
		j.violated("%s was told %s, which is final, and now %s", p.ID, c.said.state, p.State)
	}
	c.accepted, c.said, c.final = true, p.told(), p.State.Final()
	switch p.State {
	case Failed, Cancelled:
		if !c.unpaid && p.Result.Code == "DPOS_PAYMENT_ORDER_NOT_EXIST" {
			j.counts.notFoundBelieved++
		}
		c.unpaid = true
		if c.charges > 0 {
			j.violated("P3: %s is told %s, and the ledger has a charge", p.ID, p.State)
		}
	case Paid:
		if c.charges == 0 {
			j.violated("%s is told paid, and the ledger has no charge", p.ID)
		}
	}
	if p.KnownFrom() == FromPerson && p.Reversal == RefundPending {
		j.violated("a person's word on %s starts a refund", p.ID)
	}
	if p.InDoubt {
		j.counts.doubts++
	}
}

func (j *simJudge) toldRefund(r Refund) {
	c := j.of("refund " + r.ID)
	j.holdRev(c, r.Rev, r.told() == c.saidRefund)
	if c.final && r.State.Status() != c.saidRefund.status {
		j.violated("refund %s was told %s, which is final, and now %s", r.ID, c.saidRefund.status, r.State)
	}
	c.saidRefund, c.final = r.told(), r.State.Final()
	if g := j.bank.gift(r.ID); r.State == Refunded && (g == nil || g.state != VerdictRefunded) {
		j.violated("refund %s is told refunded, and the ledger does not have it", r.ID)
	}
}

// holdRev: a revision never goes back, and names one state for ever.
func (j *simJudge) holdRev(c *simCase, rev int64, same bool) {
	if rev < c.rev {
		j.violated("%s was told in rev %d, and now in rev %d", c.id, c.rev, rev)
	}
	if rev == c.rev && !same {
		j.violated("%s was told twice in rev %d, and not the same", c.id, rev)
	}
	c.rev = rev
}

func (j *simJudge) toldNotFound(id string) {
	if j.of(id).accepted {
		j.violated("P2: %s was taken on, and now it is not found", id)
	}
}

func (j *simJudge) abortTaken(id string) {
	if c := j.of(id); !c.aborted {
		j.counts.aborts++
		c.aborted = true
	}
}

// refundTaken: what is given back never exceeds what was taken.
func (j *simJudge) refundTaken(r Refund) {
	taken := int64(0)
	if o := j.bank.order(r.PaymentRequestID); o != nil && o.state == VerdictPaid {
		taken = o.command.AmountMinor
	}
	if sum := j.bank.given(r.PaymentRequestID); sum > taken {
		j.violated("%d of %s is given back, and %d was taken", sum, r.PaymentRequestID, taken)
	}
}
