package device

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is an Engine in memory, with the rules of register-link §4 as far as
// the link's tests need them.
type ledger struct {
	mu    sync.Mutex
	order []StateID
	rows  map[StateID]State
	calls map[string]int
	wake  chan struct{}

	receipt    map[string]string // by copy
	diagnosing time.Duration     // before Diagnosis answers, whatever its context says

	stall time.Duration // before Pay answers, whatever its context says
	sick  error         // of Tell and Opening
}

func newLedger() *ledger {
	return &ledger{rows: map[StateID]State{}, calls: map[string]int{}, wake: make(chan struct{}, 1)}
}

// becomes writes a state and gives the hint.
func (l *ledger) becomes(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.rows[s.ID()]; !known {
		l.order = append(l.order, s.ID())
	}
	l.rows[s.ID()] = s
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *ledger) sicken(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sick = err
}

func (l *ledger) called(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[method]
}

func (l *ledger) count(method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[method]++
}

func (l *ledger) Opening(context.Context, string) (Opening, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var o Opening
	for _, id := range l.order {
		if l.rows[id].final() {
			o.Undelivered = append(o.Undelivered, id.ID)
		} else {
			o.Open = append(o.Open, id.ID)
		}
	}
	return o, l.sick
}

func (l *ledger) Pay(_ context.Context, _ string, p Pay) Reply {
	l.count("pay")
	if l.stall > 0 {
		<-time.After(l.stall)
	}
	s := openState(p.PaymentRequestID, 1)
	l.becomes(s)
	return Reply{Result: Result{ResultStatus: ResultOpen, ResultCode: CodePaymentInProgress}, State: s}
}

func (l *ledger) InquiryPayment(_ context.Context, _, id string) Reply {
	l.count("inquiryPayment")
	return l.find(StateID{KindPayment, id})
}

func (l *ledger) InquiryRefund(_ context.Context, _, id string) Reply {
	l.count("inquiryRefund")
	return l.find(StateID{KindRefund, id})
}

func (l *ledger) find(id StateID) Reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, known := l.rows[id]
	if !known {
		return Reply{Result: Result{ResultStatus: ResultRefused, ResultCode: CodeNotFound}}
	}
	return Reply{Result: done(), State: s}
}

func (l *ledger) Abort(_ context.Context, _, id string) Reply {
	l.count("abort")
	s := State{Payment: &PaymentState{PaymentRequestID: id, PaymentStatus: PaymentCancelled, Final: true, Rev: 1}}
	l.becomes(s)
	return Reply{Result: done(), State: s}
}

func (l *ledger) Refund(_ context.Context, _ string, r Refund) Reply {
	l.count("refund")
	s := State{Refund: &RefundState{RefundRequestID: r.RefundRequestID, PaymentRequestID: r.PaymentRequestID,
		RefundStatus: RefundPending, RefundAmount: r.RefundAmount, Rev: 1}}
	l.becomes(s)
	return Reply{Result: Result{ResultStatus: ResultOpen, ResultCode: CodePaymentInProgress}, State: s}
}

func (l *ledger) Receipt(_ context.Context, _, _, which string) ReceiptText {
	return ReceiptText{Result: done(), Text: ReceiptCopy(l.receipt[which])}
}

func (l *ledger) Totals(_ context.Context, _ string, from, to time.Time) Totals {
	return Totals{Result: done(), Unresolved: []string{from.Format(time.RFC3339), to.Format(time.RFC3339)}}
}

func (l *ledger) Diagnosis(context.Context, string) Diagnosis {
	l.count("diagnosis")
	<-time.After(l.diagnosing)
	return Diagnosis{Result: done(), NetworkStatus: "Y", UnresolvedCount: 2}
}

func (l *ledger) LastResult(context.Context, string) Reply {
	l.count("lastResult")
	return Reply{Result: Result{ResultStatus: ResultRefused, ResultCode: CodeNotFound}}
}

