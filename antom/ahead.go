package antom

import (
	"context"
	"time"
)

// PreparedPay is a pay request that is checked, encrypted and signed, so that it can
// leave at once. Nothing of it has left.
type PreparedPay struct {
	c   *Client
	req PayRequest
	msg message // empty where it could not be made
}

// freshFor is how long a prepared request is as good as a new one: its Request-Time is
// from when it was made.
const freshFor = time.Second

// thePay is the operation of a pay request.
func thePay() operation { return operation{"pay", "/payments/pay"} }

// PreparePay makes a pay request ready, which is nearly all that it costs the
// processor. Where that can't be done, Send says why.
func (c *Client) PreparePay(req PayRequest) *PreparedPay {
	p := &PreparedPay{c: c, req: req}
	if msg, err := c.prepare(thePay(), req, c.opts.Now()); err == nil {
		p.msg = msg
	}
	return p
}

// Send is Client.Pay with what was prepared. That is made anew where it is more than a
// second old, or the clock was set since.
func (p *PreparedPay) Send(ctx context.Context) (PayResponse, error) {
	var resp PayResponse
	now := p.c.opts.Now()
	if age := now.Round(0).Sub(p.msg.left.Round(0)); age >= 0 && age <= freshFor {
		err := p.c.send(ctx, thePay(), p.msg, p.req, &resp)
		return resp, err
	}
	err := p.c.call(ctx, thePay(), p.req, &resp)
	return resp, err
}
