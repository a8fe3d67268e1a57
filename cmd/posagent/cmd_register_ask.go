package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"posagent/device/virtual"
)

// askEvery is how often a waiting register asks where no event comes.
const askEvery = 12 * time.Second

// ending is what a message says of how far a payment or a refund is.
type ending struct {
	Method, Event     string
	PaymentRequestID  string
	RefundRequestID   string
	PaymentStatus     string
	RefundStatus      string
	Final             bool
	Rev               int64
	PaymentAmount     virtual.Amount
	RefundAmount      virtual.Amount
	Result            virtual.Result
	Open, Undelivered []string
}

func endingOf(body []byte) ending {
	var e ending
	_ = virtual.Message{Body: body}.Decode(&e) // what can't be read is empty
	return e
}

// key is the member and the id that the state is known by; empty where the
// message carries no state.
func (e ending) key() subjectKey {
	switch {
	case e.RefundStatus != "":
		return subjectKey{"refundRequestId", e.RefundRequestID}
	case e.PaymentStatus != "":
		return subjectKey{"paymentRequestId", e.PaymentRequestID}
	}
	return subjectKey{}
}

// subject is the key of a request, which has no status yet.
func (e ending) subject() subjectKey {
	if e.RefundRequestID != "" {
		return subjectKey{"refundRequestId", e.RefundRequestID}
	}
	return subjectKey{"paymentRequestId", e.PaymentRequestID}
}

func (e ending) status() string {
	if e.RefundStatus != "" {
		return e.RefundStatus
	}
	return e.PaymentStatus
}

// subjectKey names a payment or a refund: the member and its value.
type subjectKey struct{ member, id string }

func (k subjectKey) inquiry() string {
	if k.member == "refundRequestId" {
		return "inquiryRefund"
	}
	return "inquiryPayment"
}

func (k subjectKey) members() map[string]any { return map[string]any{k.member: k.id} }

// oneRequest sends the request and prints what comes back.
func oneRequest(ctx context.Context, w io.Writer, reg *virtual.Register, f registerFlags) error {
	asked := endingOf(f.body)
	if !f.noInit && asked.Method != "initConnection" {
		if _, err := reg.Init(ctx); err != nil {
			return fmt.Errorf("initConnection: %w", err)
		}
	}
	m, err := reg.RequestRaw(ctx, f.body)
	if err != nil {
		return fmt.Errorf("%w; whether it was carried out is unknown: ask", err)
	}
	fmt.Fprintf(w, "%s\n", m.Body)
	if m.Result().Status == "F" {
		return fmt.Errorf("refused: %s %s", m.Result().Code, m.Result().Message)
	}
	if f.wait {
		return waitFinal(ctx, w, reg, asked.subject(), m)
	}
	printWaiting(w, reg)
	return nil
}

// printWaiting prints the events that have come already.
func printWaiting(w io.Writer, reg *virtual.Register) {
	for {
		select {
		case m := <-reg.Events():
			fmt.Fprintf(w, "%s\n", m.Body)
		default:
			return
		}
	}
}

// waitFinal prints what comes until what k names is final, and confirms it. A
// request that named nothing waits for whatever ends first.
func waitFinal(ctx context.Context, w io.Writer, reg *virtual.Register, k subjectKey, m virtual.Message) error {
	for {
		if e := endingOf(m.Body); e.Final && e.key().id != "" && (k.id == "" || e.key() == k) {
			return confirm(ctx, reg, e)
		}
		var err error
		if m, err = nextMessage(ctx, reg, k); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", m.Body)
	}
}

// nextMessage returns the next event, or the answer to an inquiry where none comes.
func nextMessage(ctx context.Context, reg *virtual.Register, k subjectKey) (virtual.Message, error) {
	timer := time.NewTimer(askEvery)
	defer timer.Stop()
	for {
		select {
		case m := <-reg.Events():
			return m, nil
		case <-timer.C:
		case <-reg.Done():
			return virtual.Message{}, errors.New("the line is closed; the outcome is unknown: ask")
		case <-ctx.Done():
			return virtual.Message{}, errors.New("not final in time; the payment goes on: ask")
		}
		m, err := reg.Request(ctx, k.inquiry(), k.members())
		if err == nil {
			return m, nil
		}
		timer.Reset(askEvery) // no answer: the agent may be restarting
	}
}

func confirm(ctx context.Context, reg *virtual.Register, e ending) error {
	members := e.key().members()
	members["rev"] = e.Rev
	m, err := reg.Request(ctx, "delivered", members)
	if err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	if r := m.Result(); r.Status != "S" {
		return fmt.Errorf("delivered: refused: %s %s", r.Code, r.Message)
	}
	return nil
}
