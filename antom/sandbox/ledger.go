package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Words of paymentStatus and refundStatus (Antom v2, inquiryPayment, inquiryRefund).
const (
	statusProcessing    = "PROCESSING"
	statusPending       = "PENDING"
	statusSuccess       = "SUCCESS"
	statusFail          = "FAIL"
	statusRefundFailed  = "FAILED"
	statusRefundPending = "PENDING"
)

// terms say how the ledger takes a new payment or refund; the zero value takes
// it at once and for good.
type terms struct {
	decline     bool      // fails at the end
	open        bool      // answered U first, no money has moved
	pending     bool      // the money has moved, the last word is out
	questions   int       // asked so often, it ends
	endsAt      time.Time // or it ends then, where that is not zero
	hiddenUntil time.Time // until then inquiries do not find it
	forgetful   bool      // a repeat is taken as new
}

// over says whether, and when, an open payment or refund has its last word. A
// question counts only where no time was set.
func (t *terms) over(now time.Time, asked bool) (time.Time, bool) {
	switch {
	case !t.endsAt.IsZero():
		return t.endsAt, !now.Before(t.endsAt)
	case !asked:
		return time.Time{}, false
	case t.questions == 0:
		return now, true
	}
	t.questions--
	return time.Time{}, false
}

type payment struct {
	request
	terms
	id        string
	status    string
	createdAt time.Time
	bookedAt  time.Time
	endedAt   time.Time
	refunded  int64 // minor units
	inquiries int
}

// arrival is a pay request that takes effect later.
type arrival struct {
	at  time.Time
	req request
}

// ledger keeps the money. It has no clock of its own: whatever fell due is done
// when it is next looked at, dated when it fell due.
type ledger struct {
	mu       sync.Mutex
	run      string // tells one run's ids from another's
	made     int
	newest   map[string]*payment // by paymentRequestId
	byID     map[string]*payment // by paymentId
	payments []*payment
	refunds  map[string]*refund // by refundRequestId, the newest
	refunded []*refund
	asked    map[string]int // pay requests by paymentRequestId
	arrivals []arrival

	openPayments []*payment // not ended
	openRefunds  []*refund
}

func newLedger() *ledger {
	var run [4]byte
	_, _ = rand.Read(run[:]) // crypto/rand never returns an error
	return &ledger{
		run:     hex.EncodeToString(run[:]),
		newest:  map[string]*payment{},
		byID:    map[string]*payment{},
		refunds: map[string]*refund{},
		asked:   map[string]int{},
	}
}

// countPay notes that a pay request was seen and returns how often by now.
func (l *ledger) countPay(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[id]++
	return l.asked[id]
}

// pay takes a payment, once per paymentRequestId (Antom v2, idempotency).
func (l *ledger) pay(now time.Time, req request, t terms) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	return l.take(now, req, t)
}

func (l *ledger) take(now time.Time, req request, t terms) *answer {
	p := l.newest[req.PaymentRequestID]
	if p != nil && p.forgetful {
		t.forgetful = true
	}
	if p == nil || t.forgetful {
		return payAnswer(l.open(now, req, t))
	}
	if p.request != req {
		return says("F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", "the paymentRequestId was used with other content")
	}
	p.look(now, true)
	return payAnswer(p)
}

// open makes a payment; a declined one never moves money.
func (l *ledger) open(now time.Time, req request, t terms) *payment {
	p := &payment{request: req, terms: t, id: l.newID("P"), createdAt: now, status: statusProcessing}
	l.newest[req.PaymentRequestID], l.byID[p.id] = p, p
	l.payments, l.openPayments = append(l.payments, p), append(l.openPayments, p)
	switch {
	case t.pending:
		p.status, p.bookedAt = statusPending, now
	case !t.open:
		p.end(now)
	}
	return p
}

// newID makes an id that cannot be taken for a real one, never the same twice,
// in another run neither.
func (l *ledger) newID(kind string) string {
	l.made++
	return fmt.Sprintf("SANDBOX_%s%s%06d", kind, l.run, l.made)
}

// end gives an open or pending payment its last word.
func (p *payment) end(at time.Time) {
	p.endedAt = at
	if p.decline && p.bookedAt.IsZero() {
		p.status = statusFail
		return
	}
	if p.bookedAt.IsZero() {
		p.bookedAt = at
	}
	p.status = statusSuccess
}

func (p *payment) ended() bool { return !p.endedAt.IsZero() }

// look ends the payment where its time has come, or where it was asked about
// often enough.
func (p *payment) look(now time.Time, asked bool) {
	if p.ended() {
		return
	}
	if at, over := p.over(now, asked); over {
		p.end(at)
	}
}

func payAnswer(p *payment) *answer {
	switch p.status {
	case statusSuccess:
		a := success()
		a.PaymentID, a.PaymentReceipt = p.id, receiptsFor(p)
		return a
	case statusFail:
		return failed()
	}
	a := inProgress()
	a.PaymentID = p.id
	return a
}

// inquire answers inquiryPayment: result speaks of the question, paymentStatus
// of the payment, and there is no receipt (Antom v2, inquiryPayment).
func (l *ledger) inquire(now time.Time, id string) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	p := l.newest[id]
	if p == nil {
		return notExistNamed(id)
	}
	p.inquiries++
	if now.Before(p.hiddenUntil) {
		return notExistNamed(id)
	}
	p.look(now, true)
	a := success()
	a.PaymentRequestID, a.PaymentID, a.PaymentStatus = id, p.id, p.status
	a.PaymentCreateTime, a.PaymentTime = stamp(p.createdAt), stamp(p.bookedAt)
	a.PaymentAmount, a.PaymentMethod = p.PaymentAmount, p.PaymentMethod
	return a
}

// postpone lets a pay request arrive later, whether or not anybody waits.
func (l *ledger) postpone(at time.Time, req request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrivals = append(l.arrivals, arrival{at, req})
}

// arrive takes up what was postponed and ends what fell due by now.
func (l *ledger) arrive(now time.Time) {
	l.arrivals = slices.DeleteFunc(l.arrivals, func(a arrival) bool {
		if now.Before(a.at) {
			return false
		}
		l.take(a.at, a.req, terms{})
		return true
	})
	l.openPayments = slices.DeleteFunc(l.openPayments, func(p *payment) bool {
		p.look(now, false)
		return p.ended()
	})
	l.openRefunds = slices.DeleteFunc(l.openRefunds, func(r *refund) bool {
		r.look(now, false)
		return r.ended()
	})
}

// foreign returns the paymentId of another payment, where there is one.
func (l *ledger) foreign(paymentID string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.payments {
		if p.id != paymentID {
			return p.id, true
		}
	}
	return "", false
}
