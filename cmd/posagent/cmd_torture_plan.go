package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"posagent/antom/sandbox"
)

// moment is when the agent is killed.
type moment string

// The moments of a kill.
const (
	whileRead       moment = "request read"   // Antom has the request, and has done nothing
	whileBooked     moment = "money moved"    // Antom has done it, and has not answered
	whileAnswered   moment = "just answered"  // the answer is out
	whileDelivering moment = "delivering"     // the register was told the end
	whileStored     moment = "stored at till" // and has stored it, and not said so
	whileAnywhere   moment = "at random"
)

// ordeal is what one sale has to go through.
type ordeal struct {
	id       string
	minor    int64
	trusting bool // the register never asks: the agent has to come and tell
	cruelty  *sandbox.Plan
	kill     moment
	after    time.Duration // from the moment to the kill
	twice    bool          // and once more while it starts again
	again    time.Duration // from the start to that kill
}

// ordeals draws a run. The same seed gives the same ones.
func ordeals(seed uint64, n int) []ordeal {
	dice := rand.New(rand.NewPCG(seed, 0))
	var book []sandbox.Cruelty
	for _, c := range sandbox.Book() {
		if !c.BreaksPledge && (slices.Contains(c.Calls, "pay") || slices.Contains(c.Calls, "inquiryPayment")) {
			book = append(book, c)
		}
	}
	list := make([]ordeal, n)
	for i := range list {
		list[i] = draw(dice, book, i)
	}
	return list
}

func draw(dice *rand.Rand, book []sandbox.Cruelty, i int) ordeal {
	moments := []moment{whileRead, whileBooked, whileAnswered, whileDelivering, whileStored, whileAnywhere}
	o := ordeal{
		id:       fmt.Sprintf("TORTURE_%05d", i+1),
		minor:    100 * (1 + dice.Int64N(100)), // an amount whose ending calls no cruelty
		trusting: dice.IntN(3) == 0,
		kill:     moments[dice.IntN(len(moments))],
		twice:    dice.IntN(8) == 0,
		again:    time.Duration(dice.IntN(150)) * time.Millisecond,
	}
	switch o.kill {
	case whileAnywhere:
		o.after = time.Duration(dice.IntN(250)) * time.Millisecond
	case whileAnswered:
		o.after = time.Duration(dice.IntN(4000)) * time.Microsecond // the commit is on its way
	}
	if dice.IntN(2) == 0 {
		o.cruelty = brief(book[dice.IntN(len(book))], o.id)
	}
	return o
}

// brief makes a cruelty last no longer than the test has patience, where it is the
// waiting that makes it one.
func brief(c sandbox.Cruelty, id string) *sandbox.Plan {
	p := sandbox.Plan{Name: c.Name, ID: id, Path: c.Calls[0]}
	if slices.Contains(c.Calls, "pay") {
		p.Path = "pay"
	}
	if c.Duration > 0 && c.Name != "clock_off" {
		p.Duration = min(c.Duration, 800*time.Millisecond)
	}
	return &p
}
