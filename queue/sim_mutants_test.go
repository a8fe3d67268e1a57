package queue

import (
	"testing"
	"time"
)

// mutant is a machine with one fault planted in it.
type mutant struct {
	name    string
	machine func() machine
	search  bool // the search sees it too: the fault is in what the machine decides
}

// mutants are the faults that a payment agent is written with. The machine's own
// are planted around its functions: an input is changed on its way in, or the
// row on its way out.
func mutants() []mutant {
	return []mutant{
		{"timeout read as declined", byPayment(timeoutIsDeclined), true},
		{"not found read as never", byPayment(notFoundIsNever), true},
		{"window ignored", windowIgnored, true},
		{"abort forgotten", byPayment(abortForgotten), true},
		{"restart forgets open attempts", byPayment(restartForgets), true},
		{"resubmission after an abort", byPayment(resubmitsAborted), true},
		{"late abort not undone", byPayment(notUndone), true},
		{"a played-back decline believed", byPayment(playBackBelieved), true},
		{"another boot's window trusted", byPayment(bootIgnored), true},
		{"a person believed while a request is on its way", byPayment(hastyPerson), true},
		{"a person's word undone", byPayment(personUndone), true},
		{"a refused refund frees the amount at once", byRefund(refusalFreesAtOnce), true},
		{"a lost refund answer read as refused", byRefund(lostRefundIsRefused), true},
		{"answer before commit", bySwitch(func(m *machine) { m.tellFirst = true }), false},
		{"send before store", bySwitch(func(m *machine) { m.sendFirst = true }), false},
		{"delivery forgotten", bySwitch(func(m *machine) { m.pushOnce = true }), false},
		{"boot noted before the rows are saved", bySwitch(func(m *machine) { m.bootFirst = true }), false},
	}
}

type paymentStep func(p Policy, now time.Time, row Payment, in Input) (Payment, Action)

type refundStep func(p Policy, now time.Time, row Refund, in Input) (Refund, Action)

func byPayment(step paymentStep) func() machine {
	return bySwitch(func(m *machine) { m.step = step })
}

func byRefund(step refundStep) func() machine {
	return bySwitch(func(m *machine) { m.refund = step })
}

func bySwitch(turn func(*machine)) func() machine {
	return func() machine {
		m := rightMachine()
		turn(&m)
		return m
	}
}

func timeoutIsDeclined(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	if a, ok := in.(Answered); ok && a.To == Pay && a.Answer.Verdict == VerdictUnknown {
		a.Answer = testAnswer(VerdictFailed, Pay)
		in = a
	}
	return p.Step(now, row, in)
}

func notFoundIsNever(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	p.QuietTime = 0
	return p.Step(now, row, in)
}

// windowIgnored: neither the machine nor the worker looks at the deadline.
func windowIgnored() machine {
	m := rightMachine()
	m.payAnytime = true
	m.step = func(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
		const ever = 30 * 365 * 24 * time.Hour
		if row.Deadline.Sub(now) < ever/2 {
			row.Deadline = row.Deadline.Add(ever)
		}
		return p.Step(now, row, in)
	}
	return m
}

func abortForgotten(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	if _, ok := in.(Abort); ok {
		return row, None
	}
	return p.Step(now, row, in)
}

func restartForgets(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	if _, ok := in.(Restart); ok {
		row.OpenAttempts = 0
	}
	return p.Step(now, row, in)
}

func resubmitsAborted(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	next, act := p.Step(now, row, in)
	if next.State == Unresolved && row.State == Sending && !next.InDoubt {
		next.State = Sending
		next.at(now, Pay)
	}
	return next, act
}

func notUndone(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	next, act := p.Step(now, row, in)
	next.Reversal = ""
	return next, act
}

func playBackBelieved(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	p.ConfirmAnswers = false
	return p.Step(now, row, in)
}

func bootIgnored(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	if _, ok := in.(Restart); ok {
		in = Restart{}
	}
	return p.Step(now, row, in)
}

func hastyPerson(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	if _, ok := in.(Resolve); ok {
		p.QuietTime = 0
	}
	return p.Step(now, row, in)
}

func personUndone(p Policy, now time.Time, row Payment, in Input) (Payment, Action) {
	next, act := p.Step(now, row, in)
	if _, ok := in.(Resolve); ok && next.Reversal == RefundFailed {
		next.Reversal = RefundPending
	}
	return next, act
}

func refusalFreesAtOnce(p Policy, now time.Time, row Refund, in Input) (Refund, Action) {
	if a, ok := in.(Answered); ok && a.Answer.Verdict == VerdictRefused {
		row.OpenAttempts, row.Result.Status = 1, "F"
	}
	return p.StepRefund(now, row, in)
}

func lostRefundIsRefused(p Policy, now time.Time, row Refund, in Input) (Refund, Action) {
	if a, ok := in.(Answered); ok && a.To == GiveBack && a.Answer.Verdict == VerdictUnknown {
		a.Answer = testAnswer(VerdictFailed, GiveBack)
		in = a
	}
	return p.StepRefund(now, row, in)
}

// TestTheSimulationCatchesEveryMutant plants each fault and demands that a history
// breaks a promise: a proof that catches no mutant is not one.
func TestTheSimulationCatchesEveryMutant(t *testing.T) {
	const most = 20_000
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			for seed := uint64(1); seed <= most; seed++ {
				if broken, _ := simulate(seed, m.machine(), false); broken != "" {
					t.Logf("caught by seed %d: %s", seed, broken)
					return
				}
			}
			t.Errorf("not caught in %d histories", most)
		})
	}
}