func (l *ledger) Delivered(_ context.Context, _ string, id StateID, rev int64) Reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows[id].rev() == rev {
		l.order = slices.DeleteFunc(l.order, func(other StateID) bool { return other == id })
	}
	return Reply{Result: done()}
}

func (l *ledger) Tell(context.Context, string) ([]State, error) {
	l.count("tell")
	l.mu.Lock()
	defer l.mu.Unlock()
	var states []State
	for _, id := range l.order {
		states = append(states, l.rows[id])
	}
	return states, l.sick
}

// till is the register's end of a line: it acknowledges every frame and keeps
// what it heard.
type till struct {
	t     *testing.T
	line  io.ReadWriter
	heard chan message
	mu    sync.Mutex // one write at a time: the test's and the ACKs
	seq   uint8
	deaf  atomic.Bool // hears, but acknowledges nothing
}

// message is what a till heard: a body, or an acknowledgement.
type message struct {
	kind itemKind
	seq  uint8
	body map[string]any
	at   time.Time
}

// newTill starts to listen; it ends when line does, which done awaits.
func newTill(t *testing.T, line io.ReadWriter) (register *till, done *sync.WaitGroup) {
	register = &till{t: t, line: line, heard: make(chan message, 1000)}
	done = &sync.WaitGroup{}
	done.Go(register.listen)
	return register, done
}

func (r *till) listen() {
	d := newDecoder()
	buffer := make([]byte, 4096)
	for {
		n, err := r.line.Read(buffer)
		for _, it := range d.receive(time.Now(), buffer[:n]) {
			m := message{kind: it.kind, seq: it.seq, at: time.Now()}
			if it.kind == itemFrame {
				r.acknowledge(it.seq)
				if json.Unmarshal(it.body, &m.body) != nil {
					r.t.Errorf("the agent sent %q", it.body)
				}
			}
			r.heard <- m
		}
		if err != nil {
			close(r.heard)
			return
		}
	}
}

func (r *till) acknowledge(seq uint8) {
	if !r.deaf.Load() {
		r.write(encodeAck(ack, seq))
	}
}

// deafen ends the acknowledging.
func (r *till) deafen() { r.deaf.Store(true) }

func (r *till) write(raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.line.Write(raw) // a line that is gone shows in what is heard
}

// says sends a request under the next SEQ, or under 00 where it is initConnection.
func (r *till) says(body string, args ...any) uint8 {
	r.seq++
	seq := r.seq
	body = fmt.Sprintf(body, args...)
	var named struct{ Method string }
	if json.Unmarshal([]byte(body), &named) == nil && named.Method == "initConnection" {
		seq, r.seq = 0, 0
	}
	r.write(encode(seq, []byte(body)))
	return seq
}

// hears returns the next body, acknowledgements left out; nil if there is none
// within d.
func (r *till) hears(d time.Duration) *message {
	r.t.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		select {
		case m, open := <-r.heard:
			if !open {
				return nil
			}
			if m.kind == itemFrame {
				return &m
			}
		case <-over.C:
			return nil
		}
	}
}

// asks sends a request and returns its response; events before it are dropped.
func (r *till) asks(body string, args ...any) map[string]any {
	r.t.Helper()
	seq := r.says(body, args...)
	for {
		m := r.hears(timeT3)
		if m == nil {
			r.t.Fatalf("no response to "+body, args...)
		}
		if m.body["re"] == seqText(seq) {
			return m.body
		}
	}
}

// opens sends initConnection with more members.
func (r *till) opens(more string) map[string]any {
	r.t.Helper()
	return r.asks(`{"method":"initConnection","register":"lane1"%s}`, more)
}

func (r *till) pays(id string) map[string]any {
	r.t.Helper()
	return r.asks(`{"method":"pay","paymentRequestId":"%s","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"}}`, id)
}

func code(body map[string]any) any {
	result, _ := body["result"].(map[string]any)
	return result["resultCode"]
}
