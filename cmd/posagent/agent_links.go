package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"posagent/config"
	"posagent/device"
)

// servedLink is one register that is being served.
type servedLink struct {
	want  linkWant
	meter *device.Meter
	since time.Time
	stop  context.CancelFunc
	ended chan struct{}
	err   error // once ended
}

// linkWant is everything a link is made from: one that differs is made anew.
type linkWant struct {
	register config.Register
	terminal string // the Client-Id, said to the register
}

// startLink serves a register until ctx ends or the link is stopped.
func (a *agent) startLink(ctx context.Context, r config.Register) {
	ctx, stop := context.WithCancel(ctx)
	l := &servedLink{
		want: linkWant{r, a.s.Antom.ClientID}, meter: &device.Meter{}, since: time.Now(), stop: stop, ended: make(chan struct{}),
	}
	a.links[r.Name] = l
	o := link(r, a.wakes.channel(r.Name), a.log)
	o.Terminal = a.s.Antom.ClientID
	o.Upstream = a.upstream.up
	o.Meter = l.meter
	o.Told = func(of device.StateID, rev int64) { a.worker.Told(of.ID, of.Kind == device.KindRefund, rev) }
	o.Engine = registers{worker: a.worker, acquirer: a.acquirer, upstream: a.upstream, methods: a.methods,
		clock: a.clock, opened: a.warmer.hint}
	go func() {
		defer close(l.ended)
		defer stop()
		if err := device.Serve(ctx, o); err != nil {
			l.err = fmt.Errorf("register %s: %w", r.Name, err)
			hint(a.failed)
		}
	}()
}

// endLink takes a register's link down and awaits it.
func (a *agent) endLink(name string) error {
	l := a.links[name]
	l.stop()
	<-l.ended
	delete(a.links, name)
	return l.err
}

// linksEnded awaits all links, which have been told to end.
func (a *agent) linksEnded() (err error) {
	for name := range a.links {
		err = errors.Join(err, a.endLink(name))
	}
	return err
}

// relink takes down the links of registers that are gone or changed, and starts
// those that are new or changed; the others are not touched. All are down before
// the first is up, so that two registers may change places. It says what it did.
func (a *agent) relink(ctx context.Context) (done []string) {
	want := map[string]linkWant{}
	for _, r := range a.s.Registers {
		want[r.Name] = linkWant{r, a.s.Antom.ClientID}
	}
	for name, l := range a.links {
		next, stays := want[name]
		if stays && next == l.want {
			continue
		}
		if err := a.endLink(name); err != nil {
			a.log.Warn("a link ended badly", "err", err)
		}
		if !stays {
			a.wakes.forget(name)
			done = append(done, "register "+name+" removed")
		} else {
			done = append(done, "register "+name+" changed")
		}
	}
	for _, r := range a.s.Registers {
		if a.links[r.Name] != nil {
			continue
		}
		if !slices.Contains(done, "register "+r.Name+" changed") {
			done = append(done, "register "+r.Name+" added")
		}
		a.startLink(ctx, r)
	}
	return done
}
