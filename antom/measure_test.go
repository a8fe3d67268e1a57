package antom

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"testing"
	"time"
)

// terminal is a gateway over an open way whose clock is away from ours, and that
// names the ids it is asked about.
type terminal struct {
	*gateway
	away   time.Duration
	deaf   bool // it names no id that it does not know
	asked  []string
	before func(*spoken) // spoils an answer
}

func newTerminal(t *testing.T, change ...func(*Options)) (*terminal, *Client) {
	m := &terminal{gateway: newGateway(t)}
	c := m.client(change...)
	c.trusted = false
	m.speak = func(s *spoken) {
		s.time = c.opts.Now().Add(m.away)
		var asked struct{ PaymentRequestID string }
		if json.Unmarshal([]byte(*m.lastBody.Load()), &asked) == nil && len(asked.PaymentRequestID) == len("CLOCK_")+26 {
			m.asked = append(m.asked, asked.PaymentRequestID)
			s.plain = `{"result":{"resultStatus":"F","resultCode":"ORDER_NOT_EXIST"},"paymentRequestId":"` + asked.PaymentRequestID + `"}`
			if m.deaf {
				s.plain = `{"result":{"resultStatus":"F","resultCode":"ORDER_NOT_EXIST"}}`
			}
		}
		if m.before != nil {
			m.before(s)
		}
	}
	return m, c
}

func TestAClockThatWasSetBackIsMeasuredAndBelieved(t *testing.T) {
	m, c := newTerminal(t)
	for _, away := range []time.Duration{2 * time.Hour, 0, -14 * 365 * 24 * time.Hour} {
		m.away, c.clock.asked = away, time.Time{}
		if resp, err := c.Pay(testContext(t), testPay()); err != nil || resp.Result.ResultStatus != ResultS {
			t.Errorf("Antom's clock %v from ours: got %v", away, err)
		}
		if got := c.clock.noLaterThan(testNow).Sub(testNow); got != away {
			t.Errorf("Antom's clock is known as %v from ours, want %v", got, away)
		}
	}
	if len(m.asked) != 2 || m.asked[0] == m.asked[1] {
		t.Errorf("asked the time as %q, want two different ids", m.asked)
	}
}

// What was recorded while the clock was right is no fresher for having been asked
// about: only an answer that names this very question is.
func TestAReplayedAnswerIsNotMadeFreshByMeasuring(t *testing.T) {
	m, c := newTerminal(t)
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	m.before = func(s *spoken) {
		if s.plain == paidBody {
			s.time = testNow.Add(-2 * time.Minute) // held back for as long
		}
	}
	resp, err := c.Pay(testContext(t), testPay())
	wantIgnorance(t, resp, err, true, ErrStale)
	if len(m.asked) != 1 {
		t.Errorf("asked the time %d times, want once", len(m.asked))
	}
	if got := c.clock.noLaterThan(testNow).Sub(testNow); got < 0 {
		t.Errorf("Antom's clock is known as %v from ours", got)
	}
}

func TestOnlyASignedAnswerToThisVeryQuestionTellsTheTime(t *testing.T) {
	for name, spoil := range map[string]func(*terminal, *spoken){
		"unnamed": func(m *terminal, _ *spoken) { m.deaf = true },
		"of another question": func(_ *terminal, s *spoken) {
			s.plain = `{"result":{"resultStatus":"F","resultCode":"ORDER_NOT_EXIST"},"paymentRequestId":"CLOCK_AAAAAAAAAAAAAAAAAAAAAAAAAA"}`
		},
		"signed by a stranger": func(_ *terminal, s *spoken) { s.signer = testPairs().stranger },
		"a 502":                func(_ *terminal, s *spoken) { s.status = 502 },
		"without a result":     func(_ *terminal, s *spoken) { s.plain = `{"paymentRequestId":"R"}` },
	} {
		m, c := newTerminal(t)
		m.away = -time.Hour
		if name == "unnamed" {
			m.deaf = true
		}
		m.before = func(s *spoken) {
			if s.plain != paidBody {
				spoil(m, s)
			}
		}
		resp, err := c.Pay(testContext(t), testPay())
		wantIgnorance(t, resp, err, true, ErrStale)
		if c.clock.known {
			t.Errorf("%s: Antom's clock is believed", name)
		}
	}
}

