package main

import (
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"posagent/config"
	"posagent/device"
	"posagent/queue"
)

// What a running agent is asked: how it is, and the same without today's totals, which
// take a while in a big store.
const (
	statusWhole = "/status"
	statusBrief = "/status?totals=0"
)

// askTime is how long the worker may take to say how it is.
const askTime = 2 * time.Second

// statusRoutes are what a running agent answers to those who watch it.
func (a *agent) statusRoutes(mux *http.ServeMux, onSocket bool) {
	mux.HandleFunc("GET /status", a.answerStatus)
	mux.HandleFunc("GET /metrics", a.answerMetrics)
	if onSocket {
		mux.HandleFunc("POST "+resolvePath, a.answerResolve)
	}
}

// openStatus opens the status socket. A shop must not stay shut because nobody can
// watch it: where that fails the agent says so, loudly, and goes on.
func (a *agent) openStatus(ctx context.Context, listen string) *statusServer {
	if listen == "" {
		return nil
	}
	s, err := openStatusServer(ctx, listen, a.statusRoutes, a.log)
	if err != nil {
		a.log.Error("no status socket; payments are not affected, but posagent status, hold-check and /metrics can't ask this agent; "+
			"mend it and reload (SIGHUP) or restart", "listen", listen, "err", err)
		return nil
	}
	a.log.Info("status socket open", "listen", listen)
	return s
}

// shown is what those who watch are shown of what belongs to run's goroutine. It is
// not changed once it is there.
type shown struct {
	file, baseURL, store string
	links                []shownLink
}

type shownLink struct {
	register config.Register
	meter    *device.Meter
}

// show publishes how things stand after a change.
func (a *agent) show() {
	s := &shown{file: a.s.file, baseURL: a.s.Antom.BaseURL, store: a.s.Store.Path}
	for _, r := range a.s.Registers {
		s.links = append(s.links, shownLink{r, a.links[r.Name].meter})
	}
	a.shown.Store(s)
}

// answerStatus answers GET /status.
func (a *agent) answerStatus(w http.ResponseWriter, r *http.Request) {
	out := a.report(r.Context())
	if r.URL.Query().Get("totals") != "0" {
		day, err := a.today.read(r.Context(), out.Store.Path, out.Payments.counted.LastSeq, out.At)
		if err != nil {
			out.Trouble = "today's totals: " + err.Error()
		}
		out.Today = day
	}
	writeJSON(w, http.StatusOK, out)
}

// report is how the agent is, but for today's totals.
func (a *agent) report(ctx context.Context) report {
	is := a.shown.Load()
	out := emptyReport(time.Now())
	out.Clock = reportClock(a.around.now(), a.clock.fault())
	out.Running, out.Config, out.StartedAt = true, is.file, timeOrNil(a.started)
	for _, l := range is.links {
		out.Registers = append(out.Registers, linkReport(l))
	}
	out.Antom = a.antomReport(is.baseURL)
	out.Store = sizesOf(is.store)
	p50, p99, n := a.figures.commitTimes()
	out.Store.P50Seconds, out.Store.P99Seconds, out.Store.Commits = p50.Seconds(), p99.Seconds(), n
	watched, err := a.probe(ctx, askTime)
	if err != nil {
		out.Trouble = "the worker does not come round: " + err.Error()
		return out
	}
	out.Payments.counted = watched
	out.Payments.overview(watched.Overview)
	out.Payments.CallsNow = watched.UnderWay
	out.undelivered(watched.Undelivered)
	out.Store.Writable = &watched.Writable
	return out
}

func linkReport(l shownLink) registerReport {
	now := l.meter.Read()
	c := now.Counts
	return registerReport{
		Name: l.register.Name, Port: l.register.Port, Configured: true,
		PortOpen: now.PortOpen, Trouble: now.Trouble, LinkUp: now.LinkUp, TurnedAt: timeOrNil(now.Turned),
		Frames: &framesOf{In: c.FramesIn, Out: c.FramesOut, Damaged: c.Damaged, CutShort: c.CutShort, Refused: c.Refused,
			Repeated: c.Repeated, Resent: c.Resent, Downs: c.Downs, Garbage: c.GarbageBytes},
	}
}

func (a *agent) antomReport(baseURL string) antomReport {
	r := a.upstream.read()
	out := antomReport{BaseURL: baseURL, Asked: r.asked, Reachable: r.asked && !r.down, Why: r.why,
		Since: timeOrNil(r.since), LastAnswerAt: timeOrNil(r.answered)}
	if skew, measured := a.acquirer.client().Skew(); measured {
		seconds := skew.Seconds()
		out.AheadSeconds = &seconds
	}
	return out
}

// sizesOf is a store by its files.
func sizesOf(path string) storeReport {
	out := storeReport{Path: path}
	if st, err := os.Stat(path); err == nil {
		out.Bytes = st.Size()
	}
	if st, err := os.Stat(path + "-wal"); err == nil {
		out.WALBytes = st.Size()
	}
	return out
}

// todayEvery bounds how often today's totals are added up anew: that reads much of
// the store.
const todayEvery = 10 * time.Second

// today keeps the totals of the day as they were added up last.
type today struct {
	mu   sync.Mutex
	seq  int64 // of the last end that is in it
	last *todayReport
}

// read returns the totals of the day of now, added up anew if an end was learnt
// since, and not more often than todayEvery.
func (t *today) read(ctx context.Context, path string, seq int64, now time.Time) (*todayReport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := midnight(now)
	if t.last != nil && t.last.From.Equal(from) && (t.seq == seq || now.Sub(t.last.At).Abs() < todayEvery) {
		return t.last, nil
	}
	v, err := queue.OpenView(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = v.Close() }() // it was only read
	s, err := v.Summary(ctx, from, from.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	day := dayOf(s, from, now)
	t.seq, t.last = seq, day
	return day, nil
}

func dayOf(s queue.Summary, from, now time.Time) *todayReport {
	day := &todayReport{From: from, At: now.Round(0), Partial: s.Partial}
	day.sums(s.Sums)
	return day
}

// midnight is when the day of t began, where the box stands.
func midnight(t time.Time) time.Time {
	t = t.Local()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.Local)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
