package queue

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// world is one small history of a register, an agent, the lines between and a
// gateway, drawn from a seed. Time is a number that jumps from event to event, so
// that hours take microseconds.
type world struct {
	r      *rand.Rand
	now    time.Duration // since the beginning, true time
	events []event       // a heap
	seq    int
	calm   bool // the faults have stopped
	faults faults

	policy     Policy
	window     time.Duration
	payTimeout time.Duration

	agent agentInSim
	bank  *simBank
	till  *simTill
	judge *simJudge

	counts simCounts
	trace  *strings.Builder // nil: nobody reads it
}

// agentInSim is an agent as register and judge know it.
type agentInSim interface {
	start()
	pullThePlug()
	ask(fn func()) // carries a request over the line into the agent
	pay(c Command, hear func(simReply))
	abort(id string, hear func(simReply))
	inquire(id string, hear func(simReply))
	giveMoneyBack(c RefundCommand, hear func(simReply))
	delivered(id string, rev int64)
	refundDelivered(id string, rev int64)
	doubts() []string // the payments in doubt
	resolve(id string, in Resolve)
	clock() time.Time    // the agent's
	rev(id string) int64 // of a payment; 0: it has none
	open() []string      // what is not closed
}

// Times of the simulation's own.
const (
	simInquiryTimeout = 15 * time.Second
	simRefundTimeout  = 30 * time.Second
	simEventsAtMost   = 50_000 // more is a storm
)

// simEpoch is what a right clock says at the beginning.
func simEpoch() time.Time { return time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC) }

// faults are the chances of this seed's adversary.
type faults struct {
	lineLost, lineTwice, lineLate      float64
	sendLost, sendTwice, sendLate      float64
	answerLost, answerLate, notSent    float64
	busy, refused, inconsistent        float64
	playedBack                         float64
	crash, plug, clockStep, rowLost    float64
	abort, refund, refundRefused, poll float64
	person                             float64
}

// simCounts are what happened: an adversary that never strikes proves nothing.
type simCounts struct {
	events, crashes, sends, lateArrivals, charges, declines int
	notFoundBelieved, reversals, refunds, refundsRefused    int
	aborts, clockSteps, rowsLost, doubts, newIDs, resolved  int
}

func (c *simCounts) add(d simCounts) {
	for i, n := range d.list() {
		*c.list()[i].n += *n.n
	}
}

type simCount struct {
	name string
	n    *int
}

func (c *simCounts) list() []simCount {
	return []simCount{
		{"events", &c.events}, {"crashes", &c.crashes}, {"requests sent", &c.sends},
		{"late arrivals", &c.lateArrivals}, {"charges", &c.charges}, {"declines", &c.declines},
		{"not-founds believed", &c.notFoundBelieved}, {"reversals", &c.reversals}, {"refunds", &c.refunds},
		{"refunds refused", &c.refundsRefused}, {"aborts", &c.aborts}, {"clock steps", &c.clockSteps},
		{"rows lost", &c.rowsLost}, {"doubts", &c.doubts}, {"new ids", &c.newIDs}, {"resolved by a person", &c.resolved},
	}
}

type event struct {
	at  time.Duration
	seq int
	fn  func()
}

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// after has fn happen in d.
func (w *world) after(d time.Duration, fn func()) {
	w.seq++
	h := append(w.events, event{w.now + max(d, 0), w.seq, fn})
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	w.events = h
}

// next takes the earliest event out of the heap.
func (w *world) next() event {
	h := w.events
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < last && h[down].before(h[least]) {
				least = down
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	w.events = h
	return first
}

// newWorld draws a world from a seed, without its agent.
func newWorld(seed uint64, record bool) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 0x706f73)), events: make([]event, 0, 64)}
	if record {
		w.trace = &strings.Builder{}
	}
	w.faults = w.drawFaults()
	w.window = w.between(3*time.Second, 90*time.Second)
	w.payTimeout = w.between(time.Second, 45*time.Second)
	w.policy = Policy{
		InquiryInterval: 3 * time.Second,
		QuietTime:       w.between(time.Second, 60*time.Second),
		AskAfterTimeout: w.r.IntN(2) == 0,
		KeepLateAborts:  w.r.IntN(4) == 0,
		ConfirmAnswers:  w.r.IntN(4) == 0,
	}
	w.judge = &simJudge{world: w}
	w.bank = &simBank{world: w}
	w.till = &simTill{world: w}
	return w
}

