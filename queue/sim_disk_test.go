package queue

import (
	"slices"
	"time"
)

// simDisk is what survives.
type simDisk struct {
	payments []Payment
	refunds  []Refund
	aborted  []Aborted
}

func replace[R any](rows []R, row R, is func(R) bool) []R {
	if i := slices.IndexFunc(rows, is); i >= 0 {
		rows[i] = row
		return rows
	}
	return append(rows, row)
}

// onDiskPayment is a row as it comes back from the store: without the parts of
// a millisecond.
func onDiskPayment(p Payment) Payment {
	for _, t := range []*time.Time{&p.AbortAt, &p.ReceivedAt, &p.Deadline, &p.QuietFrom, &p.Due, &p.EndedAt} {
		*t = fromMillis(millis(*t))
	}
	return p
}

func onDiskRefund(r Refund) Refund {
	for _, t := range []*time.Time{&r.ReceivedAt, &r.QuietFrom, &r.Due, &r.EndedAt} {
		*t = fromMillis(millis(*t))
	}
	return r
}
