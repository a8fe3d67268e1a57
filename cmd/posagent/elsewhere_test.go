package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// another is a second stand-in with the same keys that knows of no payment.
func (s *shop) another() (server *sandbox.Server, baseURL string) {
	s.t.Helper()
	ln, err := sandbox.Listen("127.0.0.1:0")
	must(s.t, err)
	server, err = sandbox.New(s.site.sandboxOptions(nil))
	must(s.t, err)
	s.background("the other stand-in", func(ctx context.Context) error { return server.Serve(ctx, ln) })
	return server, "http://" + ln.Addr().String() + "/openapi/v2"
}

// A payment that was taken here is not called unpaid because an agent that was started
// anew asks another gateway, nor is it paid there once more. Sales go on meanwhile, and
// where it is known its end is learnt.
func TestAnotherGatewayEndsNothingThatItWasNotSent(t *testing.T) {
	s := openShop(t, strings.Replace(quick, `window = "20s"`, "window = \"5s\"\nquiet_time = \"1s\"", 1))
	stop := s.serve()
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1", Count: 1000}) // takes the money, and says nothing
	sold := make(chan virtual.PaymentState, 1)
	till := s.till()
	go func() { sold <- s.sell(till, "R1", 1050) }()
	s.until("the money is taken", func() bool { return len(s.charges("R1")) == 1 })
	stop()

	good, err := os.ReadFile(s.site.configFile())
	must(t, err)
	other, url := s.another()
	rewrite(t, s.site.configFile(), "base_url = ", `base_url = "`+url+`"`)
	stop = s.serve()
	asked := func() bool { out, err := askReport(s); return err == nil && out.Payments.InDoubt == 1 }
	s.until("it is in doubt", asked)
	<-time.After(2 * time.Second) // longer than anything could be on its way
	if !asked() {
		t.Error("it is not in doubt any more")
	}
	if n := len(other.Ledger()); n != 0 {
		t.Errorf("the other gateway took money %d times", n)
	}
	if line := lineWith(s.log.String(), "sent to another base_url"); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "R1") {
		t.Errorf("said: %s", line)
	}
	code, out, _ := output(t, "explain", "-config", s.site.configFile(), "R1")
	if code != exitDone || !strings.Contains(unfolded(out), "not known here, where it was not sent") {
		t.Errorf("explain: exit %d\n%s", code, out)
	}
	stop()

	must(t, os.WriteFile(s.site.configFile(), good, 0o600))
	s.server.Disarm()
	s.serve()
	s.wantAgree(<-sold)
}
