package queue

import (
	"slices"
	"time"
)

// machine is what the proofs are about: the deciding functions, and the duties of
// whoever calls them. Its zero switches are the right ones; mutants turn them.
type machine struct {
	step   func(p Policy, now time.Time, row Payment, in Input) (Payment, Action)
	refund func(p Policy, now time.Time, row Refund, in Input) (Refund, Action)

	tellFirst  bool // tells before it saves
	sendFirst  bool // sends before it saves
	pushOnce   bool // tells an end once, and does not wait for it to be delivered
	bootFirst  bool // notes the boot before the rows taken up in it are saved
	payAnytime bool // begins an attempt also if the window ended while it saved
}

// rightMachine is the machine as it is.
func rightMachine() machine { return machine{step: Policy.Step, refund: Policy.StepRefund} }

// simItem is a payment or refund in the simulated agent's hands.
type simItem struct {
	item
	timer int // of the wake-up that counts
	push  int // of the pushing that counts
}

// simAgent is a worker in small: it keeps the duty that the machine's comment
// names, over a disk in memory, and may lose its power at every save and send.
type simAgent struct {
	*world
	machine
	disk     simDisk
	rowsLost bool // the disk was damaged once

	up      bool
	life    int
	loading bool
	reboot  bool          // the box lost its power, not the agent alone; until every row was taken up
	offset  time.Duration // of the wall clock from true time
	items   []*simItem
	seq     int64
}

// crashed unwinds an agent that has lost its power.
type crashed struct{}

// do runs fn in the agent, if it is still the one that was meant.
func (a *simAgent) do(life int, fn func()) {
	if !a.up || a.life != life {
		return
	}
	defer func() {
		switch x := recover().(type) {
		case nil, crashed:
		default:
			panic(x)
		}
	}()
	fn()
}

func (a *simAgent) clock() time.Time { return simEpoch().Add(a.now + a.offset) }

// point is a place where the power may fail; most of all while the agent starts.
func (a *simAgent) point(where string) {
	p := a.faults.crash
	if a.loading {
		p *= 4
	}
	if a.chance(p) {
		a.crash(where)
		panic(crashed{})
	}
}

func (a *simAgent) pullThePlug() {
	if a.up && a.chance(a.faults.plug) {
		a.crash("at rest")
	}
}

func (a *simAgent) crash(where string) {
	a.log("CRASH %s", where)
	a.counts.crashes++
	a.up, a.items = false, nil
	a.life++
	boot := a.r.IntN(2) == 0
	if boot {
		a.judge.boots++
	}
	a.reboot = boot || a.reboot && !a.bootFirst
	down := a.between(time.Second, 20*time.Second)
	if a.r.IntN(5) == 0 {
		down = a.between(0, 10*time.Minute)
	}
	a.after(down, a.start)
}

// start takes up what the disk holds.
func (a *simAgent) start() {
	a.up = true
	a.do(a.life, func() {
		if a.life > 0 {
			a.stepClock()
			a.loseRow()
			a.bank.agentRestarted()
		}
		a.log("the agent starts, its clock is off by %s", a.offset)
		a.loading = true
		a.load()
		a.loading = false
	})
}

func (a *simAgent) load() {
	for _, row := range slices.Clone(a.disk.payments) {
		a.take(&payment{held: held[Payment]{row, row}})
	}
	for _, row := range slices.Clone(a.disk.refunds) {
		a.take(&refund{held: held[Refund]{row, row}})
	}
	for _, it := range slices.Clone(a.items) {
		if it.ending() == nil {
			a.step1(it, Restart{NewBoot: a.reboot}, nil)
			continue
		}
		a.keepTelling(it)
		a.follow(it)
	}
	for _, it := range slices.Clone(a.items) {
		if r, ok := it.item.(*refund); ok {
			a.nextTurn(r.row.PaymentRequestID)
		}
	}
	a.reboot = false // noted, now that every row is saved
}

func (a *simAgent) take(it item) *simItem {
	s := &simItem{item: it}
	a.items = append(a.items, s)
	return s
}

