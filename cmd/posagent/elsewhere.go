package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"posagent/queue"
)

// acquirerName tells two acquirers apart: where Antom is, and who we are there.
func (s settings) acquirerName() string {
	return strings.TrimRight(s.Antom.BaseURL, "/") + " " + s.Antom.ClientID
}

// elsewhere is the way to Antom for what may have been sent to another gateway, or
// under another client id, before the agent was started. This one may not know it:
// so it is asked about and never sent, for that could charge twice; and that it is
// not found says nothing. Whoever knows it, and says how it ended, is believed: a
// terminal whose address changed is the same terminal.
type elsewhere struct {
	queue.Gateway
	ids map[string]bool // of payments and refunds; is not changed
}

// amidElsewhere is a gateway amid payments and refunds of which some were sent elsewhere.
func amidElsewhere(ids map[string]bool, to queue.Gateway) queue.Gateway {
	if len(ids) == 0 {
		return to
	}
	return elsewhere{to, ids}
}

// Why the outcome of what was sent elsewhere stays open.
const (
	notSentHere = "not sent: it went to another base_url or client_id before"
	notKnownYet = "not known here, where it was not sent: it went to another base_url or client_id"
)

func (e elsewhere) Pay(p queue.Payment) queue.Call {
	if e.ids[p.ID] {
		return func(context.Context) queue.Answer {
			return queue.Answer{Verdict: queue.VerdictOpen, Why: notSentHere}
		}
	}
	return e.Gateway.Pay(p)
}

func (e elsewhere) Inquire(ctx context.Context, p queue.Payment) queue.Answer {
	return e.judge(p.ID, e.Gateway.Inquire(ctx, p))
}

func (e elsewhere) Refund(ctx context.Context, r queue.Refund) queue.Answer {
	if e.ids[r.ID] {
		return queue.Answer{Verdict: queue.VerdictOpen, Why: notSentHere}
	}
	return e.Gateway.Refund(ctx, r)
}

func (e elsewhere) InquireRefund(ctx context.Context, r queue.Refund) queue.Answer {
	return e.judge(r.ID, e.Gateway.InquireRefund(ctx, r))
}

// judge takes a not found for what it is worth.
func (e elsewhere) judge(id string, a queue.Answer) queue.Answer {
	if e.ids[id] && a.Verdict == queue.VerdictNotFound {
		return queue.Answer{Verdict: queue.VerdictOpen, Why: notKnownYet}
	}
	return a
}

// sayElsewhere says in the log what waits for another gateway, and the ways out.
func (a *agent) sayElsewhere(ids map[string]bool) {
	if len(ids) == 0 {
		return
	}
	const most = 20
	list := slices.Sorted(maps.Keys(ids))
	a.log.Error("payments or refunds are open that were sent to another base_url or client_id: they are asked about here and never sent, "+
		"and that they are not found here does not end them; put the old base_url and client_id back and restart until they have ended, "+
		"or look the payments up in Antom's portal and use posagent resolve", "open", len(list), "ids", list[:min(len(list), most)])
}
