package main

import (
	"cmp"
	"log/slog"
	"strings"
	"time"

	"posagent/antom"
	"posagent/config"
	"posagent/device"
	"posagent/queue"
)

// grace is how long calls under way may take once the agent is told to stop: of
// five seconds in all, one is left for the outcomes and the ports.
const grace = 4 * time.Second

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

// clientOptions are those of the agent's own client, which goes by its clock.
func (around surroundings) clientOptions(s settings) antom.Options {
	o := clientOptions(s, around.log)
	o.Now = around.now
	return o
}

// skew is how far Antom's clock is ahead of ours now.
func (a *agent) skew() (time.Duration, bool) {
	antoms, known := a.acquirer.client().Clock()
	return antoms.Sub(a.around.now()), known
}

// newWorker returns the worker of those settings. believed says whether the clock may
// be gone by; nil: it may.
func newWorker(s settings, store *queue.Store, g queue.Gateway, w *wakes, log *slog.Logger,
	saved func(time.Duration), believed func() bool) *queue.Worker {
	o := workerOptions(s)
	o.Store, o.Gateway, o.Changed, o.Saved, o.ClockBelieved, o.Logger = store, g, w.wake, saved, believed, log
	return queue.NewWorker(o)
}

// workerOptions are the settings as the queue wants them.
func workerOptions(s settings) queue.Options {
	t := terms(s)
	return queue.Options{
		Policy:         t.Policy,
		Window:         t.Window,
		PayTimeout:     t.PayTimeout,
		InquiryTimeout: t.InquiryTimeout,
		RefundTimeout:  t.RefundTimeout,
		Grace:          grace,
		Retention:      t.Retention,
	}
}

// terms are those of the queue's options that may change while it works.
func terms(s settings) queue.Terms {
	return queue.Terms{
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
		Retention:      s.Payments.Retention,
	}
}

// link is how a register is spoken to, as far as the configuration says.
func link(r config.Register, wake <-chan struct{}, log *slog.Logger) device.Options {
	return device.Options{
		Register: r.Name,
		Port:     r.Port,
		Line:     lineOf(r),
		AckGap:   cmp.Or(r.AckGap, -1), // a configured 0 is none
		Record:   r.Record,
		Agent:    version,
		Wake:     wake,
		Logger:   log,
	}
}

func lineOf(r config.Register) device.Line {
	return device.Line{Baud: r.Baud, DataBits: r.DataBits, StopBits: r.StopBits, Parity: r.Parity}
}
