package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
	"posagent/queue"
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
	t.Parallel()
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
	if wantSays(t, unfolded(out), "not known here, where it was not sent", "Put the old ones back"); code != exitDone {
		t.Errorf("explain: exit %d", code)
	}
	stop()

	must(t, os.WriteFile(s.site.configFile(), good, 0o600))
	s.server.Disarm()
	s.serve()
	s.wantAgree(<-sold)
}

// gatewayOf answers everything with one verdict, and counts what it was asked.
type gatewayOf struct {
	verdict queue.Verdict
	calls   *int
}

func (g gatewayOf) answer() queue.Answer { *g.calls++; return queue.Answer{Verdict: g.verdict} }

func (g gatewayOf) Pay(queue.Payment) queue.Call {
	return func(context.Context) queue.Answer { return g.answer() }
}
func (g gatewayOf) Inquire(context.Context, queue.Payment) queue.Answer      { return g.answer() }
func (g gatewayOf) Refund(context.Context, queue.Refund) queue.Answer        { return g.answer() }
func (g gatewayOf) InquireRefund(context.Context, queue.Refund) queue.Answer { return g.answer() }

// What was sent elsewhere is never sent, and not found there is no end; any other word
// is taken. Of what was not, nothing is changed.
func TestWhatWasSentElsewhereIsOnlyAskedAbout(t *testing.T) {
	for _, c := range []struct {
		id            string
		says, pay, of queue.Verdict // the gateway, and what becomes of it where it is to pay or refund, and where it is asked
		calls         int
	}{
		{"THERE", queue.VerdictNotFound, queue.VerdictOpen, queue.VerdictOpen, 2},
		{"THERE", queue.VerdictPaid, queue.VerdictOpen, queue.VerdictPaid, 2},
		{"THERE", queue.VerdictUnknown, queue.VerdictOpen, queue.VerdictUnknown, 2},
		{"HERE", queue.VerdictNotFound, queue.VerdictNotFound, queue.VerdictNotFound, 4},
	} {
		calls := 0
		g := amidElsewhere(map[string]bool{"THERE": true}, gatewayOf{c.says, &calls})
		p, r := queue.Payment{Command: queue.Command{ID: c.id}}, queue.Refund{ID: c.id}
		for _, a := range []queue.Answer{g.Pay(p)(t.Context()), g.Refund(t.Context(), r)} {
			if a.Verdict != c.pay {
				t.Errorf("%s, which says %s: sending it is %s, want %s", c.id, c.says, a.Verdict, c.pay)
			}
		}
		for _, a := range []queue.Answer{g.Inquire(t.Context(), p), g.InquireRefund(t.Context(), r)} {
			if a.Verdict != c.of {
				t.Errorf("%s, which says %s: asking is %s, want %s", c.id, c.says, a.Verdict, c.of)
			}
		}
		if calls != c.calls {
			t.Errorf("%s, which says %s: %d calls, want %d", c.id, c.says, calls, c.calls)
		}
	}
}

// On a full disk nothing can be noted, and what is open is seen to all the same.
func TestAFullDiskKeepsNoAgentFromStarting(t *testing.T) {
	s, disk := onSmallDisk(t, 4<<20)
	f, err := os.Create(filepath.Join(disk, "filler"))
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close() // it is full, which is what was wanted
	s.serve()
	s.until("the agent answers", func() bool { _, err := askReport(s); return err == nil })
	if !strings.Contains(s.log.String(), "is not noted") {
		t.Error("it is not said; or there was room, and the disk was not full")
	}
}
