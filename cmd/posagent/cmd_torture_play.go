package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// torturePayments shortens the waits.
const torturePayments = `window = "60s"
pay_timeout = "1s"
inquiry_timeout = "1s"
inquiry_interval = "200ms"
`

// saleLimit is how long a sale may take before it counts as lost: longer than its
// window.
const saleLimit = 90 * time.Second

// torture is a stage with a run on it.
type torture struct {
	*stage
	tally tally
	told  map[string]virtual.PaymentState

	mu      sync.Mutex
	reached map[moment]chan struct{} // of the present sale, closed by the till
}

// playTorture plays a run and compares the books.
func playTorture(ctx context.Context, w io.Writer, f tortureFlags) (_ tally, err error) {
	t := &torture{
		told:  map[string]virtual.PaymentState{},
		tally: tally{Seed: f.seed, KillsWhile: map[string]int{}, Cruelties: map[string]int{}},
	}
	t.stage = &stage{
		dir: f.dir, payments: torturePayments, software: "torture",
		timers:  virtual.Timers{T2: 150 * time.Millisecond, T3: 600 * time.Millisecond}, // a dead agent is found out soon
		manners: virtual.TillOptions{Pause: 50 * time.Millisecond, Quiet: 500 * time.Millisecond, Narrate: t.hear},
	}
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		err = errors.Join(err, t.clear())
	}()
	if err := t.set(ctx); err != nil {
		return t.tally, err
	}
	list := ordeals(f.seed, f.sales)
	said := newProgress(w, len(list), f.json)
	for _, o := range list {
		if err := t.suffer(ctx, o); err != nil {
			return t.tally, fmt.Errorf("sale %s: %w", o.id, err)
		}
		t.tally.Sales++
		said.say(t.tally)
	}
	if err := t.nothingLeft(ctx); err != nil {
		return t.tally, err
	}
	if err := t.stopAgent(); err != nil {
		return t.tally, err
	}
	t.compare(list, t.server.Ledger())
	t.tally.Seconds = time.Since(began).Seconds()
	return t.tally, nil
}

// suffer sees one sale through, while the agent is killed under it.
func (t *torture) suffer(ctx context.Context, o ordeal) error {
	if o.cruelty != nil {
		if err := t.server.Arm(*o.cruelty); err != nil {
			return err
		}
		t.tally.Cruelties[o.cruelty.Name]++
	}
	t.expect()
	killCtx, stop := context.WithCancel(ctx)
	defer stop()
	killed := make(chan error, 1)
	go func() { killed <- t.strike(killCtx, o) }()
	saleCtx, cancel := context.WithTimeout(ctx, saleLimit)
	defer cancel()
	sell := t.till.Sell
	if o.trusting {
		sell = t.sellTrusting
	}
	state, err := sell(saleCtx, virtual.Sale{ID: o.id, Method: "ALIPAY_CN", AmountMinor: o.minor, Currency: demoCurrency})
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // it counts as lost
	}
	t.told[o.id] = state
	stop()
	return errors.Join(err, <-killed)
}

// strike kills the agent at the ordeal's moment, if it comes, and starts it again.
func (t *torture) strike(ctx context.Context, o ordeal) error {
	if !t.awaits(ctx, o) || !pause(ctx, o.after) && o.kill != whileAnywhere {
		return nil
	}
	if err := t.killAgent(); err != nil {
		return err
	}
	t.tally.Kills++
	t.tally.KillsWhile[string(o.kill)]++
	if err := t.startAgent(); err != nil || !o.twice || !pause(ctx, o.again) {
		return err
	}
	if err := t.killAgent(); err != nil {
		return err
	}
	t.tally.Kills++
	t.tally.KillsWhile["starting"]++
	return t.startAgent()
}

// awaits waits for the ordeal's moment, and reports whether it came.
func (t *torture) awaits(ctx context.Context, o ordeal) bool {
	var match func(sandbox.Event) bool
	switch o.kill {
	case whileAnywhere:
		return true
	case whileDelivering, whileStored:
		select {
		case <-t.moment(o.kill):
			return true
		case <-ctx.Done():
			return false
		}
	case whileRead:
		match = func(e sandbox.Event) bool { return e.ID == o.id }
	case whileBooked:
		match = func(e sandbox.Event) bool { return e.ID == o.id && e.Acted }
	case whileAnswered:
		match = func(e sandbox.Event) bool { return e.ID == o.id && e.Stage == sandbox.StageOver }
	}
	_, err := t.server.Await(ctx, match)
	return err == nil
}

// pause waits for d, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// expect forgets the moments of the sale before.
func (t *torture) expect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reached = map[moment]chan struct{}{whileDelivering: make(chan struct{}), whileStored: make(chan struct{})}
}

func (t *torture) moment(m moment) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reached[m]
}

// reach says that a moment of the present sale has come, once or more often.
func (t *torture) reach(m moment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.reached[m]:
	default:
		close(t.reached[m])
	}
}

// hear listens to the till.
func (t *torture) hear(step virtual.Step, _ string) {
	switch step {
	case virtual.StepOutcome:
		t.reach(whileDelivering)
	case virtual.StepStored:
		t.reach(whileStored)
	}
}
