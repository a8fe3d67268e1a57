package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// rightClock is one that nothing speaks against, for worlds with a time of their own.
func rightClock() *clock {
	return &clock{
		now: earliest, log: slog.New(slog.DiscardHandler),
		synced: func() (bool, bool) { return true, true }, ahead: func() (time.Duration, bool) { return 0, false },
	}
}

func TestAClockIsBelievedUnlessSomethingSpeaksAgainstIt(t *testing.T) {
	today := earliest().AddDate(0, 6, 0)
	old := earliest().AddDate(14, 0, 0)
	for name, c := range map[string]struct {
		now      time.Time
		synced   bool
		ahead    time.Duration
		measured bool
		want     string // in what is wrong; "" is right
	}{
		"today, kept by nobody":                  {now: today},
		"today, and Antom is hours away":         {now: today, ahead: -5 * time.Hour, measured: true},
		"1970":                                   {now: time.Unix(60, 0), want: "1970-01-01, before this program was written"},
		"1970, and somebody claims to keep it":   {now: time.Unix(60, 0), synced: true, want: "1970"},
		"1970, and Antom's too":                  {now: time.Unix(60, 0), measured: true, want: "1970"},
		"a day before":                           {now: earliest().Add(-24 * time.Hour), want: "before"},
		"2040, confirmed by nobody":              {now: old, want: "2040-11-23, and neither NTP nor Antom confirms that"},
		"2040, and Antom says otherwise":         {now: old, synced: true, ahead: -14 * 365 * 24 * time.Hour, measured: true, want: "and Antom's 2026"},
		"in 2040 an old program, kept right":     {now: old, synced: true},
		"in 2040 an old program, Antom confirms": {now: old, ahead: -time.Minute, measured: true},
	} {
		got := clockFault(c.now, c.synced, c.ahead, c.measured)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAWrongClockIsSaidWhenItTurns(t *testing.T) {
	var text bytes.Buffer
	now := time.Unix(60, 0)
	c := rightClock()
	c.now, c.log = func() time.Time { return now }, slog.New(slog.NewTextHandler(&text, nil))
	for _, at := range []time.Time{now, now.Add(time.Second), earliest(), earliest().Add(time.Second), now} {
		now = at
		c.fault()
	}
	if wrong, right := strings.Count(text.String(), "level=ERROR"), strings.Count(text.String(), "believed again"); wrong != 2 || right != 1 {
		t.Errorf("said %d and %d times, want 2 and 1:\n%s", wrong, right, text.String())
	}
}

// serveAt runs the agent with a clock that the test sets: by how much it is off.
func (s *shop) serveAt(off *atomic.Int64) (stop func()) {
	s.t.Helper()
	settings, err := loadSettings(s.site.configFile())
	must(s.t, err)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	return s.background("the agent", func(ctx context.Context) error {
		return serveAmid(ctx, settings, surroundings{log: log, now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
	})
}

// leaveOpen has a payment taken at Antom and the agent ended before it knows.
func (s *shop) leaveOpen(reg *virtual.Register, id string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var right atomic.Int64
	stop := s.serveAt(&right)
	s.arm(sandbox.Plan{Name: "close_after", ID: id, Count: 1000})
	s.arm(sandbox.Plan{Name: "close_before", ID: id, Path: "inquiryPayment", Count: 1000})
	_, err := reg.Init(ctx)
	must(s.t, err)
	_, err = reg.Request(ctx, "pay", payBody(id, 1050))
	must(s.t, err)
	_, err = s.server.Await(ctx, func(e sandbox.Event) bool { return e.ID == id && e.Stage == sandbox.StageOver })
	must(s.t, err)
	stop()
	s.server.Disarm()
}

// The clock of a box that lost it stands at 1970 or far ahead when the agent starts.
// New payments are refused and told what to do; what is open stays open or is found
// out, and is never called unpaid; all goes on once the clock is set.
func TestAWrongClockRefusesWhatIsNewAndLosesNothingAndHeals(t *testing.T) {
	for name, year := range map[string]int{"1970": 1970, "2040": 2040} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, strings.Replace(quick, "20s", "1s", 1))
			reg := s.register()
			s.leaveOpen(reg, "OPEN")
			var off atomic.Int64
			off.Store(int64(time.Until(time.Date(year, 1, 1, 0, 1, 0, 0, time.UTC))))
			s.serveAt(&off)
			ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
			defer cancel()

			refused := awaitCode(ctx, t, reg, "NEW", "AGENT_CLOCK")
			if text := refused.Result().Message; !strings.Contains(text, "it shows "+name) || !strings.Contains(text, "set it") {
				t.Errorf("the refusal says %q", text)
			}
			if _, screen, _ := output(t, "status", "-config", s.site.configFile()); !strings.Contains(screen, "WRONG: it shows "+name) {
				t.Errorf("status says\n%s", screen)
			}
			open, err := reg.Request(ctx, "inquiryPayment", map[string]any{"paymentRequestId": "OPEN"})
			must(t, err)
			if p, ok := open.PaymentState(); !ok || p.Final && p.PaymentStatus != "SUCCESS" {
				t.Errorf("while the clock is wrong the open payment is told as %+v", p)
			}
			if !strings.Contains(s.log.String(), "the clock of this box is wrong") || !strings.Contains(s.log.String(), "timedatectl") {
				t.Error("the log does not say what to do")
			}
			if n := len(s.charges("NEW")); n != 0 {
				t.Errorf("%d charges with a wrong clock", n)
			}

			off.Store(0) // NTP steps it
			awaitCode(ctx, t, reg, "NEW", "PAYMENT_IN_PROGRESS", "SUCCESS")
			s.wantAgree(awaitOutcome(ctx, t, reg, "NEW"))
			s.wantAgree(awaitOutcome(ctx, t, reg, "OPEN"))
		})
	}
}

// awaitCode sends a pay until it is answered with one of the codes.
func awaitCode(ctx context.Context, t *testing.T, reg *virtual.Register, id string, codes ...string) virtual.Message {
	t.Helper()
	last := ""
	for ctx.Err() == nil {
		m, err := reg.Request(ctx, "pay", payBody(id, 2000))
		if err != nil {
			continue // the agent is starting
		}
		for _, code := range codes {
			if m.Result().Code == code {
				return m
			}
		}
		last = m.Result().Code + " " + m.Result().Message
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("never answered with %v, last with %s", codes, last)
	return virtual.Message{}
}
