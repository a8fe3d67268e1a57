package antom

import (
	"testing"
	"time"
)

// preparing is a client whose clock stands still until it is moved.
func preparing(t *testing.T) (g *gateway, c *Client, move func(time.Duration)) {
	t.Helper()
	g = newGateway(t)
	now := testNow
	c = g.client(func(o *Options) { o.Now = func() time.Time { return now } })
	return g, c, func(by time.Duration) { now = now.Add(by) }
}

// Nothing leaves while a request is made ready, and then it leaves as it was made; one
// that has become old, or was made by a clock that was set since, is made anew.
func TestAPreparedPayLeavesWhenItIsSent(t *testing.T) {
	for _, test := range []struct {
		name  string
		waits time.Duration
		stamp time.Duration // of the request, from when it was prepared
	}{
		{"at once", 0, 0},
		{"within the second", time.Second, 0},
		{"later", time.Second + time.Millisecond, time.Second + time.Millisecond},
		{"the clock was set back", -time.Hour, -time.Hour},
		{"the clock was set forward", time.Hour, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, c, move := preparing(t)
			prepared := c.PreparePay(testPay())
			move(test.waits)
			if n := g.seen.Load(); n != 0 {
				t.Fatalf("%d requests have left", n)
			}
			g.speak = func(s *spoken) { s.time = testNow.Add(test.waits) }
			resp, err := prepared.Send(testContext(t))
			if err != nil || ConcludePay(resp, err) != Paid {
				t.Fatalf("got %+v, %v", resp, err)
			}
			if got, want := g.lastHead.Load().Get("Request-Time"), testNow.Add(test.stamp).Format(requestTime); got != want {
				t.Errorf("its time is %s, want %s", got, want)
			}
			if n := g.seen.Load(); n != 1 {
				t.Errorf("%d requests, want one", n)
			}
		})
	}
}

// What can't be prepared is not sent, and says so when it should leave.
func TestWhatCannotBePreparedIsNotSent(t *testing.T) {
	g, c, _ := preparing(t)
	bad := testPay()
	bad.PaymentAmount.ValueMinor = 0
	resp, err := c.PreparePay(bad).Send(testContext(t))
	wantIgnorance(t, resp, err, false, nil)
	if n := g.seen.Load(); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

// A clock that was wrong when a request was made ready, and is right when it leaves,
// harms nothing; nor does one the other way round let it leave.
func TestTheClockIsLookedAtWhenAPreparedPayLeaves(t *testing.T) {
	g, c, move := preparing(t)
	c.opts.NotBefore = testNow.Add(time.Hour)
	early := c.PreparePay(testPay())
	move(2 * time.Hour)
	g.speak = func(s *spoken) { s.time = testNow.Add(2 * time.Hour) }
	if resp, err := early.Send(testContext(t)); err != nil || ConcludePay(resp, err) != Paid {
		t.Errorf("got %+v, %v", resp, err)
	}
	late := c.PreparePay(testPay())
	move(-2 * time.Hour)
	resp, err := late.Send(testContext(t))
	wantIgnorance(t, resp, err, false, ErrClock)
}