// stepClock sets the wall clock off, as a box without a battery does at its boot,
// and people at any time.
func (a *simAgent) stepClock() {
	if !a.chance(a.faults.clockStep) || !a.reboot && a.r.IntN(4) > 0 {
		return
	}
	step := a.between(time.Second, time.Minute)
	switch a.r.IntN(3) {
	case 0:
		step = a.between(time.Minute, 48*time.Hour)
	case 1:
		step = a.between(0, 10*365*24*time.Hour)
	}
	if a.r.IntN(2) == 0 {
		step = -step
	}
	if step < 0 && !a.reboot { // after a boot the agent knows better than to trust it
		a.judge.setBack -= step
	}
	a.offset += step
	a.counts.clockSteps++
}

// loseRow damages the disk: an open payment is not in the store any more, and the
// agent knows that some may be missing. Once: a second loss after a clock was set
// back could not be numbered above the first.
func (a *simAgent) loseRow() {
	i := slices.IndexFunc(a.disk.payments, func(p Payment) bool {
		return !p.State.Final() && p.AbortAt.IsZero()
	})
	if i < 0 || a.rowsLost || !a.chance(a.faults.rowLost) {
		return
	}
	a.log("the row of %s is lost", a.disk.payments[i].ID)
	a.counts.rowsLost++
	a.judge.rowLost(a.disk.payments[i].ID)
	a.disk.payments = slices.Delete(a.disk.payments, i, i+1)
	a.rowsLost = true
}

// step1 is one step of an item, with everything that the machine asks of its
// caller.
func (a *simAgent) step1(it *simItem, in Input, tell func()) {
	act := None
	switch x := it.item.(type) {
	case *payment:
		x.row, act = a.step(a.policy, a.clock(), x.row, in)
		a.logStep(x.row.ID, in, string(x.row.State), x.row.Rev, act)
	case *refund:
		x.row, act = a.refund(a.policy, a.clock(), x.row, in)
		a.logStep(x.row.ID, in, string(x.row.State), x.row.Rev, act)
	}
	if end := it.ending(); end != nil && end.EndedSeq == 0 {
		a.seq++
		end.EndedSeq = a.seq
	}
	a.settle(it, act, tell)
}

func (a *simAgent) logStep(id string, in Input, state string, rev int64, act Action) {
	if a.trace != nil {
		a.log("%s %s -> %s rev=%d %s", id, inputName(in), state, rev, act)
	}
}

// settle keeps the duty: save, then tell, then act.
func (a *simAgent) settle(it *simItem, act Action, tell func()) {
	if a.tellFirst && tell != nil {
		tell()
		tell = nil
	}
	if a.sendFirst && act != None {
		a.perform(it, act)
		act = None
	}
	if it.unsaved() {
		a.save(it)
		a.keepTelling(it)
	}
	if tell != nil {
		tell()
	}
	if act != None {
		a.perform(it, act)
	}
	a.wakeUp(it)
	a.follow(it)
}

func (a *simAgent) save(it *simItem) {
	a.point("before a save")
	switch x := it.item.(type) {
	case *payment:
		a.judge.stored(x.row.ID, a.now)
		a.disk.payments = replace(a.disk.payments, onDiskPayment(x.row), func(p Payment) bool { return p.ID == x.row.ID })
	case *refund:
		a.disk.refunds = replace(a.disk.refunds, onDiskRefund(x.row), func(r Refund) bool { return r.ID == x.row.ID })
	}
	it.commit()
	a.point("after a save")
}

// perform begins an action on a saved row.
func (a *simAgent) perform(it *simItem, act Action) {
	it.base().calling = act
	asked, life := a.clock(), a.life
	done := func(answer Answer) {
		a.do(life, func() {
			a.point("before an answer is taken in")
			it.base().calling = None
			a.step1(it, Answered{To: act, Asked: asked, Answer: answer, Chance: a.r.Float64()}, nil)
		})
	}
	if !it.inTime(act, asked) && !a.payAnytime {
		a.after(0, func() { done(Answer{Verdict: VerdictNotSent}) })
		return
	}
	a.point("before a send")
	a.bank.send(it.item, act, done)
	a.point("after a send")
}

// wakeUp has the item stepped when time alone changes something.
func (a *simAgent) wakeUp(it *simItem) {
	it.timer++
	at := it.wakeAt()
	if at.IsZero() {
		return
	}
	life, timer := a.life, it.timer
	a.after(at.Sub(a.clock()), func() {
		a.do(life, func() {
			if it.timer == timer {
				a.step1(it, Tick{Calling: it.base().calling != None}, nil)
			}
		})
	})
}
