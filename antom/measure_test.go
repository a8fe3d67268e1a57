package antom

import (
	"encoding/json"
	"errors"
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

// Over TLS a clock that jumps while the agent runs shuts nobody out.
func TestCertificatesAreJudgedByAntomsClockOnceItIsKnown(t *testing.T) {
	g := newGateway(t)
	now := time.Now()
	server, roots, opened := overTLS(t, g)
	c := g.client(func(o *Options) {
		o.BaseURL, o.RootCAs = server.URL+"/openapi/v2", roots
		o.Now = func() time.Time { return now }
	})
	g.speak = func(s *spoken) {
		s.date, s.time = time.Now(), time.Now().Add(time.Duration(g.seen.Load())*time.Millisecond)
	}
	if _, err := c.Pay(testContext(t), testPay()); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	c.clock.at = c.clock.at.AddDate(100, 0, 0) // as a jump of a clock with a monotonic reading looks
	now = now.AddDate(100, 0, 0)
	if _, err := c.Pay(testContext(t), testPay()); err != nil || opened.Load() != 2 {
		t.Errorf("%d connections, %v", opened.Load(), err)
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
