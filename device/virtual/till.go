package virtual

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Step names what a till is doing, for those who tell its story.
type Step string

// The steps of a sale, in the order of an undisturbed one, then the others.
const (
	StepConnected Step = "connected" // initConnection was answered
	StepNoted     Step = "noted"     // the id is on disk, nothing is sent yet
	StepPay       Step = "pay"
	StepTakenOn   Step = "taken on" // a state that is not final
	StepOutcome   Step = "outcome"  // a final state
	StepStored    Step = "stored"   // it is on disk
	StepDelivered Step = "delivered"

	StepSilence Step = "silence" // no answer: unknown, not failed
	StepAsk     Step = "ask"
	StepUnknown Step = "not found" // the agent never stored it
	StepRefused Step = "refused"
	StepStale   Step = "stale" // a state older than one already seen, ignored
)

// ErrWrongAmount says that the agent told a state with an amount the till did
// not ask for. Nothing is stored or delivered then.
var ErrWrongAmount = errors.New("the agent tells another amount than was asked for")

// RefusedError is an agent's F: nothing was done because of the request.
type RefusedError struct {
	Method, ID string
	Result     Result
	Open       []string // with TERMINAL_BUSY: the ids that are in the way
}

// Error names the request, the id and the code.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s %s refused: %s %s", e.Method, e.ID, e.Result.Code, e.Result.Message)
}

// TillOptions are a till's patience and its voice.
type TillOptions struct {
	Pause time.Duration // after silence, before asking; 0 is 500 ms
	// Quiet is how long to wait for an event before asking. 0 is 12 s, a little
	// more than the agent's heartbeat, and 1 s where the agent pushes no events.
	Quiet   time.Duration
	Narrate func(step Step, text string) // called as things happen; may be nil
}

// Till sells by the rules of register-link §4: it writes the id down before it
// sends, takes silence for unknown and asks, pays again under the same id only
// when the agent never stored it, and says delivered only for what is on disk.
type Till struct {
	reg     *Register
	book    *Notebook
	o       TillOptions
	turn    chan struct{}    // holds one token: a till sells one thing at a time
	seen    map[string]int64 // the newest rev of each payment
	greeted bool
}

// NewTill makes a till of a register, which must be running when it sells, and
// a notebook. The till is then the reader of the register's events.
func NewTill(reg *Register, book *Notebook, o TillOptions) *Till {
	if o.Pause == 0 {
		o.Pause = 500 * time.Millisecond
	}
	if o.Quiet == 0 {
		o.Quiet = 12 * time.Second
		if !reg.o.Events {
			o.Quiet = time.Second
		}
	}
	if o.Narrate == nil {
		o.Narrate = func(Step, string) {}
	}
	return &Till{reg: reg, book: book, o: o, turn: make(chan struct{}, 1), seen: map[string]int64{}}
}

// Sell sees a sale through to its outcome, stored and delivered, and returns
// it; a decline is an outcome and no error. It takes up what an earlier till
// with this notebook began under the same id. It goes on through lost answers
// and restarts of the agent until ctx ends, and then returns the last state
// known with the error of ctx: the outcome is open, sell the same again.
// A RefusedError says that nothing was taken for this id, unless its code is
// DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT or its Method is not pay. ErrHangUp
// wants a new Register.
func (t *Till) Sell(ctx context.Context, s Sale) (PaymentState, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return PaymentState{}, fmt.Errorf("sell %s: waiting for another sale: %w", s.ID, ctx.Err())
	}
	state, err := t.sell(ctx, s)
	if err != nil {
		return state, fmt.Errorf("sell %s: %w", s.ID, err)
	}
	return state, nil
}

// Resume sells everything the notebook holds that is not settled, oldest first,
// and returns the outcomes beside the errors of the others.
func (t *Till) Resume(ctx context.Context) ([]PaymentState, error) {
	var states []PaymentState
	var errs []error
	for _, s := range t.book.Unsettled() {
		state, err := t.Sell(ctx, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		states = append(states, state)
	}
	return states, errors.Join(errs...)
}

func (t *Till) sell(ctx context.Context, s Sale) (PaymentState, error) {
	known, err := t.book.Intend(s)
	if err != nil {
		return PaymentState{}, err
	}
	c := &checkout{Till: t, sale: s}
	c.say(StepNoted, "%s is written down", s.ID)
	next := c.start(known)
	for next != nil {
		if next, err = next(ctx); err != nil {
			return c.state, err
		}
	}
	return c.state, nil
}

func (t *Till) say(step Step, format string, args ...any) {
	t.o.Narrate(step, fmt.Sprintf(format, args...))
}

// take looks at a state. It is news unless a later rev has been seen; a final
// one is stored before anything else is done with it.
func (t *Till) take(state PaymentState) (news bool, err error) {
	id := state.PaymentRequestID
	stored, _, had := t.book.Outcome(id)
	if had {
		t.seen[id] = max(t.seen[id], stored.Rev)
	}
	if state.Rev < t.seen[id] {
		t.say(StepStale, "rev %d of %s is older than %d", state.Rev, id, t.seen[id])
		return false, nil
	}
	again := t.seen[id] == state.Rev
	t.seen[id] = state.Rev
	switch {
	case had && stored.Rev == state.Rev:
		return true, nil // Told again, since the agent does not know that we have it.
	case !state.Final && again:
		return true, nil // The agent's heartbeat.
	case !state.Final:
		t.say(StepTakenOn, "%s is %s, rev %d", id, describe(state), state.Rev)
		return true, nil
	}
	t.say(StepOutcome, "%s is %s, rev %d", id, describe(state), state.Rev)
	if err := t.book.Store(state); err != nil {
		return true, err
	}
	t.say(StepStored, "%s rev %d is on disk", id, state.Rev)
	return true, nil
}

func describe(s PaymentState) string {
	if s.InDoubt {
		return s.PaymentStatus + " (in doubt)"
	}
	return s.PaymentStatus
}

// deliver says that a stored state is stored, and notes that it was said.
func (t *Till) deliver(ctx context.Context, state PaymentState) error {
	id := state.PaymentRequestID
	m, err := t.reg.Request(ctx, "delivered", map[string]any{"paymentRequestId": id, "rev": state.Rev})
	if err != nil {
		return err
	}
	if r := m.Result(); r.Status != "S" {
		return &RefusedError{Method: "delivered", ID: id, Result: r}
	}
	t.say(StepDelivered, "the agent knows that %s rev %d is stored", id, state.Rev)
	return t.book.MarkDelivered(id, state.Rev)
}
