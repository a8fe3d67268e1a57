package virtual

import (
	"context"
	"errors"
	"time"
)

// Codes of register-link §5 that a till acts on.
const (
	codeNotFound     = "AGENT_NOT_FOUND"
	codeStorage      = "AGENT_STORAGE"
	codeShuttingDown = "AGENT_SHUTTING_DOWN"
	codeInconsistent = "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"
)

// checkout is one sale on its way. Its steps lead to one another:
//
//	pay ──► wait ──► deliver ──► done
//	 ▲ │      │ ▲       │
//	 │ └──┐   │ └────┐  │ silence
//	 │    ▼   ▼      │  ▼
//	 └─ reconnect ─► inquire
type checkout struct {
	*Till
	sale  Sale
	state PaymentState // the newest one known
}

// step does one thing and says what comes next, nil after the last.
type step func(context.Context) (step, error)

// start finds where to begin. What was written down before may have been sent,
// so it is asked about first (register-link §4 rule 4).
func (c *checkout) start(known bool) step {
	if state, delivered, ok := c.book.Outcome(c.sale.ID); ok {
		c.state = state
		if delivered {
			return nil
		}
		return c.deliverOutcome
	}
	if known {
		return c.reconnect
	}
	return c.pay
}

// pay sends the payment. Every time it is the same body, so that a repeat is
// the same payment (register-link §4 rule 3).
func (c *checkout) pay(ctx context.Context) (step, error) {
	if next, err := c.greet(ctx); next != nil || err != nil {
		return next, err
	}
	body, err := payBody(c.sale)
	if err != nil {
		return nil, err
	}
	c.say(StepPay, "pay %s: %d %s", c.sale.ID, c.sale.AmountMinor, c.sale.Currency)
	m, err := c.reg.RequestRaw(ctx, body)
	if err != nil {
		return c.silence(ctx, err, c.reconnect)
	}
	return c.judge(ctx, m, c.pay, c.refusedPay)
}

// greet sends initConnection where this till has not yet been heard.
func (c *checkout) greet(ctx context.Context) (step, error) {
	if c.greeted {
		return nil, nil
	}
	if err := c.initiate(ctx); err != nil {
		return c.silence(ctx, err, c.pay) // Nothing of the sale is sent yet.
	}
	return nil, nil
}

func (c *checkout) initiate(ctx context.Context) error {
	m, err := c.reg.Init(ctx)
	if err != nil {
		return err
	}
	if r := m.Result(); r.Status == "F" {
		return &RefusedError{Method: initiation, ID: c.reg.o.Name, Result: r}
	}
	c.greeted = true
	c.say(StepConnected, "the agent answers; open %v, undelivered %v", m.Open(), m.Undelivered())
	return nil
}

func payBody(s Sale) ([]byte, error) {
	return encodeBody(struct {
		Method  string `json:"method"`
		ID      string `json:"paymentRequestId"`
		Pay     string `json:"paymentMethod"`
		Amount  Amount `json:"paymentAmount"`
		Timeout int64  `json:"commandExecuteTimeout,omitempty"`
	}{"pay", s.ID, s.Method, Amount{s.AmountMinor, s.Currency}, s.WindowMs})
}

// refusedPay ends a sale that the agent would not take on, except where it
// will a moment later. Only a refusal that leaves no payment under the id is
// noted as such.
func (c *checkout) refusedPay(r *RefusedError) (step, error) {
	r.Method = "pay"
	if r.Result.Code == codeInconsistent {
		return nil, r
	}
	return nil, errors.Join(r, c.book.MarkRefused(c.sale.ID, r.Result.Code))
}

// reconnect starts the link afresh, then asks.
func (c *checkout) reconnect(ctx context.Context) (step, error) {
	if err := c.initiate(ctx); err != nil {
		return c.silence(ctx, err, c.reconnect)
	}
	return c.inquire, nil
}

