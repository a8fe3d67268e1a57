package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"posagent/antom"
	"posagent/config"
	"posagent/device"
	"posagent/queue"
)

// grace is how long calls under way may take once the agent is told to stop: of
// five seconds in all, one is left for the outcomes and the ports.
const grace = 4 * time.Second

// serve is the agent: it opens the store, Antom and the registers' ports, joins
// them, and takes them apart again in the order that loses nothing once ctx ends.
func serve(ctx context.Context, s settings, log *slog.Logger) error {
	store, err := queue.Open(s.Store.Path)
	if err != nil {
		return err
	}
	if report, salvaged := store.Salvaged(); salvaged {
		log.Error(report.String())
	}
	err = serveFrom(ctx, s, store, log)
	return errors.Join(err, store.Close())
}

// agent is what a running agent shows of itself.
type agent struct {
	started time.Time
	worker  *queue.Worker
}

func serveFrom(ctx context.Context, s settings, store *queue.Store, log *slog.Logger) error {
	client, err := newClient(s, log)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	log.Info("posagent starts", "version", version, "config", s.file, "store", s.Store.Path, "acquirer", s.Antom.BaseURL)
	for _, remark := range s.remarks() {
		log.Warn(remark)
	}
	wakes := newWakes(s.Registers)
	upstream := &upstream{changed: wakes.wakeAll}
	worker := newWorker(s, store, heard{acquirer{client}, upstream}, wakes, log)
	a := &agent{started: time.Now(), worker: worker}
	defer a.openStatus(ctx, s.Status.Listen, log).close()
	err = join(ctx, worker, s.Registers, func(ctx context.Context, r config.Register) error {
		o := link(r, wakes[r.Name], log)
		o.Terminal = s.Antom.ClientID
		o.Upstream = upstream.up
		o.Engine = registers{worker: worker, acquirer: acquirer{client}, upstream: upstream, methods: s.Payments.Methods, earliest: earliest()}
		return device.Serve(ctx, o)
	})
	log.Info("posagent ends")
	return err
}

// join runs the worker and the links. When ctx ends the worker ends first, which
// takes a moment longer where an outcome comes in at the end, so that the links,
// still up, can tell it; then the links.
func join(ctx context.Context, worker *queue.Worker, list []config.Register,
	serve func(context.Context, config.Register) error) error {
	linkCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	workCtx, stop := context.WithCancel(ctx)
	defer stop()
	var links sync.WaitGroup
	failed := make(chan error, len(list))
	for _, r := range list {
		links.Go(func() {
			if err := serve(linkCtx, r); err != nil {
				failed <- fmt.Errorf("register %s: %w", r.Name, err)
				stop() // an agent that can't serve a register says so by ending
			}
		})
	}
	err := worker.Run(workCtx)
	cancel()
	links.Wait()
	close(failed)
	for linkErr := range failed {
		err = errors.Join(err, linkErr)
	}
	return err
}

func newClient(s settings, log *slog.Logger) (*antom.Client, error) {
	return antom.New(clientOptions(s, log))
}

// clientOptions are the settings as the client wants them.
func clientOptions(s settings, log *slog.Logger) antom.Options {
	return antom.Options{
		BaseURL:        s.Antom.BaseURL,
		URIPrefix:      s.Antom.URIPrefix,
		ClientID:       s.Antom.ClientID,
		PrivateKey:     s.privateKey,
		AntomKeys:      s.antomKeys,
		KeyVersion:     s.Antom.KeyVersion,
		Encryption:     antom.Encryption(s.Antom.Encryption),
		Cipher:         antom.Cipher(s.Antom.Cipher),
		SendExtendInfo: s.Antom.SendExtendInfo,
		RootCAs:        s.roots,
		Now:            time.Now,
		NotBefore:      earliest(),
		Logger:         log,
	}
}

func newWorker(s settings, store *queue.Store, g queue.Gateway, wakes wakes, log *slog.Logger) *queue.Worker {
	o := workerOptions(s)
	o.Store, o.Gateway, o.Changed, o.Logger = store, g, wakes.wake, log
	return queue.NewWorker(o)
}

// workerOptions are the settings as the queue wants them.
func workerOptions(s settings) queue.Options {
	return queue.Options{
		Policy: queue.Policy{
			InquiryInterval: s.Payments.InquiryInterval,
			QuietTime:       s.Payments.QuietTime,
			AskAfterTimeout: s.Payments.AfterTimeout == "inquire",
			ConfirmAnswers:  strings.HasPrefix(s.Antom.BaseURL, "http:"),
			KeepLateAborts:  s.Payments.LateAbort == "keep",
		},
		Window:         s.Payments.Window,
		PayTimeout:     s.Payments.PayTimeout,
		InquiryTimeout: s.Payments.InquiryTimeout,
		RefundTimeout:  s.Payments.RefundTimeout,
		Grace:          grace,
		Retention:      s.Payments.Retention,
	}
}

// link is how a register is spoken to, as far as the configuration says.
func link(r config.Register, wake <-chan struct{}, log *slog.Logger) device.Options {
	return device.Options{
		Register: r.Name,
		Port:     r.Port,
		Line:     device.Line{Baud: r.Baud, DataBits: r.DataBits, StopBits: r.StopBits, Parity: r.Parity},
		AckGap:   cmp.Or(r.AckGap, -1), // a configured 0 is none
		Record:   r.Record,
		Agent:    version,
		Wake:     wake,
		Logger:   log,
	}
}

// wakes holds, for each register, the channel that says: look again. A wake-up is
// a hint; the rows are the truth.
type wakes map[string]chan struct{}

func newWakes(list []config.Register) wakes {
	w := wakes{}
	for _, r := range list {
		w[r.Name] = make(chan struct{}, 1)
	}
	return w
}

// wake never blocks: one hint that is not taken yet is as good as two. A register
// that is no longer configured has nobody to wake.
func (w wakes) wake(register string) {
	select {
	case w[register] <- struct{}{}:
	default:
	}
}

func (w wakes) wakeAll() {
	for register := range w {
		w.wake(register)
	}
}
