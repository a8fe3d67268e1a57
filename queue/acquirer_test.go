package queue

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// behaviour is how an acquirer treats one request: how long it takes to arrive and to
// answer, whether it does what is asked, and what it says about it.
type behaviour struct {
	before, after time.Duration
	lost          bool    // the request does not arrive
	mute          bool    // the answer does not
	say           Verdict // instead of the truth
}

// acquirer keeps money: one charge for each id, however often it is asked.
type acquirer struct {
	mu        sync.Mutex
	charges   map[string]int
	pays      map[string]int
	inquiries map[string]int
	rush      map[string][]behaviour // how the next requests of an id are treated; then honestly
	underWay  int
	most      int // requests under way at the same time
	paymentID func(id string) string
	refunds   map[string]int64 // refundRequestId to what was given back
	refused   map[string]bool  // refundRequestIds that are never given back
}

func newAcquirer() *acquirer {
	return &acquirer{
		charges: map[string]int{}, pays: map[string]int{}, inquiries: map[string]int{}, rush: map[string][]behaviour{},
		paymentID: func(id string) string { return "A" + id }, refunds: map[string]int64{},
		refused: map[string]bool{},
	}
}

func (a *acquirer) Pay(p Payment) Call {
	return func(ctx context.Context) Answer {
		return a.treat(ctx, p.ID, a.pays, func() Verdict {
			if a.charges[p.ID] == 0 {
				a.charges[p.ID] = 1
			}
			return VerdictPaid
		})
	}
}

func (a *acquirer) Inquire(ctx context.Context, p Payment) Answer {
	return a.treat(ctx, p.ID, a.inquiries, func() Verdict {
		if a.charges[p.ID] > 0 {
			return VerdictPaid
		}
		return VerdictNotFound
	})
}

// Refund gives money back, once for each refundRequestId.
func (a *acquirer) Refund(ctx context.Context, r Refund) Answer {
	answer := a.treat(ctx, r.ID, a.pays, func() Verdict {
		if !a.refused[r.ID] {
			a.refunds[r.ID] = r.AmountMinor
		}
		return VerdictRefunded
	})
	if answer.Verdict == VerdictRefunded || answer.Verdict == VerdictOpen {
		answer.RefundID = "B" + r.ID
	}
	return answer
}

func (a *acquirer) InquireRefund(ctx context.Context, r Refund) Answer {
	return a.treat(ctx, r.ID, a.inquiries, func() Verdict {
		if a.refunds[r.ID] > 0 {
			return VerdictRefunded
		}
		return VerdictNotFound
	})
}

// refuse has a refund never be given, whatever its requests are told.
func (a *acquirer) refuse(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[id] = true
}

// refunded is how much was given back under a refundRequestId.
func (a *acquirer) refunded(id string) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refunds[id]
}

func (a *acquirer) treat(ctx context.Context, id string, count map[string]int, do func() Verdict) Answer {
	b := a.begin(id, count)
	defer a.end()
	if !wait(ctx, b.before) || b.lost {
		<-ctx.Done()
		return Answer{Verdict: VerdictUnknown, Why: "no answer"}
	}
	if b.say == VerdictNotSent {
		return Answer{Verdict: VerdictNotSent, Why: "connection refused"}
	}
	a.mu.Lock()
	verdict := do()
	a.mu.Unlock()
	if b.mute || !wait(ctx, b.after) {
		<-ctx.Done()
		return Answer{Verdict: VerdictUnknown, Why: "no answer"}
	}
	if b.say != "" {
		verdict = b.say
	}
	answer := testAnswer(verdict, Pay)
	if verdict == VerdictPaid {
		a.mu.Lock()
		answer.PaymentID = a.paymentID(id)
		a.mu.Unlock()
	}
	return answer
}

// treatAs sets how the next requests of an id are treated.
func (a *acquirer) treatAs(id string, b ...behaviour) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rush[id] = b
}

