package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"posagent/queue"
)

// pulse is when the worker was last seen to come round.
type pulse struct {
	mu sync.Mutex
	at time.Time
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Now()
}

func (p *pulse) last() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// probe has the worker come round, within a time.
func (a *agent) probe(ctx context.Context, within time.Duration) (queue.Watched, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	w, err := a.worker.Watch(ctx)
	if err == nil {
		a.pulse.beat()
	}
	return w, err
}

// startTime is how long a worker may take to read its store before nobody waits
// any more; systemd gives up long before.
const startTime = time.Hour

// whenReady is closed once the worker has taken up what the store holds.
func (a *agent) whenReady(ctx context.Context) <-chan struct{} {
	ready := make(chan struct{})
	a.beside.Go(func() {
		if _, err := a.probe(ctx, startTime); err == nil {
			close(ready)
		}
	})
	return ready
}

// never is a ticker that does not tick.
func never() *time.Ticker {
	t := time.NewTicker(time.Hour)
	t.Stop()
	return t
}

// feeding ticks when the watchdog is to be fed: twice in the time it gives.
func (a *agent) feeding() *time.Ticker {
	if a.around.systemd.within == 0 {
		return never()
	}
	return time.NewTicker(max(a.around.systemd.within/2, time.Millisecond))
}

// looking ticks when the configuration is to be looked at.
func (a *agent) looking() *time.Ticker {
	if a.around.every == 0 {
		return never()
	}
	return time.NewTicker(a.around.every)
}

// feed tells the watchdog that all is well, where the worker and every register's
// loop have come round since they were last asked to, and asks them again. One that
// is stuck so lets the watchdog bite: the agent is started anew, which is safe at
// any moment, instead of standing still for ever.
func (a *agent) feed(ctx context.Context) {
	if stuck := a.stuck(); stuck == "" {
		a.around.systemd.tell("WATCHDOG=1", a.statusLine())
	} else {
		a.log.Error("a loop does not come round; the watchdog is not fed, and systemd will start the agent anew", "stuck", stuck)
	}
	a.asked = time.Now()
	a.wakes.wakeAll()
	a.beside.Go(func() { _, _ = a.probe(ctx, a.around.systemd.within) }) // its beat is what counts
}

// stuck names a loop that did not come round since it was asked to; empty where all did.
func (a *agent) stuck() string {
	if a.asked.IsZero() {
		return ""
	}
	if a.pulse.last().Before(a.asked) {
		return "the worker"
	}
	for name, l := range a.links {
		if l.since.Before(a.asked) && l.meter.Read().Turned.Before(a.asked) {
			return "register " + name
		}
	}
	return ""
}

// statusLine is what systemctl status shows.
func (a *agent) statusLine() string {
	up := 0
	for _, l := range a.links {
		up += int(one(l.meter.Read().LinkUp))
	}
	antom := "Antom answers"
	switch r := a.upstream.read(); {
	case !r.asked:
		antom = "Antom not asked yet"
	case r.down:
		antom = "Antom does not answer"
	}
	return fmt.Sprintf("STATUS=serving %s, %d linked; %s", count(len(a.links), "register"), up, antom)
}

// one is 1 for yes.
func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