func (c *checkout) inquire(ctx context.Context) (step, error) {
	c.say(StepAsk, "what became of %s?", c.sale.ID)
	m, err := c.reg.Request(ctx, "inquiryPayment", map[string]any{"paymentRequestId": c.sale.ID})
	if err != nil {
		return c.silence(ctx, err, c.reconnect)
	}
	return c.judge(ctx, m, c.inquire, c.refusedInquiry)
}

// refusedInquiry pays only where the agent says that it never stored the
// payment (register-link §4 rule 4).
func (c *checkout) refusedInquiry(r *RefusedError) (step, error) {
	r.Method = "inquiryPayment"
	if r.Result.Code != codeNotFound {
		return nil, r
	}
	c.say(StepUnknown, "the agent never stored %s: the identical pay again", c.sale.ID)
	return c.pay, nil
}

// judge reads a response to pay or inquiryPayment. A state counts, whatever the
// result; without one, F is a refusal and everything else unknown.
func (c *checkout) judge(ctx context.Context, m Message, again step, refused func(*RefusedError) (step, error)) (step, error) {
	if state, ok := m.PaymentState(); ok && state.PaymentRequestID == c.sale.ID {
		return c.weigh(state)
	}
	r := m.Result()
	if r.Status != "F" {
		c.say(StepSilence, "no state of %s in the answer (%s)", c.sale.ID, r.Code)
		return c.inquire, c.pause(ctx)
	}
	c.say(StepRefused, "%s %s", r.Code, r.Message)
	if passingCode(r.Code) {
		return again, c.pause(ctx)
	}
	return refused(&RefusedError{ID: c.sale.ID, Result: r, Open: m.Open()})
}

// weigh takes a state of this sale and says where it leads.
func (c *checkout) weigh(state PaymentState) (step, error) {
	asked := Amount{c.sale.AmountMinor, c.sale.Currency}
	if state.PaymentAmount != nil && *state.PaymentAmount != asked {
		return nil, ErrWrongAmount
	}
	news, err := c.take(state)
	if err != nil {
		return nil, err
	}
	if news {
		c.state = state
	}
	if c.state.Final {
		return c.deliverOutcome, nil
	}
	return c.wait, nil
}

// wait waits for an event of this sale, and asks after a long quiet.
func (c *checkout) wait(ctx context.Context) (step, error) {
	quiet := time.NewTimer(c.o.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.reg.Done():
			return nil, ErrHangUp
		case <-quiet.C:
			return c.inquire, nil
		case m := <-c.reg.Events():
			state, ok := m.PaymentState()
			if !ok || m.Event() != "payment" {
				continue
			}
			if state.PaymentRequestID == c.sale.ID {
				return c.weigh(state)
			}
			if err := c.takeOther(ctx, state); err != nil {
				return nil, err
			}
		}
	}
}

// takeOther stores the outcome of another sale, so late as it comes, and
// confirms it once: the agent says it again until it is confirmed.
func (c *checkout) takeOther(ctx context.Context, state PaymentState) error {
	news, err := c.take(state)
	if err != nil || !news || !state.Final {
		return err
	}
	if err = c.deliver(ctx, state); passing(err) {
		return nil
	}
	return err
}

func (c *checkout) deliverOutcome(ctx context.Context) (step, error) {
	err := c.deliver(ctx, c.state)
	if err != nil {
		return c.silence(ctx, err, c.reconnect)
	}
	return nil, nil
}

// silence takes an unanswered request for unknown and goes on after a pause.
// An error that does not pass by itself ends the sale.
func (c *checkout) silence(ctx context.Context, err error, next step) (step, error) {
	if !passing(err) {
		return nil, err
	}
	c.say(StepSilence, "%v", err)
	return next, c.pause(ctx)
}

// passing says whether the same request may have another answer soon.
func passing(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return passingCode(refused.Result.Code)
	}
	return errors.Is(err, ErrNoAck) || errors.Is(err, ErrNoResponse)
}

func passingCode(code string) bool { return code == codeStorage || code == codeShuttingDown }

func (c *checkout) pause(ctx context.Context) error {
	t := time.NewTimer(c.o.Pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
