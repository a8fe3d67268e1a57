package queue

import (
	"context"
	"slices"
	"testing"
	"time"
)

// Totals are of what was paid and given back, by the time at which its end was learnt,
// from the first moment to before the last, whenever it was begun.
func TestTotalsAreOfWhatEndedInTheirTime(t *testing.T) {
	s := openStore(t, storePath(t))
	from := time.UnixMilli(1_800_000_000_000)
	to := from.Add(24 * time.Hour)
	seq := int64(0)
	paid := func(id, register, currency string, v Verdict, ended time.Time) Change[Payment] {
		c := testCommand(id)
		c.Currency = currency
		p, _ := Begin(ended.Add(-2*time.Hour), register, c, time.Minute)
		p = Policy{}.end(ended, p, testAnswer(v, Pay))
		seq++
		p.EndedSeq = seq
		return Change[Payment]{New: p}
	}
	refunded := func(id, register string, v Verdict, reversal bool, ended time.Time) Change[Refund] {
		r, _ := BeginRefund(ended.Add(-2*time.Hour), Refund{ID: id, Register: register, PaymentRequestID: "P1", AmountMinor: 50,
			Currency: "SGD", Reversal: reversal}, true)
		r = endRefund(ended, r, testAnswer(v, GiveBack))
		seq++
		r.EndedSeq = seq
		return Change[Refund]{New: r}
	}
	err := s.Save(Batch{Payments: []Change[Payment]{
		paid("P1", "lane1", "SGD", VerdictPaid, from),
		paid("P2", "lane1", "SGD", VerdictPaid, to.Add(-time.Millisecond)),
		paid("P3", "lane1", "JPY", VerdictPaid, from.Add(time.Hour)),
		paid("TOO_SOON", "lane1", "SGD", VerdictPaid, from.Add(-time.Millisecond)),
		paid("TOO_LATE", "lane1", "SGD", VerdictPaid, to),
		paid("FAILED", "lane1", "SGD", VerdictFailed, from.Add(time.Hour)),
		paid("CANCELLED", "lane1", "SGD", VerdictCancelled, from.Add(time.Hour)),
		paid("OTHERS", "lane2", "SGD", VerdictPaid, from.Add(time.Hour)),
	}, Refunds: []Change[Refund]{
		refunded("F1", "lane1", VerdictRefunded, false, from),
		refunded("F2", "lane1", VerdictRefunded, true, to.Add(-time.Millisecond)),
		refunded("F_TOO_SOON", "lane1", VerdictRefunded, false, from.Add(-time.Millisecond)),
		refunded("F_TOO_LATE", "lane1", VerdictRefunded, false, to),
		refunded("F_REFUSED", "lane1", VerdictFailed, false, from.Add(time.Hour)),
		refunded("F_OTHERS", "lane2", VerdictRefunded, false, from.Add(time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Sums(context.Background(), "lane1", from, to)
	want := []Sum{
		{Currency: "JPY", PaidCount: 1, PaidMinor: 1050},
		{Currency: "SGD", PaidCount: 2, PaidMinor: 2100, RefundedCount: 2, RefundMinor: 100},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}
