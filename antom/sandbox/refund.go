package sandbox

import "time"

type refund struct {
	request
	terms
	id          string
	of          *payment
	amountMinor int64
	status      string
	createdAt   time.Time
	endedAt     time.Time
}

// refund gives money back, once per refundRequestId, never more than is left,
// and one at a time for each payment.
func (l *ledger) refund(now time.Time, req request, t terms) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	r := l.refunds[req.RefundRequestID]
	if r != nil && r.forgetful {
		t.forgetful = true
	}
	if r != nil && !t.forgetful {
		if r.request != req {
			return says("F", "REPEAT_REQ_INCONSISTENT", "the refundRequestId was used with other content")
		}
		r.look(now, true)
		return refundAnswer(r)
	}
	p := l.byID[req.PaymentID]
	if refusal := l.refuseRefund(p, req); refusal != nil {
		return refusal
	}
	return refundAnswer(l.openRefund(now, p, req, t))
}

// refuseRefund returns why Antom would not take the refund, or nil. A
// refundAmount left out means the whole payment, not what is left of it.
func (l *ledger) refuseRefund(p *payment, req request) *answer {
	if p == nil {
		return notExist()
	}
	if p.status != statusSuccess {
		return says("F", "DPOS_PAYMENT_ORDER_STATUS_INVALID", "the payment is "+p.status+", not paid")
	}
	if c := req.RefundAmount.Currency; c != "" && c != p.PaymentAmount.Currency {
		return says("F", "DPOS_PAYMENT_CURRENCY_NOT_SUPPORT", "the payment was made in "+p.PaymentAmount.Currency)
	}
	for _, r := range l.openRefunds {
		if r.of == p && !r.ended() {
			return says("F", "TERMINAL_BUSY", "another refund of this payment is under way")
		}
	}
	if refundMinor(p, req) > p.PaymentAmount.ValueMinor-p.refunded {
		return says("F", "REFUND_AMOUNT_EXCEED", "more than is left of the payment")
	}
	return nil
}

func refundMinor(p *payment, req request) int64 {
	if req.RefundAmount.Currency == "" {
		return p.PaymentAmount.ValueMinor
	}
	return req.RefundAmount.ValueMinor
}

func (l *ledger) openRefund(now time.Time, p *payment, req request, t terms) *refund {
	r := &refund{
		request: req, terms: t, id: l.newID("R"), of: p,
		amountMinor: refundMinor(p, req), createdAt: now, status: statusRefundPending,
	}
	l.refunds[req.RefundRequestID] = r
	l.refunded, l.openRefunds = append(l.refunded, r), append(l.openRefunds, r)
	if !t.open && !t.pending {
		r.end(now)
	}
	return r
}

func (r *refund) end(at time.Time) {
	r.endedAt = at
	if r.decline {
		r.status = statusRefundFailed
		return
	}
	r.status = statusSuccess
	r.of.refunded += r.amountMinor
}

func (r *refund) ended() bool { return !r.endedAt.IsZero() }

func (r *refund) look(now time.Time, asked bool) {
	if r.ended() {
		return
	}
	if at, over := r.over(now, asked); over {
		r.end(at)
	}
}

func refundAnswer(r *refund) *answer {
	var a *answer
	switch r.status {
	case statusSuccess:
		a = success()
	case statusRefundFailed:
		return says("F", "PROCESS_FAIL", "the refund failed")
	default:
		a = says("U", "PAYMENT_IN_PROGRESS", "the refund is still in progress")
	}
	a.RefundRequestID, a.RefundID = r.RefundRequestID, r.id
	return a
}

// inquireRefund answers inquiryRefund, which knows a refund by refundId only.
func (l *ledger) inquireRefund(now time.Time, refundID string) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrive(now)
	for _, r := range l.refunded {
		if r.id != refundID {
			continue
		}
		if now.Before(r.hiddenUntil) {
			break
		}
		r.look(now, true)
		a := success()
		a.RefundID, a.RefundStatus = r.id, r.status
		a.RefundTime, a.PaymentID = stamp(r.endedAt), r.of.id
		return a
	}
	a := says("F", "REFUND_NOT_EXIST", "no such refund")
	a.RefundID = refundID
	return a
}
