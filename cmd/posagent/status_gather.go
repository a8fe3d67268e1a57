package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"

	"posagent/config"
	"posagent/queue"
)

// statusPatience is how long a running agent may take to answer.
const statusPatience = 10 * time.Second

// reportOf is how the agent of a configuration is: by its own word where it runs and
// can be asked, else as far as its store tells. A trouble is what keeps the report
// from being whole. whole asks for today's totals, too.
func reportOf(ctx context.Context, file string, cfg config.Config, whole bool) report {
	path := statusBrief
	if whole {
		path = statusWhole
	}
	var out report
	err := newStatusClient(cfg.Status.Listen, statusPatience).get(ctx, path, &out)
	if err == nil {
		return out
	}
	return reportAlone(ctx, file, cfg, notAsked(cfg, err))
}

// notAsked says why the agent was not asked. What nobody serves and holds no store
// does not run; else it runs and can't be asked.
func notAsked(cfg config.Config, err error) notAnswered {
	n := notAnswered{err: err}
	if _, err := os.Stat(cfg.Store.Path + ".lock"); err == nil { // without one nobody has this store
		n.agents = box{root: "/"}.agents(cfg.Store.Path)
	}
	n.away = len(n.agents) == 0 && (errors.Is(err, errNobodyListens) || errors.Is(err, errNoSocket))
	var timeout net.Error
	n.silent = errors.As(err, &timeout) && timeout.Timeout()
	return n
}

// notAnswered is why there is no answer of an agent's.
type notAnswered struct {
	err    error
	away   bool // no agent runs
	silent bool // it took the question, and did not answer in time
	agents []process
}

func (n notAnswered) String() string {
	switch {
	case n.away:
		return "the agent does not run"
	case len(n.agents) > 0:
		return n.agents[0].String() + " runs, and can't be asked: " + n.err.Error()
	}
	return "the agent can't be asked: " + n.err.Error()
}

// reportAlone makes a report from the store.
func reportAlone(ctx context.Context, file string, cfg config.Config, why notAnswered) report {
	out := emptyReport(time.Now())
	out.Why, out.Away, out.silent, out.Config = why.String(), why.away, why.silent, file
	out.Antom.BaseURL = cfg.Antom.BaseURL
	for _, r := range cfg.Registers {
		out.Registers = append(out.Registers, registerReport{Name: r.Name, Port: r.Port, Configured: true})
	}
	out.Store = sizesOf(cfg.Store.Path)
	if _, err := os.Stat(cfg.Store.Path); errors.Is(err, fs.ErrNotExist) {
		out.Fresh = true
	}
	v, err := queue.OpenView(cfg.Store.Path)
	if err != nil {
		out.Trouble = err.Error()
		return out
	}
	defer func() { _ = v.Close() }() // it was only read
	from := midnight(out.At)
	s, err := v.Summary(ctx, from, from.AddDate(0, 0, 1))
	if err != nil {
		out.Trouble = err.Error()
		return out
	}
	out.Payments.overview(s.Overview)
	out.undelivered(s.Overview.Undelivered)
	out.Today = dayOf(s, from, out.At)
	if s.Partial || len(s.Damaged) > 0 {
		out.Trouble = errPartial.Error()
	}
	return out
}
