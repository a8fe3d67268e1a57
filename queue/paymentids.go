package queue

import "context"

// paymentIDs remembers the acquirer's newest paymentIds and whose they are. It
// need not remember all: an answer is believed only when its own time is fresh,
// so only a fresh one can be played back.
type paymentIDs struct {
	owners map[string]string // paymentId to paymentRequestId
	order  []string          // oldest first
	most   int
}

func newPaymentIDs(most int) paymentIDs {
	return paymentIDs{owners: map[string]string{}, most: most}
}

func (p *paymentIDs) add(paymentID, id string) {
	if p.owners[paymentID] != "" {
		return
	}
	if len(p.order) == p.most {
		delete(p.owners, p.order[0])
		p.order = p.order[1:]
	}
	p.owners[paymentID] = id
	p.order = append(p.order, paymentID)
}

// owner returns the paymentRequestId that a paymentId belongs to, or "".
func (p *paymentIDs) owner(paymentID string) string { return p.owners[paymentID] }

// recentPaymentIDs returns the newest paymentIds in the store.
func (s *Store) recentPaymentIDs(ctx context.Context, most int) (paymentIDs, error) {
	known := newPaymentIDs(most)
	rows, err := s.read.QueryContext(ctx, `select payment_id, id from (
			select payment_id, id, 0 as at_hand, n from (select * from acquirer_id order by n desc limit ?)
			union all
			select payment_id, id, 1, ended_seq from payment_open where payment_id != '' and state = 'paid'
		) order by at_hand, n`, most)
	if err != nil {
		return known, err
	}
	defer rows.Close()
	for rows.Next() {
		var paymentID, id string
		if err := rows.Scan(&paymentID, &id); err != nil {
			return known, err
		}
		known.add(paymentID, id)
	}
	return known, rows.Err()
}

// noteOwner remembers whose paymentId it is that a payment was paid under.
func (l *loop) noteOwner(p Payment) {
	if p.PaymentID != "" && p.State == Paid {
		l.known.add(p.PaymentID, p.ID)
	}
}