func (w *world) drawFaults() faults {
	f := faults{}
	for _, c := range []struct {
		chance *float64
		most   float64
	}{
		{&f.lineLost, 0.4}, {&f.lineTwice, 0.3}, {&f.lineLate, 0.3},
		{&f.sendLost, 0.6}, {&f.sendTwice, 0.5}, {&f.sendLate, 0.6},
		{&f.answerLost, 0.6}, {&f.answerLate, 0.3}, {&f.notSent, 0.5},
		{&f.busy, 0.4}, {&f.refused, 0.3}, {&f.inconsistent, 0.1}, {&f.playedBack, 0.3},
		{&f.crash, 0.15}, {&f.plug, 1}, {&f.clockStep, 0.5}, {&f.rowLost, 0.15},
		{&f.abort, 0.8}, {&f.refund, 1}, {&f.refundRefused, 0.4}, {&f.poll, 1},
		{&f.person, 1},
	} {
		if w.r.IntN(3) > 0 { // a third of the faults are absent, so that each is also seen alone
			*c.chance = w.r.Float64() * c.most
		}
	}
	return f
}

// run lets the history happen, the faults stop, and time run on until nothing is
// left to happen.
func (w *world) run() {
	w.begin()
	for len(w.events) > 0 {
		w.happen()
	}
	w.judge.end()
}

// begin starts the agent and lays out what will happen whatever the agent does.
func (w *world) begin() {
	w.agent.start()
	w.till.open()
	for range w.r.IntN(3) {
		w.after(w.between(0, 4*time.Minute), w.agent.pullThePlug)
	}
	w.callIn()
	w.after(w.between(time.Minute, 8*time.Minute), func() {
		w.calm = true
		w.log("the faults stop")
	})
}

// happen lets the next event happen.
func (w *world) happen() {
	e := w.next()
	w.now = e.at
	e.fn()
	w.counts.events++
	if w.counts.events > simEventsAtMost {
		w.violated("a storm: more than %d events, and no end", simEventsAtMost)
	}
}

// chance draws whether a fault strikes.
func (w *world) chance(p float64) bool { return !w.calm && p > 0 && w.r.Float64() < p }

// between draws a span, even over its length.
func (w *world) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(w.r.Int64N(int64(most-least)))
}

func (w *world) log(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%12s  ", w.now.Round(time.Millisecond))
		fmt.Fprintf(w.trace, format+"\n", args...)
	}
}

// violation is a promise that was broken.
type violation struct{ text string }

func (w *world) violated(format string, args ...any) {
	v := violation{fmt.Sprintf(format, args...)}
	w.log("VIOLATED: %s", v.text)
	panic(v)
}

// line carries a message between register and agent: at once, late, twice or not.
func (w *world) line(deliver func()) {
	if w.chance(w.faults.lineLost) {
		return
	}
	copies := 1
	if w.chance(w.faults.lineTwice) {
		copies = 2
	}
	for range copies {
		delay := w.between(time.Millisecond, 50*time.Millisecond)
		if w.chance(w.faults.lineLate) {
			delay = w.between(0, 10*time.Second)
		}
		w.after(delay, deliver)
	}
}

// simulate plays one seed and says which promise it broke, if any.
func simulate(seed uint64, m machine, record bool) (broken string, w *world) {
	w = newWorld(seed, record)
	w.agent = &simAgent{world: w, machine: m}
	defer func() {
		switch x := recover().(type) {
		case nil:
		case violation:
			broken = x.text
		default:
			panic(x)
		}
	}()
	w.run()
	return "", w
}
