package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// spread is what many readings of one thing came to, in microseconds.
type spread struct {
	P10 float64 `json:"p10"`
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// readings are of one thing, in any order.
type readings []time.Duration

func (r *readings) add(d time.Duration) { *r = append(*r, d) }

// time adds how long do takes.
func (r *readings) time(do func() error) error {
	began := time.Now()
	err := do()
	r.add(time.Since(began))
	return err
}

func (r readings) spread() spread {
	if len(r) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(r))
	at := func(percent int) float64 {
		return float64(sorted[min(len(sorted)-1, len(sorted)*percent/100)].Nanoseconds()) / 1000
	}
	return spread{P10: at(10), P50: at(50), P90: at(90), P99: at(99)}
}

// salePart is one way through the agent beside what it can't be faster than.
type salePart struct {
	Took  spread `json:"took"`  // all of it
	Limit spread `json:"limit"` // one commit and the RSA and AES operations, in the same rounds
	Raw   spread `json:"raw"`   // the same with a bare synced write in the commit's place
	// Own is what the agent adds to the limit at the median, OwnRaw to the one with
	// the bare write.
	Own    float64 `json:"ownP50"`
	OwnRaw float64 `json:"ownRawP50"`
}

func newSalePart(took, limit, raw readings) salePart {
	p := salePart{Took: took.spread(), Limit: limit.spread(), Raw: raw.spread()}
	p.Own, p.OwnRaw = p.Took.P50-p.Limit.P50, p.Took.P50-p.Raw.P50
	return p
}

// saleReport is what sales cost whose every step was timed, in microseconds.
type saleReport struct {
	Transport string `json:"transport"`
	Rounds    int    `json:"rounds"`
	// ToGateway is from the last byte of the command to the first of the request,
	// ToGatewayWhole to its last.
	ToGateway      salePart `json:"toGateway"`
	ToGatewayWhole spread   `json:"toGatewayWhole"`
	// ToRegister is from the answer's first byte to that of the event. Over plain
	// http an inquiry lies between the two; it is from the inquiry's answer then,
	// and Confirming is what came before.
	ToRegister salePart `json:"toRegister"`
	Confirming spread   `json:"confirming"`
	SyncedRaw  spread   `json:"synced4KiB"`
	Commit     spread   `json:"commit"`        // of a new payment
	Outcome    spread   `json:"outcomeCommit"` // of its end
	RSARequest spread   `json:"rsaAndAesOfARequest"`
	RSAAnswer  spread   `json:"rsaAndAesOfAnAnswer"`
	WireBytes  int      `json:"bytesOnTheLine"` // of a whole sale, both ways
}

// benchRounds times sales and, in turns with them, their limits.
type benchRounds struct {
	stage  *benchStage
	limits *limits

	raw, commit, outcome, ask, hear          readings
	gateway, gatewayLimit, gatewayRaw, whole readings
	register, registerLimit, registerRaw     readings
	confirming                               readings
}

// limitPause lets the disk and the caches rest before a limit is measured, as they do
// before each step of a sale: while the customer pays, other programs have them.
const limitPause = 20 * time.Millisecond

// warmUp is how many sales are not counted: connections are made, caches fill.
const warmUp = 3

// run plays n rounds, fewer where the time is over first.
func (b *benchRounds) run(ctx context.Context, n int, within time.Duration, say func(done, of int)) error {
	for i := range warmUp {
		if err := b.stage.sell(ctx, 0, fmt.Sprintf("WARM_%d", i)); err != nil {
			return err
		}
	}
	end := time.Now().Add(within)
	for i := range n {
		if i >= 10 && time.Now().After(end) {
			return nil
		}
		if err := b.round(ctx, i); err != nil {
			return err
		}
		say(i+1, n)
	}
	return nil
}

func (b *benchRounds) round(ctx context.Context, i int) error {
	for _, limit := range []struct {
		to *readings
		do func() error
	}{{&b.raw, b.limits.sync}, {&b.commit, b.limits.commit}, {&b.outcome, b.limits.outcome}, {&b.ask, b.limits.ask}, {&b.hear, b.limits.hear}} {
		if !pause(ctx, limitPause) {
			return context.Cause(ctx)
		}
		if err := limit.to.time(limit.do); err != nil {
			return err
		}
	}
	last := func(r readings) time.Duration { return r[len(r)-1] }
	b.gatewayLimit.add(last(b.commit) + last(b.ask))
	b.gatewayRaw.add(last(b.raw) + last(b.ask))
	b.registerLimit.add(last(b.outcome) + last(b.hear))
	b.registerRaw.add(last(b.raw) + last(b.hear))
	b.stage.stamps.forget()
	if err := b.stage.sell(ctx, 0, fmt.Sprintf("BENCH_%d", i)); err != nil {
		return err
	}
	return b.note()
}

// note reads the stamps of the sale that has just been made.
func (b *benchRounds) note() error {
	payOut, eventIn := b.stage.ends[0].times()
	calls := b.stage.stamps.since(payOut)
	if len(calls) == 0 || !eventIn.After(calls[len(calls)-1].firstOut) {
		return fmt.Errorf("a sale's stamps make no sense: %d calls", len(calls))
	}
	first, final := calls[0], calls[len(calls)-1]
	b.gateway.add(first.firstIn.Sub(payOut))
	b.whole.add(first.lastIn.Sub(payOut))
	b.register.add(eventIn.Sub(final.firstOut))
	if len(calls) > 1 {
		b.confirming.add(final.lastIn.Sub(first.firstOut))
	}
	return nil
}

func (b *benchRounds) report() saleReport {
	return saleReport{
		Transport: map[bool]string{true: "https", false: "http"}[b.stage.secure],
		Rounds:    len(b.gateway),
		ToGateway: newSalePart(b.gateway, b.gatewayLimit, b.gatewayRaw), ToGatewayWhole: b.whole.spread(),
		ToRegister: newSalePart(b.register, b.registerLimit, b.registerRaw), Confirming: b.confirming.spread(),
		SyncedRaw: b.raw.spread(), Commit: b.commit.spread(), Outcome: b.outcome.spread(), RSARequest: b.ask.spread(), RSAAnswer: b.hear.spread(),
		WireBytes: len(b.stage.ends[0].ofASale()),
	}
}
