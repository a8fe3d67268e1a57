package queue

import (
	"fmt"
	"time"
)

// inputKind is an input without its times: what the coverage counts.
type inputKind struct {
	kind    string
	to      Action
	verdict Verdict
	status  RefundStatus
	flag    bool // of a tick: a call is under way; of a restart: another boot
}

func kindOf(in Input) inputKind {
	switch in := in.(type) {
	case Answered:
		return inputKind{kind: "answered", to: in.To, verdict: in.Answer.Verdict}
	case Tick:
		return inputKind{kind: "tick", flag: in.Calling}
	case Restart:
		return inputKind{kind: "restart", flag: in.NewBoot}
	case Abort:
		return inputKind{kind: "abort"}
	case Resolve:
		return inputKind{kind: "resolve", flag: in.Paid}
	case Reversed:
		return inputKind{kind: "reversed", status: in.Status}
	case Turn:
		return inputKind{kind: "turn"}
	}
	panic("queue: unknown input")
}

// name is a move in words, where somebody reads them.
func (f *found) name(now time.Time, in Input, state string, act Action) string {
	if !f.naming {
		return ""
	}
	name := fmt.Sprintf("%5.0fs %s: %s", now.Sub(simEpoch()).Seconds(), inputName(in), state)
	if act != None {
		name += " DO=" + string(act)
	}
	return name
}