// seen is what the acquirer has seen of an id.
type seen struct{ charges, pays, inquiries int }

func (a *acquirer) seen(id string) seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return seen{a.charges[id], a.pays[id], a.inquiries[id]}
}

func (a *acquirer) atOnce() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.most
}

func (a *acquirer) begin(id string, count map[string]int) behaviour {
	a.mu.Lock()
	defer a.mu.Unlock()
	count[id]++
	a.underWay++
	a.most = max(a.most, a.underWay)
	if len(a.rush[id]) == 0 {
		return behaviour{}
	}
	b := a.rush[id][0]
	a.rush[id] = a.rush[id][1:]
	return b
}

func (a *acquirer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.underWay--
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// agent is a worker at work on a real store, in a bubble of fake time.
type agent struct {
	*Worker
	store   *Store
	changed chan string
	cancel  context.CancelFunc
	ended   chan error
}

// start opens the store at path and runs a worker on it.
func start(t *testing.T, path string, g Gateway, change ...func(*Options)) *agent {
	t.Helper()
	store, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{store: store, changed: make(chan string, 1000), ended: make(chan error, 1)}
	o := testOptions(store, g)
	o.Changed = func(register string) { a.changed <- register }
	for _, f := range change {
		f(&o)
	}
	a.Worker = NewWorker(o)
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	go func() { a.ended <- a.Run(ctx) }()
	return a
}

// testOptions are the times of an ordinary configuration.
func testOptions(store *Store, g Gateway) Options {
	return Options{
		Store: store, Gateway: g,
		Policy: Policy{InquiryInterval: 3 * time.Second, QuietTime: 45 * time.Second},
		Window: 120 * time.Second, PayTimeout: 45 * time.Second, InquiryTimeout: 15 * time.Second,
		RefundTimeout: 30 * time.Second, Grace: 4 * time.Second, Retention: 400 * 24 * time.Hour,
		Changed: func(string) {},
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// stop ends the worker in order and closes the store.
func (a *agent) stop(t *testing.T) {
	t.Helper()
	a.cancel()
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
	if err := a.store.Close(); err != nil {
		t.Error(err)
	}
}

// bubble runs fn in fake time with a store's path and an honest acquirer.
func bubble(t *testing.T, fn func(t *testing.T, path string, bank *acquirer)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { fn(t, filepath.Join(dir, "posagent.db"), newAcquirer()) })
}

func (a *agent) pay(t *testing.T, register, id string) Payment {
	t.Helper()
	p, err := a.Enqueue(context.Background(), register, testCommand(id), 0)
	if err != nil {
		t.Fatalf("pay %s: %v", id, err)
	}
	return p
}

// paid pays at lane1, and returns the row of the end.
func (a *agent) paid(t *testing.T, id string) Payment {
	t.Helper()
	a.pay(t, "lane1", id)
	p, _ := a.until(t, id, Paid, time.Second)
	return p
}

func (a *agent) row(t *testing.T, id string) Payment {
	t.Helper()
	p, err := a.Payment(context.Background(), id)
	if err != nil {
		t.Fatalf("inquiry %s: %v", id, err)
	}
	return p
}

// until lets fake time pass until id is in state, and says how much that was.
func (a *agent) until(t *testing.T, id string, state State, most time.Duration) (Payment, time.Duration) {
	t.Helper()
	from := time.Now()
	for {
		synctest.Wait()
		p := a.row(t, id)
		took := time.Since(from)
		if p.State == state {
			return p, took
		}
		if p.State.Final() || took > most {
			t.Fatalf("%s is %s after %v, want %s", id, p.State, took, state)
		}
		time.Sleep(50 * time.Millisecond) // fake
	}
}

// commits counts the commits in a store's write-ahead log: the frames that carry
// the size of the database.
func commits(t *testing.T, path string) int {
	t.Helper()
	return len(frames(t, path))
}

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("R%03d", i)
	}
	return list
}