func TestTheTimeIsAskedNowAndThenOnly(t *testing.T) {
	now := testNow
	m, c := newTerminal(t, func(o *Options) { o.Now = func() time.Time { return now } })
	m.deaf, m.away = true, -time.Hour
	for range 60 {
		if _, err := c.Pay(testContext(t), testPay()); !errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if got := m.seen.Load() - 60; got != 2 {
		t.Errorf("asked the time %d times in a minute, want twice", got)
	}
}

// Over TLS a jump of our clock, or of Antom's, costs one connection at most.
func TestAClockThatJumpsShutsNobodyOutOverTLS(t *testing.T) {
	for name, jump := range map[string]func(c *Client, now *time.Time){
		"ours": func(c *Client, now *time.Time) {
			c.clock.at = c.clock.at.AddDate(100, 0, 0) // as with a monotonic reading
			*now = now.AddDate(100, 0, 0)
		},
		"Antom's": func(c *Client, _ *time.Time) { c.clock.shown = c.clock.shown.AddDate(100, 0, 0) },
		"both": func(c *Client, now *time.Time) {
			c.clock.at, c.clock.shown = c.clock.at.AddDate(100, 0, 0), c.clock.shown.AddDate(100, 0, 0)
			*now = now.AddDate(100, 0, 0)
		},
	} {
		g := newGateway(t)
		now := time.Now()
		server, roots, _ := overTLS(t, g)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		c := g.client(func(o *Options) {
			o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots
			o.Now = func() time.Time { return now }
		})
		antoms := now
		g.speak = func(s *spoken) { s.date, s.time = antoms, antoms.Add(time.Duration(g.seen.Load())*time.Millisecond) }
		if _, err := c.Pay(testContext(t), testPay()); err != nil {
			t.Fatal(err)
		}
		jump(c, &now)
		failed := 0
		for range 4 {
			c.CloseIdleConnections()
			if resp, err := c.Pay(testContext(t), testPay()); err != nil {
				failed++
				wantIgnorance(t, resp, err, false, nil)
			}
		}
		if want := map[string]int{"ours": 1, "Antom's": 0, "both": 4}[name]; failed != want {
			t.Errorf("%s jumps: %d of 4 calls found no way, want %d", name, failed, want)
		}
	}
}

func TestAClockBeforeTheBuildJudgesCertificatesByTheBuild(t *testing.T) {
	g := newGateway(t)
	c := g.client(func(o *Options) {
		o.Now, o.NotBefore = func() time.Time { return time.Unix(60, 0) }, testNow
	})
	if got := c.http.Transport.(*http.Transport).TLSClientConfig.Time(); !got.Equal(testNow) {
		t.Errorf("got %v, want %v", got, testNow)
	}
}

func TestAntomsClockIsKnownAcrossAJumpOfOurs(t *testing.T) {
	g := newGateway(t)
	now := testNow
	c := g.client(func(o *Options) { o.Now = func() time.Time { return now } })
	if _, known := c.Clock(); known {
		t.Error("known before any answer")
	}
	if err := payAged(t, g, c, time.Hour); err != nil {
		t.Fatal(err)
	}
	c.clock.at = c.clock.at.AddDate(14, 0, 0) // as a jump looks with a monotonic reading
	now = now.AddDate(14, 0, 0)
	if got, known := c.Clock(); !known || !got.Equal(testNow.Add(time.Hour)) {
		t.Errorf("got %v, %v", got, known)
	}
}
