package main

import (
	"cmp"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"time"

	"posagent/queue"
)

// The types of metrics.
const (
	counter = "counter"
	gauge   = "gauge"
	timings = "histogram"
)

// answerMetrics answers GET /metrics. No label has an id, an amount or a secret.
func (a *agent) answerMetrics(w http.ResponseWriter, r *http.Request) {
	var e exposition
	is := a.report(r.Context())
	e.about(is, a.pulse.last())
	e.payments(is)
	e.antom(is.Antom)
	e.registers(is.Registers, is.Payments.Answering)
	e.store(is.Store, is.Payments)
	a.figures.expose(&e)
	w.Header().Set("Content-Type", expositionType)
	_, _ = w.Write([]byte(e.String())) // who asked may have gone
}

func (e *exposition) about(is report, beat time.Time) {
	e.family("posagent_build_info", gauge, "Which posagent this is. Always 1.").
		sample(1, "version", is.Version, "commit", is.Commit, "goversion", runtime.Version())
	e.one("posagent_start_time_seconds", gauge, "When the agent started, in seconds since 1970.", seconds(*is.StartedAt))
	e.one("posagent_clock_plausible", gauge, "1 unless the clock is known to be wrong, and new payments are refused.", float64(one(is.Clock.Plausible)))
	e.one("posagent_worker_up", gauge, "1 if the worker's loop came round when it was asked just now.", float64(one(is.Payments.Answering)))
	if !beat.IsZero() {
		e.one("posagent_worker_heartbeat_age_seconds", gauge, "How long ago the worker's loop was last seen to come round.",
			max(0, time.Since(beat).Seconds()))
	}
}

// payments are counted by the worker. If it does not come round nothing is known,
// and nothing is said.
func (e *exposition) payments(is report) {
	p := is.Payments
	if !p.Answering {
		return
	}
	f := e.family("posagent_payments_total", counter, "Payments whose end was learnt since the start, by outcome.")
	for _, s := range []queue.State{queue.Paid, queue.Failed, queue.Cancelled} {
		f.sample(float64(p.counted.Ended[s]), "outcome", string(s))
	}
	f = e.family("posagent_refunds_total", counter, "Refunds whose end was learnt since the start, reversals among them, by outcome.")
	for _, s := range []queue.RefundState{queue.Refunded, queue.RefundRefused} {
		f.sample(float64(p.counted.EndedRefunds[s]), "outcome", string(s))
	}
	e.one("posagent_payments_open", gauge, "Payments and refunds whose end is not known.", float64(p.Open))
	e.one("posagent_payments_in_window", gauge, "Payments inside their window.", float64(p.InWindow))
	e.one("posagent_payments_in_doubt", gauge, "Payments whose window is over and whose outcome is not known.", float64(p.InDoubt))
	oldest := 0.0
	if len(p.Oldest) > 0 {
		oldest = max(0, is.At.Sub(p.Oldest[0].ReceivedAt).Seconds())
	}
	e.one("posagent_oldest_open_age_seconds", gauge, "Age of the oldest payment or refund that is open. 0: there is none.", oldest)
	e.one("posagent_calls_under_way", gauge, "Calls to Antom that are not answered yet.", float64(p.CallsNow))
}

func (e *exposition) antom(is antomReport) {
	if is.Asked {
		e.one("posagent_antom_reachable", gauge, "1 if the last call to Antom had an answer that can be trusted.", float64(one(is.Reachable)))
	}
	if is.LastAnswerAt != nil {
		e.one("posagent_antom_last_answer_time_seconds", gauge, "When Antom last gave an answer that can be trusted, in seconds since 1970.",
			seconds(*is.LastAnswerAt))
	}
	if is.AheadSeconds != nil {
		e.one("posagent_antom_clock_ahead_seconds", gauge, "How far Antom's clock is ahead of ours, as measured last.", *is.AheadSeconds)
	}
}

// registers are shown by name. A link that was made anew counts from zero.
func (e *exposition) registers(list []registerReport, answering bool) {
	each := func(name, kind, help string, value func(registerReport) float64) {
		f := e.family(name, kind, help)
		for _, r := range list {
			if r.Configured {
				f.sample(value(r), "register", r.Name)
			}
		}
	}
	each("posagent_port_open", gauge, "1 if the register's port is open.", func(r registerReport) float64 { return float64(one(r.PortOpen)) })
	each("posagent_link_up", gauge, "1 if the register answers on its line.", func(r registerReport) float64 { return float64(one(r.LinkUp)) })
	for _, c := range []struct {
		name, help string
		of         func(framesOf) int64
	}{
		{"posagent_frames_received_total", "Whole frames from the register, repeated ones among them.", func(f framesOf) int64 { return f.In }},
		{"posagent_frames_repeated_total", "Frames that the register sent again.", func(f framesOf) int64 { return f.Repeated }},
		{"posagent_frames_damaged_total", "Frames that arrived damaged or cut short.", func(f framesOf) int64 { return f.Damaged + f.CutShort }},
		{"posagent_frames_sent_total", "Frames sent to the register, each sending counted.", func(f framesOf) int64 { return f.Out }},
		{"posagent_frames_resent_total", "Frames sent to the register again.", func(f framesOf) int64 { return f.Resent }},
		{"posagent_frames_refused_total", "Frames that the register received damaged.", func(f framesOf) int64 { return f.Refused }},
		{"posagent_link_downs_total", "Times that the register did not answer three sendings.", func(f framesOf) int64 { return f.Downs }},
		{"posagent_garbage_bytes_total", "Bytes from the register outside frames.", func(f framesOf) int64 { return f.Garbage }},
	} {
		each(c.name, counter, c.help, func(r registerReport) float64 { return float64(c.of(*r.Frames)) })
	}
	if !answering {
		return
	}
	f := e.family("posagent_undelivered", gauge, "Ends that the register has not stored yet; configured=\"no\": nobody will tell it.")
	for _, r := range list {
		f.sample(float64(r.Undelivered), "register", r.Name, "configured", yesOrNo(r.Configured))
	}
}

func (e *exposition) store(is storeReport, p paymentsReport) {
	e.one("posagent_store_bytes", gauge, "Size of the store's file.", float64(is.Bytes))
	e.one("posagent_store_wal_bytes", gauge, "Size of the store's write-ahead log.", float64(is.WALBytes))
	if is.Writable != nil {
		e.one("posagent_store_writable", gauge, "0 from a failed commit until one succeeds.", float64(one(*is.Writable)))
		e.one("posagent_store_commits_failed_total", counter, "Commits that the disk refused.", float64(p.counted.CommitsFailed))
	}
}

// expose adds what was counted of calls and commits.
func (f *figures) expose(e *exposition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := e.family("posagent_antom_calls_total", counter,
		"Calls to Antom, by how they ended; unknown: no answer that can be trusted; not_sent: no byte left this box.")
	for _, c := range slices.SortedFunc(maps.Keys(f.ended), func(x, y calledAs) int {
		return cmp.Or(cmp.Compare(x.call, y.call), cmp.Compare(x.verdict, y.verdict))
	}) {
		calls.sample(float64(f.ended[c]), "call", string(c.call), "ended", string(c.verdict))
	}
	took := e.family("posagent_antom_call_duration_seconds", timings, "How long calls to Antom took, however they ended.")
	for _, call := range slices.Sorted(maps.Keys(f.took)) {
		took.histogram(f.took[call], "call", string(call))
	}
	e.family("posagent_store_commit_duration_seconds", timings, "How long commits took.").histogram(f.commits)
}

// seconds is a moment in seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
