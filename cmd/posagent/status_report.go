package main

import (
	"time"

	"posagent/queue"
)

// report is how an agent is: what GET /status answers and what posagent status and
// hold-check are told with -json. Members are only ever added. Amounts are in minor
// units, times in RFC 3339, durations in seconds.
type report struct {
	Running   bool       `json:"running"`           // an agent was asked, and answered
	Away      bool       `json:"away,omitempty"`    // none runs
	Why       string     `json:"why,omitempty"`     // why none was
	Fresh     bool       `json:"fresh,omitempty"`   // there is no store yet: no agent has ever run
	Trouble   string     `json:"trouble,omitempty"` // what keeps this report from being whole
	At        time.Time  `json:"at"`
	Version   string     `json:"version"`
	Commit    string     `json:"commit"`
	Config    string     `json:"config"`
	StartedAt *time.Time `json:"startedAt,omitempty"`

	Registers []registerReport `json:"registers"`
	Antom     antomReport      `json:"antom"`
	Clock     clockReport      `json:"clock"`
	Payments  paymentsReport   `json:"payments"`
	Today     *todayReport     `json:"today,omitempty"`
	Store     storeReport      `json:"store"`

	silent bool // an agent runs, and did not answer in time
}

type registerReport struct {
	Name        string     `json:"name"`
	Port        string     `json:"port"`
	Configured  bool       `json:"configured"` // false: it is gone from the configuration, and has ends that nobody stored
	PortOpen    bool       `json:"portOpen"`
	Trouble     string     `json:"trouble,omitempty"` // why the port is not open
	LinkUp      bool       `json:"linkUp"`
	Frames      *framesOf  `json:"frames,omitempty"`
	Undelivered int        `json:"undelivered"` // ends that it has not stored
	TurnedAt    *time.Time `json:"turnedAt,omitempty"`
}

// framesOf is what a line has carried since its link was made.
type framesOf struct {
	In       int64 `json:"in"`
	Out      int64 `json:"out"`
	Damaged  int64 `json:"damaged"`
	CutShort int64 `json:"cutShort"`
	Refused  int64 `json:"refused"`
	Repeated int64 `json:"repeated"`
	Resent   int64 `json:"resent"`
	Downs    int64 `json:"downs"`
	Garbage  int64 `json:"garbageBytes"`
}

type antomReport struct {
	BaseURL      string     `json:"baseUrl"`
	Asked        bool       `json:"asked"` // since the start
	Reachable    bool       `json:"reachable"`
	Since        *time.Time `json:"since,omitempty"`        // of reachable
	LastAnswerAt *time.Time `json:"lastAnswerAt,omitempty"` // that could be trusted
	Why          string     `json:"why,omitempty"`          // why the last call had no answer
	AheadSeconds *float64   `json:"aheadSeconds,omitempty"` // Antom's clock against ours, as measured last
}

type clockReport struct {
	Now       time.Time `json:"now"`
	Plausible bool      `json:"plausible"`     // nothing speaks against it
	Why       string    `json:"why,omitempty"` // what does
}

type paymentsReport struct {
	Answering   bool          `json:"answering"` // false: neither the worker nor the store could be asked, and nothing below is known
	Open        int           `json:"open"`
	InWindow    int           `json:"inWindow"`
	InDoubt     int           `json:"inDoubt"`
	Undelivered int           `json:"undelivered"`
	Oldest      []openReport  `json:"oldest"`
	CallsNow    int           `json:"callsUnderWay"`
	WindowEnds  *time.Time    `json:"windowEnds,omitempty"` // the latest of those in their window
	RefundedAt  *time.Time    `json:"refundedAt,omitempty"` // when the newest open refund was stored
	counted     queue.Watched // for metrics
}

type openReport struct {
	ID          string    `json:"id"`
	Refund      bool      `json:"refund"`
	Register    string    `json:"register"`
	State       string    `json:"state"`
	InDoubt     bool      `json:"inDoubt"`
	AmountMinor int64     `json:"amountMinor"`
	Currency    string    `json:"currency"`
	ReceivedAt  time.Time `json:"receivedAt"`
}

type todayReport struct {
	From    time.Time  `json:"from"` // midnight here
	At      time.Time  `json:"at"`   // when it was added up
	Totals  []sumOfDay `json:"totals"`
	Partial bool       `json:"partial"` // a part of the store can't be read
}

type sumOfDay struct {
	Currency      string `json:"currency"`
	PaidCount     int64  `json:"paidCount"`
	PaidMinor     int64  `json:"paidMinor"`
	RefundedCount int64  `json:"refundedCount"`
	RefundedMinor int64  `json:"refundedMinor"`
}

type storeReport struct {
	Path       string  `json:"path"`
	Bytes      int64   `json:"bytes"`
	WALBytes   int64   `json:"walBytes"`
	Writable   *bool   `json:"writable,omitempty"` // as the last commit found; nil: nobody knows
	Commits    int64   `json:"commits"`            // since the start
	P50Seconds float64 `json:"commitP50Seconds"`   // of the last commits; 0: there was none
	P99Seconds float64 `json:"commitP99Seconds"`
}

// emptyReport is a report about nothing yet.
func emptyReport(now time.Time) report {
	return report{
		At: now, Version: version, Commit: commit(), Registers: []registerReport{},
		Clock:    reportClock(now, clockFault(now, false, 0, false)),
		Payments: paymentsReport{Oldest: []openReport{}},
	}
}

func reportClock(now time.Time, fault string) clockReport {
	return clockReport{Now: now, Plausible: fault == "", Why: fault}
}

// overview puts in what is not closed.
func (p *paymentsReport) overview(o queue.Overview) {
	p.Answering = true
	p.Open, p.InWindow, p.InDoubt = o.Open, o.InWindow, o.InDoubt
	p.WindowEnds, p.RefundedAt = timeOrNil(o.WindowEnds), timeOrNil(o.RefundedAt)
	for _, n := range o.Undelivered {
		p.Undelivered += n
	}
	for _, b := range o.Oldest {
		p.Oldest = append(p.Oldest, openReport{b.ID, b.Refund, b.Register, b.State, b.InDoubt, b.AmountMinor, b.Currency, b.ReceivedAt.Round(0)})
	}
}

// undelivered puts each register's ends that it has not stored beside it. Those of
// registers that are gone make a line of their own: nobody else will ever tell them.
func (r *report) undelivered(of map[string]int) {
	left := map[string]int{}
	for name, n := range of {
		left[name] = n
	}
	for i := range r.Registers {
		r.Registers[i].Undelivered = left[r.Registers[i].Name]
		delete(left, r.Registers[i].Name)
	}
	for _, name := range sortedKeys(left) {
		r.Registers = append(r.Registers, registerReport{Name: name, Undelivered: left[name]})
	}
}

// sums puts in a day's totals.
func (d *todayReport) sums(list []queue.Sum) {
	d.Totals = []sumOfDay{}
	for _, s := range list {
		if s.PaidCount+s.RefundedCount > 0 {
			d.Totals = append(d.Totals, sumOfDay{s.Currency, s.PaidCount, s.PaidMinor, s.RefundedCount, s.RefundMinor})
		}
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Round(0) // no monotonic clock outside this process
	return &t
}
