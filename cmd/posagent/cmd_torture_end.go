package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// askAgainAfter is how long a trusting register waits before it says hello again.
const askAgainAfter = 500 * time.Millisecond

// sellTrusting is a sale by a register that repeats its command until it is taken
// on, and from then on never asks what became of it: it only says hello when it is
// quiet for long, and the agent has to come and tell.
func (t *torture) sellTrusting(ctx context.Context, s virtual.Sale) (virtual.PaymentState, error) {
	members := map[string]any{"paymentRequestId": s.ID, "paymentMethod": s.Method,
		"paymentAmount": map[string]any{"value": s.AmountMinor, "currency": s.Currency}}
	var state virtual.PaymentState
	for state.PaymentRequestID == "" {
		m, err := t.insist(ctx, "pay", members)
		if err != nil {
			return state, err
		}
		state, _ = m.PaymentState()
		if r := m.Result(); state.PaymentRequestID == "" && r.Status == "F" && r.Code != "AGENT_STORAGE" && r.Code != "AGENT_SHUTTING_DOWN" {
			return state, fmt.Errorf("pay %s: %s %s", s.ID, r.Code, r.Message)
		}
	}
	for !state.Final {
		next, err := t.listen(ctx)
		if err != nil {
			return state, err
		}
		if next.PaymentRequestID == s.ID && next.Rev >= state.Rev {
			state = next
		}
	}
	t.reach(whileDelivering)
	t.reach(whileStored)
	return state, t.confirm(ctx, state)
}

// listen waits for what the agent tells, and confirms what is not of the present
// sale. Where it is quiet it says hello, which asks nothing.
func (t *torture) listen(ctx context.Context) (virtual.PaymentState, error) {
	for {
		select {
		case m := <-t.reg.Events():
			if state, ok := m.PaymentState(); ok && m.Event() == "payment" {
				return state, nil
			}
		case <-time.After(askAgainAfter):
			if err := t.hello(ctx); err != nil {
				return virtual.PaymentState{}, err
			}
		case <-ctx.Done():
			return virtual.PaymentState{}, ctx.Err()
		}
	}
}

func (t *torture) confirm(ctx context.Context, state virtual.PaymentState) error {
	m, err := t.insist(ctx, "delivered", map[string]any{"paymentRequestId": state.PaymentRequestID, "rev": state.Rev})
	if err == nil && m.Result().Status != "S" {
		err = fmt.Errorf("delivered %s: %s", state.PaymentRequestID, m.Body)
	}
	return err
}

// insist sends a request, the same again after a hello, until it is answered.
func (t *torture) insist(ctx context.Context, method string, members map[string]any) (virtual.Message, error) {
	for {
		m, err := t.reg.Request(ctx, method, members)
		if err == nil || !silent(err) {
			return m, err
		}
		if err := t.hello(ctx); err != nil {
			return m, err
		}
	}
}

// hello begins the link afresh until the agent answers.
func (t *torture) hello(ctx context.Context) error {
	for {
		_, err := t.reg.Init(ctx)
		if err == nil || !silent(err) {
			return err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func silent(err error) bool {
	return errors.Is(err, virtual.ErrNoAck) || errors.Is(err, virtual.ErrNoResponse)
}

// nothingLeft sees whether the agent is done with every sale: an end that it would
// go on telling was not heard when it was delivered.
func (t *torture) nothingLeft(ctx context.Context) error {
	var left []string
	for range 20 {
		m, err := t.insist(ctx, "initConnection", map[string]any{"register": siteRegister, "events": true})
		if err != nil {
			return err
		}
		if left = append(m.Open(), m.Undelivered()...); len(left) == 0 {
			return nil
		}
		for range left { // it may be told of the same thing once more; that is its right
			state, err := t.listen(ctx)
			if err == nil && state.Final {
				err = t.confirm(ctx, state)
			}
			if err != nil {
				return err
			}
		}
	}
	t.fault(&t.tally.Disagreements, "the agent goes on with %v, whose ends are delivered", left)
	return nil
}

func (t *torture) fault(counter *int, format string, args ...any) {
	*counter++
	t.tally.Faults = append(t.tally.Faults, fmt.Sprintf(format, args...))
}

// compare holds Antom's ledger against what the register was told.
func (t *torture) compare(list []ordeal, ledger []sandbox.Charge) {
	charges := map[string][]sandbox.Charge{}
	for _, c := range ledger {
		charges[c.PaymentRequestID] = append(charges[c.PaymentRequestID], c)
	}
	for _, o := range list {
		booked, told := charges[o.id], t.told[o.id]
		what := fmt.Sprintf("%s, %d minor units, killed %s, %s: the ledger has %s, the register was told %q",
			o.id, o.minor, o.kill, crueltyOf(o), ledgerSays(booked), told.PaymentStatus)
		switch {
		case len(booked) > 1:
			t.fault(&t.tally.DoubleCharges, "DOUBLE CHARGE %s", what)
		case !told.Final:
			t.fault(&t.tally.Lost, "LOST %s", what)
		case !agrees(booked, told, o.minor):
			t.fault(&t.tally.Disagreements, "DISAGREEMENT %s", what)
		}
		delete(charges, o.id)
	}
	for id := range charges {
		t.fault(&t.tally.Disagreements, "DISAGREEMENT %s: nobody ordered this charge", id)
	}
}

func crueltyOf(o ordeal) string {
	if o.cruelty == nil {
		return "no cruelty"
	}
	return o.cruelty.Name
}
