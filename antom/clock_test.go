package antom

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestAWrongClockRefusesToSign(t *testing.T) {
	g := newGateway(t)
	c := g.client(func(o *Options) {
		o.Now = func() time.Time { return time.Unix(60, 0) }
		o.NotBefore = testNow
	})
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, false, ErrClock)
	if g.seen.Load() != 0 {
		t.Error("the gateway saw the request")
	}
}

// payAged pays once over a wire where headers can be forged, and the answer's
// own time is away from ours by age.
func payAged(t *testing.T, g *gateway, c *Client, away time.Duration) error {
	t.Helper()
	c.trusted = false
	g.speak = func(s *spoken) { s.time, s.date = c.opts.Now().Add(away), c.opts.Now().Add(away) }
	_, err := c.Pay(testContext(t), testPay())
	if err != nil && !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	return err
}

func TestAnAnswerMayBeAMinuteOldAndNoMore(t *testing.T) {
	g := newGateway(t)
	for away, stale := range map[time.Duration]bool{
		-59 * time.Second: false, -time.Minute: false, -61 * time.Second: true, -24 * time.Hour: true, 24 * time.Hour: false,
	} {
		if err := payAged(t, g, g.client(), away); (err != nil) != stale {
			t.Errorf("an answer %v away: got %v", away, err)
		}
	}
}

func TestTheMeasuredSkewMovesTheLimit(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	if err := payAged(t, g, c, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := payAged(t, g, c, time.Hour); err == nil {
		t.Error("with Antom two hours ahead, an answer one hour ahead is an hour old")
	}
	if err := payAged(t, g, c, 2*time.Hour-59*time.Second); err != nil {
		t.Error(err)
	}
}

func TestReplaysCannotTurnTheClockBack(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	if err := payAged(t, g, c, 0); err != nil {
		t.Fatal(err)
	}
	for step := range 5 { // each a little older than the last one taken
		away := -time.Duration(step+1) * 50 * time.Second
		if err := payAged(t, g, c, away); (err != nil) != (away < -tolerance) {
			t.Errorf("an answer %v old: got %v", -away, err)
		}
	}
}

func TestTheDateCountsWhereNobodyCanForgeIt(t *testing.T) {
	g := newGateway(t)
	c := g.client() // on loopback
	late := testNow.Add(-3 * time.Hour)
	g.speak = func(s *spoken) { s.time, s.date = late.Add(time.Second), late }
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Errorf("Antom's clock is three hours behind, and says so: %v", err)
	}
	g.speak = func(s *spoken) { s.time, s.date = late, testNow }
	if _, err := c.Pay(testContext(t), testPay()); !errors.Is(err, ErrStale) {
		t.Errorf("an answer three hours old: got %v", err)
	}
}

func TestAJumpOfOurClockDoesNotMoveAntoms(t *testing.T) {
	var far farClock
	start := time.Now() // with a monotonic reading, which a jump leaves alone
	jumped := start.Add(time.Second)
	far.raise(start.Add(56*365*24*time.Hour), start) // ours stood near 1970
	if got, want := far.noLaterThan(jumped), start.Add(56*365*24*time.Hour+time.Second); want.Sub(got).Abs() > time.Millisecond {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheEstimateFollowsASlowerClock(t *testing.T) {
	var far farClock
	far.raise(testNow, testNow)
	for day := 1; day <= 400; day++ {
		at := testNow.Add(time.Duration(day) * 24 * time.Hour)
		shown := at.Add(-time.Duration(day) * 8 * time.Second) // 8 s slower a day
		if shown.Before(far.noLaterThan(at).Add(-tolerance)) {
			t.Fatalf("day %d: a fresh answer counts as old", day)
		}
		far.raise(shown, at)
	}
}

func TestSkewIsMeasuredAndWarnedOfOnce(t *testing.T) {
	var text bytes.Buffer
	g := newGateway(t)
	c := g.client(func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&text, nil)) })
	if _, ok := c.Skew(); ok {
		t.Error("a skew before any answer")
	}
	for _, away := range []time.Duration{time.Second, 40 * time.Second, 45 * time.Second, 2 * time.Second, -10 * time.Minute} {
		_ = payAged(t, g, c, away) // the last one is refused, and measured all the same
		if got, ok := c.Skew(); !ok || got != away {
			t.Errorf("got %v, %v, want %v", got, ok, away)
		}
	}
	if got := strings.Count(text.String(), "level=WARN"); got != 2 {
		t.Errorf("%d warnings, want 2:\n%s", got, text.String())
	}
	if got := strings.Count(text.String(), "agree again"); got != 1 {
		t.Errorf("%d all-clears, want 1:\n%s", got, text.String())
	}
}

func TestADifferenceAroundTheLimitWarnsOnce(t *testing.T) {
	var text bytes.Buffer
	g := newGateway(t)
	c := g.client(func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&text, nil)) })
	for _, away := range []time.Duration{29, 31, 28, 32, 27, 33, 21} {
		if err := payAged(t, g, c, away*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(text.String(), "antom_ahead"); got != 1 {
		t.Errorf("%d lines, want 1:\n%s", got, text.String())
	}
}

func TestAnOldAnswerNamesBothClocksAndWhatToDo(t *testing.T) {
	g := newGateway(t)
	c := g.client()
	if err := payAged(t, g, c, 2*time.Hour); err != nil { // the terminal's clock is ahead,
		t.Fatal(err)
	}
	err := payAged(t, g, c, 0) // and is set right
	if err == nil {
		t.Fatal("an answer two hours older than the last is taken")
	}
	for _, words := range []string{
		"dated 2026-08-23T12:08:56.253+08:00", "at 2026-08-23T12:08:56.253+08:00 by our clock", "2026-08-23T14:08:56.253+08:00 by Antom's",
		"set the clock of this box and the terminal's by NTP", "restart the agent",
	} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q is missing in %q", words, err)
		}
	}
	if err := payAged(t, g, g.client(), time.Second); err != nil {
		t.Errorf("a fresh client does not know the wrong clock: %v", err)
	}
}

func TestTimesOfAnswersAreReadInEverySpelling(t *testing.T) {
	want := time.Date(2026, 8, 23, 4, 8, 56, 253e6, time.UTC)
	for _, s := range []string{
		"2026-08-23T12:08:56.253+08:00", "2026-08-23T04:08:56.253Z", "2026-08-23T12:08:56.253+0800", "1787458136253",
	} {
		if got, err := readTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "now", "2026-08-23", "2026-08-23T12:08:56", "1787458136", "-178745813625"} {
		if got, err := readTime(s); err == nil {
			t.Errorf("%q: got %v", s, got)
		}
	}
}
