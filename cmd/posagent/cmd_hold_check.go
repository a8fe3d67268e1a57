package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// exitOpen is what hold-check ends with while an update must wait: what Mender and
// others take for "ask again later".
const exitOpen = 21

func holdCheckCommand() command {
	return command{
		name:  "hold-check",
		usage: "-config FILE [-running] [-json]",
		brief: "tell an updater whether a payment is open",
		about: "Says whether a customer may be waiting, so that an updater does not restart the agent\n" +
			"or the box now. Payments in doubt and ends that are not delivered do not hold an\n" +
			"update: they survive it, and may last for days.\n\n" +
			"Exit 0: idle, go on. 21: a payment is inside its window, or a refund was just asked\n" +
			"for: ask again later; it takes ten minutes at the most. 1: not well: whether a payment\n" +
			"is open can't be found out, the agent does not answer, or it can't write its store.\n" +
			"An update that mends this may go on: nothing that was promised is lost by a restart.\n" +
			"78: the configuration is wrong.\n\n" +
			"An agent that does not run holds up nothing but what its store says is inside its\n" +
			"window; -running wants one to run, as after an update.\n",
		run: runHoldCheck,
	}
}

func runHoldCheck(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	running := fs.Bool("running", false, "not well, too, where no agent runs")
	asJSON := fs.Bool("json", false, "as JSON")
	file, cfg, code, ok := c.configured(e, fs, args)
	if !ok {
		return code
	}
	h := judgeHold(reportOf(ctx, file, cfg, false), cfg.Payments.RefundTimeout, *running)
	if *asJSON {
		if err := json.NewEncoder(e.stdout).Encode(h); err != nil {
			return c.failed(e, err)
		}
	} else {
		fmt.Fprintf(e.stdout, "%s: %s\n", h.State, h.Why)
	}
	return h.Code
}

// hold is what an updater is told.
type hold struct {
	State       string `json:"state"` // "idle", "open" or "unhealthy"
	Code        int    `json:"code"`
	Why         string `json:"why"`
	Running     bool   `json:"running"` // the agent was asked, and answered
	InWindow    int    `json:"inWindow"`
	InDoubt     int    `json:"inDoubt"`
	Undelivered int    `json:"undelivered"`
}

// longestWindow is the longest window that a payment can have (register-link §3). An
// end further away is one of a clock that was set back.
const longestWindow = 10 * time.Minute

// judgeHold decides whether an update must wait. The agent's own word counts before
// its store's; of a store without an agent, rows whose window is over hold nothing.
func judgeHold(is report, refundTimeout time.Duration, mustRun bool) hold {
	p := is.Payments
	h := hold{Running: is.Running, InWindow: p.InWindow, InDoubt: p.InDoubt, Undelivered: p.Undelivered}
	end := func(state string, code int, format string, args ...any) hold {
		h.State, h.Code, h.Why = state, code, fmt.Sprintf(format, args...)
		return h
	}
	ends := p.WindowEnds != nil && p.WindowEnds.After(is.At) && p.WindowEnds.Sub(is.At) <= longestWindow
	refunding := p.RefundedAt != nil && !p.RefundedAt.After(is.At) && is.At.Sub(*p.RefundedAt) < refundTimeout
	switch {
	case p.Answering && is.Running && p.InWindow > 0, p.Answering && ends:
		return end("open", exitOpen, "%s inside the payment window; ask again later", count(p.InWindow, "payment"))
	case p.Answering && refunding:
		return end("open", exitOpen, "a refund was asked for less than %v ago; ask again later", refundTimeout)
	case is.silent:
		return end("unhealthy", exitFailed, "%s", is.Why)
	case !is.Running && is.Fresh && !mustRun:
		return end("idle", exitDone, "no agent has ever run here: there is no store yet")
	case !p.Answering:
		return end("unhealthy", exitFailed, "whether a payment is open is not known: %s", cmp.Or(is.Trouble, is.Why))
	case is.Running && is.Store.Writable != nil && !*is.Store.Writable:
		return end("unhealthy", exitFailed, "the store can't be written; check the disk (posagent doctor)")
	case mustRun && !is.Running:
		return end("unhealthy", exitFailed, "%s", is.Why)
	}
	more := ""
	if !is.Running {
		more = "; " + is.Why
	}
	return end("idle", exitDone, "no payment is inside its window%s; what survives an update: %d in doubt, %d not delivered",
		more, p.InDoubt, p.Undelivered)
}
