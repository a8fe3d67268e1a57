package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// sale is one act of the demo.
type sale struct {
	title   string
	method  string
	minor   int64
	cruelty *sandbox.Plan // how Antom treats it; nil: well
	cut     bool          // the plug is pulled once Antom has the money
}

func demoSales() []sale {
	return []sale{
		{title: "an ordinary sale", method: "ALIPAY_CN", minor: 1050},
		{title: "the customer's bank declines", method: "VISA", minor: 4200,
			cruelty: &sandbox.Plan{Name: "decline"}},
		{title: "Antom takes the money, and its answer is lost", method: "GRABPAY_SG", minor: 2275,
			cruelty: &sandbox.Plan{Name: "hang_after"}},
		{title: "Antom takes the money, and the plug is pulled", method: "ALIPAY_CN", minor: 890,
			cruelty: &sandbox.Plan{Name: "hang_after"}, cut: true},
	}
}

const demoCurrency = "SGD"

// play plays one sale to its end.
func (s *demo) play(ctx context.Context, n int, act sale) error {
	id := fmt.Sprintf("DEMO_%d", n)
	s.heading("Sale %d: %s, %s", n, act.title, money(act.minor, demoCurrency))
	if act.cruelty != nil {
		p := *act.cruelty
		p.ID = id
		if err := s.server.Arm(p); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cut := make(chan error, 1)
	if act.cut {
		go func() { cut <- s.pullPlug(ctx, id) }()
	} else {
		cut <- nil
	}
	state, err := s.till.Sell(ctx, virtual.Sale{ID: id, Method: act.method, AmountMinor: act.minor, Currency: demoCurrency})
	if err != nil {
		cancel()
		return errors.Join(err, <-cut)
	}
	s.told[id] = state
	s.say("till", "shows  %s", strings.Join(state.Display, " / "))
	return <-cut
}

// pullPlug kills the agent once Antom has taken the money of id, and starts it
// again a moment later.
func (s *demo) pullPlug(ctx context.Context, id string) error {
	_, err := s.server.Await(ctx, func(e sandbox.Event) bool {
		return e.ID == id && e.Acted && e.Stage == sandbox.StageHangs
	})
	if err != nil {
		return err
	}
	if err := s.killAgent(); err != nil {
		return err
	}
	s.say("plug", "pulled: the agent is gone in the middle of the call")
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.say("plug", "back in: the agent starts again")
	return s.startAgent()
}

// tellTill says what the till does, in the words of a shop.
func (s *demo) tellTill(step virtual.Step, text string) {
	switch step {
	case virtual.StepNoted:
		s.say("till", "writes the id down, then sends it to the agent")
	case virtual.StepTakenOn:
		s.say("agent", "answers, the payment on its disk: %s", text)
	case virtual.StepSilence:
		s.say("till", "hears nothing: unknown, not failed")
	case virtual.StepAsk:
		s.say("till", "asks what became of it")
	case virtual.StepOutcome:
		s.say("agent", "tells the end: %s", text)
	case virtual.StepStored:
		s.say("till", "stores it, and says so")
	case virtual.StepDelivered:
		s.say("agent", "has delivered it, and says no more")
	case virtual.StepUnknown, virtual.StepRefused, virtual.StepStale:
		s.say("till", "%s: %s", step, text)
	}
}

// watchAntom says what happens at Antom, from its history.
func (s *demo) watchAntom(ctx context.Context) {
	booked := map[string]bool{}
	for n := 1; ; n++ {
		e, err := s.server.Await(ctx, func(e sandbox.Event) bool {
			return e.Number == n && (e.Stage == sandbox.StageHangs || e.Stage == sandbox.StageOver)
		})
		if err != nil {
			return
		}
		if e.Call != "diagnosis" { // with which the agent keeps its connection warm
			s.say("Antom", "%s", antomDoes(e, booked))
		}
	}
}

// antomDoes puts one request into words, and keeps book of who has paid.
func antomDoes(e sandbox.Event, booked map[string]bool) string {
	amount := money(e.AmountMinor, e.Currency)
	switch {
	case e.Call == "inquiryPayment":
		return "is asked about " + e.ID + ", and says what is known"
	case e.Stage == sandbox.StageHangs && e.Acted:
		booked[e.ID] = true
		return "TAKES " + amount + " for " + e.ID + "; its answer does not come through"
	case e.ResultStatus == "S" && booked[e.ID]:
		return "knows " + e.ID + " already, and takes nothing: paid, once"
	case e.ResultStatus == "S":
		booked[e.ID] = true
		return "TAKES " + amount + " for " + e.ID
	case e.ResultStatus == "F":
		return "declines " + e.ID + ": " + e.ResultCode
	}
	return fmt.Sprintf("%s of %s: %s %s %s", e.Call, e.ID, e.ResultStatus, e.ResultCode, e.Fate)
}

// settle compares Antom's ledger with what the register was told.
func (s *demo) settle() error {
	s.heading("What Antom's ledger holds, and what the register was told")
	charges := map[string][]sandbox.Charge{}
	for _, c := range s.server.Ledger() {
		charges[c.PaymentRequestID] = append(charges[c.PaymentRequestID], c)
	}
	s.line("  %-8s %-10s %-26s %-10s %s", "sale", "amount", "ledger", "register", "")
	disagree := 0
	for n, act := range demoSales() {
		id := fmt.Sprintf("DEMO_%d", n+1)
		verdict := "agree"
		if !agrees(charges[id], s.told[id], act.minor) {
			verdict = "DISAGREE"
			disagree++
		}
		s.line("  %-8s %-10s %-26s %-10s %s", id, money(act.minor, demoCurrency), ledgerSays(charges[id]),
			s.told[id].PaymentStatus, verdict)
		delete(charges, id)
	}
	if disagree+len(charges) > 0 {
		return fmt.Errorf("the ledger and the register disagree about %d payments", disagree+len(charges))
	}
	s.line("\nEvery sale was charged once or not at all, and the register knows which.")
	return nil
}

func ledgerSays(list []sandbox.Charge) string {
	if len(list) == 0 {
		return "no charge"
	}
	asked := 0
	for _, c := range list {
		asked = max(asked, c.PayRequests)
	}
	return fmt.Sprintf("%s, asked to pay %dx", count(len(list), "charge"), asked)
}

// agrees reports whether a payment was charged exactly as its register was told.
func agrees(charges []sandbox.Charge, told virtual.PaymentState, minor int64) bool {
	switch told.PaymentStatus {
	case "SUCCESS":
		return len(charges) == 1 && charges[0].AmountMinor == minor && charges[0].PaymentID == told.PaymentID
	case "FAIL", "CANCELLED":
		return len(charges) == 0
	}
	return false
}

// teller writes the story down, a line at a time, from whoever speaks.
type teller struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
}

func newTeller(w io.Writer) *teller { return &teller{w: w, start: time.Now()} }

func (t *teller) say(who, format string, args ...any) {
	t.line("%8.3fs  %-6s  %s", time.Since(t.start).Seconds(), who, fmt.Sprintf(format, args...))
}

func (t *teller) heading(format string, args ...any) {
	t.line("\n%s\n", fmt.Sprintf(format, args...))
}

func (t *teller) line(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}
