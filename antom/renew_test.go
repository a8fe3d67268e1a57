package antom

import (
	"errors"
	"testing"
)

// New keys in the midst of a day: what the client before believed can't be played
// back to the one after it, and Antom's clock is known still.
func TestARenewedClientKnowsWhatWasBelieved(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	next, err := c.Renew(c.opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := next.Skew(); !known {
		t.Error("Antom's clock is forgotten")
	}
	replayer(g)
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Pay(testContext(t), testPay()); !errors.Is(err, ErrMisfit) {
		t.Errorf("an answer that was believed before the keys changed: %v, want ErrMisfit", err)
	}
}

func TestARenewedClientElsewhereMeasuresTheClockAnew(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	if err := c.Warm(testContext(t)); err != nil {
		t.Fatal(err)
	}
	o := c.opts
	o.BaseURL = "https://elsewhere.example/openapi/v2"
	next, err := c.Renew(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := next.Skew(); known {
		t.Error("another gateway's clock was taken for this one's")
	}
}
