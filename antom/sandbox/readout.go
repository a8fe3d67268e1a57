package sandbox

import "time"

// Charge is one movement of money from a customer. Two of them with the same
// PaymentRequestID are a double charge.
type Charge struct {
	PaymentRequestID string    `json:"paymentRequestId"`
	PaymentID        string    `json:"paymentId"`
	AmountMinor      int64     `json:"amountMinor"`
	Currency         string    `json:"currency"`
	Status           string    `json:"status"` // SUCCESS, or PENDING while the last word is out
	CreatedAt        time.Time `json:"createdAt"`
	BookedAt         time.Time `json:"bookedAt"`      // when the money moved
	PayRequests      int       `json:"payRequests"`   // valid pay requests seen with this id, answered or not
	RefundedMinor    int64     `json:"refundedMinor"` // what refunds have given back
}

// Payment is what the gateway knows of one payment, money or none. BookedAt and
// EndedAt are zero where that has not happened.
type Payment struct {
	PaymentRequestID string    `json:"paymentRequestId"`
	PaymentID        string    `json:"paymentId"`
	PaymentMethod    string    `json:"paymentMethod"`
	AmountMinor      int64     `json:"amountMinor"`
	Currency         string    `json:"currency"`
	Status           string    `json:"status"` // PROCESSING, PENDING, SUCCESS or FAIL
	CreatedAt        time.Time `json:"createdAt"`
	BookedAt         time.Time `json:"bookedAt,omitzero"`
	EndedAt          time.Time `json:"endedAt,omitzero"`
	Inquiries        int       `json:"inquiries"`
}

// Refund is one refund the gateway accepted. Money has moved back where Status
// is SUCCESS.
type Refund struct {
	RefundRequestID string    `json:"refundRequestId"`
	RefundID        string    `json:"refundId"`
	PaymentID       string    `json:"paymentId"`
	AmountMinor     int64     `json:"amountMinor"`
	Currency        string    `json:"currency"`
	Status          string    `json:"status"` // PENDING, SUCCESS or FAILED
	CreatedAt       time.Time `json:"createdAt"`
	EndedAt         time.Time `json:"endedAt,omitzero"`
}

// Ledger returns one entry for each time money moved from a customer, in the
// order the payments were opened. Asking changes nothing but what fell due.
func (s *Server) Ledger() []Charge { return s.ledger.charges(s.options.Now()) }

// Payments returns every payment the gateway knows, also those without money.
func (s *Server) Payments() []Payment { return s.ledger.known(s.options.Now()) }

// Refunds returns every refund the gateway accepted.
func (s *Server) Refunds() []Refund { return s.ledger.knownRefunds(s.options.Now()) }

func (l *ledger) charges(now time.Time) []Charge {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	list := []Charge{}
	for _, p := range l.payments {
		if p.bookedAt.IsZero() {
			continue
		}
		list = append(list, Charge{
			PaymentRequestID: p.PaymentRequestID, PaymentID: p.id,
			AmountMinor: p.PaymentAmount.ValueMinor, Currency: p.PaymentAmount.Currency,
			Status: p.status, CreatedAt: p.createdAt, BookedAt: p.bookedAt,
			PayRequests: l.asked[p.PaymentRequestID], RefundedMinor: p.refunded,
		})
	}
	return list
}

func (l *ledger) known(now time.Time) []Payment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	list := []Payment{}
	for _, p := range l.payments {
		list = append(list, Payment{
			PaymentRequestID: p.PaymentRequestID, PaymentID: p.id, PaymentMethod: p.PaymentMethod,
			AmountMinor: p.PaymentAmount.ValueMinor, Currency: p.PaymentAmount.Currency,
			Status: p.status, CreatedAt: p.createdAt, BookedAt: p.bookedAt, EndedAt: p.endedAt,
			Inquiries: p.inquiries,
		})
	}
	return list
}

func (l *ledger) knownRefunds(now time.Time) []Refund {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	list := []Refund{}
	for _, r := range l.refunded {
		list = append(list, Refund{
			RefundRequestID: r.RefundRequestID, RefundID: r.id, PaymentID: r.of.id,
			AmountMinor: r.amountMinor, Currency: r.of.PaymentAmount.Currency,
			Status: r.status, CreatedAt: r.createdAt, EndedAt: r.endedAt,
		})
	}
	return list
}
