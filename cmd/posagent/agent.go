package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"posagent/antom"
	"posagent/queue"
)

// agent is the running agent: the store, Antom and the registers' lines, joined.
//
// What is below "owned" belongs to the goroutine of run; what those who watch are
// shown of it stands in shown.
type agent struct {
	around  surroundings
	log     *slog.Logger
	started time.Time

	store    *queue.Store // to note where requests go; else the worker's
	worker   *queue.Worker
	acquirer acquirer
	upstream *upstream
	warmer   *warmer
	wakes    *wakes
	methods  *atomic.Pointer[[]string] // of payment that are taken; empty: any
	figures  *figures
	clock    *clock
	shown    atomic.Pointer[shown]
	pulse    pulse
	today    today
	beside   sync.WaitGroup // what run has started beside the links

	// owned
	s      settings
	links  map[string]*servedLink
	failed chan struct{} // a link can't be served; has room for one
	status *statusServer
	watch  fileWatch
	asked  time.Time // when the loops were last asked to come round
}

// surroundings are what an agent has around it in a process of its own. Without
// them its configuration does not change.
type surroundings struct {
	log     *slog.Logger
	logs    *logs            // where log writes, to be changed; nil: it is not
	hup     <-chan os.Signal // says: read the configuration anew
	every   time.Duration    // how often the configuration is looked at; 0: never
	systemd systemd
	now     func() time.Time // this box's clock; nil: the real one
}

// serve is the agent: it opens the store, Antom and the registers' ports, joins
// them, and takes them apart again in the order that loses nothing once ctx ends.
func serve(ctx context.Context, s settings, log *slog.Logger) error {
	return serveAmid(ctx, s, surroundings{log: log})
}

func serveAmid(ctx context.Context, s settings, around surroundings) error {
	store, err := queue.Open(s.Store.Path)
	if err != nil {
		return err
	}
	if report, salvaged := store.Salvaged(); salvaged {
		around.log.Error(report.String())
	}
	a, err := newAgent(s, store, around)
	if err == nil {
		err = a.run(ctx)
	}
	return errors.Join(err, store.Close())
}

func newAgent(s settings, store *queue.Store, around surroundings) (*agent, error) {
	if around.now == nil {
		around.now = time.Now
	}
	client, err := antom.New(around.clientOptions(s))
	if err != nil {
		return nil, err
	}
	elsewhere, err := store.SendTo(context.Background(), s.acquirerName())
	if errors.Is(err, queue.ErrUnnoted) { // what is open can be finished all the same
		around.log.Error(err.Error() + "; make room, and start again before base_url or client_id change")
	} else if err != nil {
		return nil, err
	}
	a := &agent{
		store: store, around: around, log: around.log, started: time.Now(), acquirer: newAcquirer(client), wakes: &wakes{},
		methods: new(atomic.Pointer[[]string]), figures: newFigures(), s: s, links: map[string]*servedLink{},
		failed: make(chan struct{}, 1), watch: watchFiles(s),
	}
	a.methods.Store(&s.Payments.Methods)
	a.upstream = &upstream{changed: a.wakes.wakeAll}
	a.warmer = newWarmer(a.warm)
	a.clock = &clock{now: around.now, synced: clockSynced, ahead: a.skew, log: a.log}
	a.sayElsewhere(elsewhere)
	a.worker = newWorker(s, store, amidElsewhere(elsewhere, heard{a.acquirer, a.upstream, a.figures, a.warmer}), a.wakes, a.log, a.figures.committed, a.clock.believed)
	return a, nil
}

// run serves until ctx ends. Then the worker ends first, which takes a moment longer
// where an outcome comes in at the end, so that the links, still up, can tell it;
// then the links, and last who answers those who watch.
func (a *agent) run(ctx context.Context) error {
	a.log.Info("posagent starts", "version", version, "config", a.s.file, "store", a.s.Store.Path, "acquirer", a.s.Antom.BaseURL)
	a.sayRemarks()
	a.clock.fault() // said in the log
	linkCtx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	workCtx, stop := context.WithCancel(ctx)
	defer stop()
	worked := make(chan error, 1)
	a.beside.Go(func() { worked <- a.worker.Run(workCtx) })
	a.beside.Go(func() { a.warmer.run(workCtx) })
	for _, r := range a.s.Registers {
		a.startLink(linkCtx, r)
	}
	a.show()
	a.status = a.openStatus(linkCtx, a.s.Status.Listen)
	err := a.attend(ctx, linkCtx, stop, worked)
	cut()
	err = errors.Join(err, a.linksEnded())
	stop()
	a.beside.Wait()
	a.status.close()
	a.acquirer.client().CloseIdleConnections()
	a.log.Info("posagent ends")
	return err
}

// attend sees to whatever comes to a running agent beside payments, until the
// worker has ended.
func (a *agent) attend(ctx, linkCtx context.Context, stop func(), worked <-chan error) error {
	ready := a.whenReady(linkCtx)
	feed, look := a.feeding(), a.looking()
	defer feed.Stop()
	defer look.Stop()
	ending := ctx.Done()
	var hup <-chan os.Signal // nothing is read anew before the worker is there to adopt it
	var changed <-chan time.Time
	for {
		select {
		case err := <-worked:
			return err
		case <-a.failed: // an agent that can't serve a register says so by ending
			stop()
		case <-ending:
			ending, hup, changed = nil, nil, nil
			a.around.systemd.tell("STOPPING=1", "STATUS=ending: calls under way may finish")
		case <-ready:
			ready = nil
			if ending == nil {
				continue
			}
			hup, changed = a.around.hup, look.C
			a.around.systemd.tell("READY=1", "WATCHDOG=1", a.statusLine())
		case <-feed.C:
			if ending != nil {
				a.feed(linkCtx)
			}
		case <-hup:
			a.reload(linkCtx, "SIGHUP")
		case <-changed:
			a.clock.fault() // said in the log when it turns
			if a.watch.changed() {
				a.reload(linkCtx, "the file changed")
			}
		}
	}
}

// sayRemarks says what is allowed and yet worth a word.
func (a *agent) sayRemarks() {
	for _, remark := range a.s.remarks() {
		a.log.Warn(remark)
	}
}
