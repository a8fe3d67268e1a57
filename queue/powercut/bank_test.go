package powercut

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"posagent/queue"
)

// bank is an acquirer that keeps a ledger. How it treats a payment, the first
// letters of its ID say:
//
//	OK      paid at once
//	NO      declined
//	LOST    takes the money, and the first answer is lost
//	UNSENT  the first attempt never leaves
//	SLOW    takes its time, and is paid
//	DOUBT   takes the money, and no pay is ever answered; inquiries are, in the end
type bank struct {
	mu      sync.Mutex
	charges map[string]int
	asked   map[string]int
	refunds map[string]int64
	noted   func(string) // what has left
}

func newBank(noted func(string)) *bank {
	return &bank{charges: map[string]int{}, asked: map[string]int{}, refunds: map[string]int64{}, noted: noted}
}

// take takes the money of a payment, once, and says how often it was asked.
func (b *bank) take(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[id]++
	if !strings.HasPrefix(id, "NO") {
		b.charges[id] = 1
	}
	return b.asked[id]
}

func (b *bank) Pay(p queue.Payment) queue.Call {
	return func(ctx context.Context) queue.Answer {
		if strings.HasPrefix(p.ID, "UNSENT") && p.Attempts == 1 {
			return queue.Answer{Verdict: queue.VerdictNotSent, Why: "no route"}
		}
		b.noted(fmt.Sprintf("sent %s %d", p.ID, p.Attempts))
		if strings.HasPrefix(p.ID, "SLOW") {
			pass(ctx, 2*time.Second)
		}
		n := b.take(p.ID)
		switch {
		case strings.HasPrefix(p.ID, "NO"):
			return answer(queue.VerdictFailed, "F", p.ID)
		case strings.HasPrefix(p.ID, "LOST") && n == 1, strings.HasPrefix(p.ID, "DOUBT"):
			pass(ctx, time.Hour)
			return queue.Answer{Verdict: queue.VerdictUnknown, Why: "no answer"}
		}
		return answer(queue.VerdictPaid, "S", p.ID)
	}
}

func (b *bank) Inquire(_ context.Context, p queue.Payment) queue.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked["?"+p.ID]++
	switch {
	case b.charges[p.ID] > 0 && strings.HasPrefix(p.ID, "DOUBT") && b.asked["?"+p.ID] < 3:
		return queue.Answer{Verdict: queue.VerdictUnknown, Why: "no answer"}
	case b.charges[p.ID] > 0:
		return answer(queue.VerdictPaid, "S", p.ID)
	case b.asked[p.ID] > 0:
		return answer(queue.VerdictFailed, "S", p.ID)
	}
	return answer(queue.VerdictNotFound, "S", p.ID)
}

func (b *bank) Refund(_ context.Context, r queue.Refund) queue.Answer {
	b.noted(fmt.Sprintf("sent-refund %s %d", r.ID, r.Attempts))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refunds[r.ID] = r.AmountMinor
	a := answer(queue.VerdictRefunded, "S", r.PaymentRequestID)
	a.RefundID = "B" + r.ID
	return a
}

func (b *bank) InquireRefund(context.Context, queue.Refund) queue.Answer {
	return answer(queue.VerdictRefunded, "S", "")
}

func answer(v queue.Verdict, status, id string) queue.Answer {
	a := queue.Answer{Verdict: v, Result: queue.Result{Status: status, Code: "CODE"}}
	if v == queue.VerdictPaid {
		a.PaymentID = "A" + id
		a.CustomerReceipt = queue.Receipt(strings.Repeat("receipt ", 100))
	}
	return a
}

func pass(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
