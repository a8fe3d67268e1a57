package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of what a person records; the register is told both.
const (
	resolverRunes = 64
	reasonRunes   = 200
)

// Why a person's word is not taken now.
var (
	// ErrFinal: the payment has ended already.
	ErrFinal = errors.New("it has ended already")
	// ErrNotInDoubt: the payment window is open, or its end was not noted yet.
	ErrNotInDoubt = errors.New("it is not in doubt: the agent is still at work on it")
	// ErrAsking: the acquirer is being asked at this moment, and may answer.
	ErrAsking = errors.New("the acquirer is being asked about it at this moment")
)

// TooSoonError says that what a person saw may have been overtaken: until then a
// request could still arrive at the acquirer.
type TooSoonError struct{ Until time.Time }

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("a request for it could still arrive at the acquirer until %s: what was seen before says nothing",
		e.Until.Add(time.Second-1).Format("2006-01-02 15:04:05"))
}

// check refuses what a row could not hold, or a person did not mean.
func (in Resolve) check(now time.Time) error {
	for _, text := range []struct {
		name, value string
		most        int
	}{{"by", in.By, resolverRunes}, {"reason", in.Reason, reasonRunes}} {
		if n := utf8.RuneCountInString(text.value); n == 0 || n > text.most || !utf8.ValidString(text.value) {
			return &CommandError{fmt.Sprintf("%s: want 1 to %d characters", text.name, text.most)}
		}
		for _, r := range text.value {
			if !unicode.IsPrint(r) {
				return &CommandError{text.name + ": want one line of printable text"}
			}
		}
	}
	if in.Seen.After(now) {
		return &CommandError{"seen: it is in the future"}
	}
	return nil
}

// MayResolve says why a person's word on a payment is not taken, nil if it is: only of
// a payment in doubt. Paid is paid; but "not paid" only when nothing could reach the
// acquirer any more after the person looked: a portal that does not list a payment
// says nothing while its request is on the way (antom-api §7).
func (p Policy) MayResolve(row Payment, in Resolve) error {
	switch {
	case row.State.Final():
		return ErrFinal
	case !row.InDoubt:
		return ErrNotInDoubt
	case in.Calling:
		return ErrAsking
	case !in.Paid && !row.quiet(in.Seen, p.QuietTime):
		return &TooSoonError{row.QuietFrom.Add(p.QuietTime)}
	}
	return nil
}

// resolve ends a payment on a person's word. It is kept as what it is, in a code of
// the agent's own, and nothing follows from it: no refund begins, also where the
// payment was aborted. The money of such a one was taken and is not given back, and
// that is what the register is told.
func (p Policy) resolve(now time.Time, row Payment, in Resolve) Payment {
	if p.MayResolve(row, in) != nil {
		return row
	}
	row.State, row.Result = Paid, Result{Status: "S", Code: codeResolved, Message: in.By + ": " + in.Reason}
	switch {
	case !in.Paid && row.AbortAt.IsZero():
		row.State, row.Result.Status = Failed, "F"
	case !in.Paid:
		row.State, row.Result.Status = Cancelled, "F"
	case !row.AbortAt.IsZero():
		row.Reversal = p.notReversed()
	}
	// What a pay request was once answered was never confirmed.
	row.PaymentID, row.PaymentTime, row.CashierReceipt, row.CustomerReceipt = "", "", "", ""
	row.Pending, row.InDoubt, row.EndedAt = false, false, now
	row.over()
	return row
}

// notReversed is how the undoing stands of a payment that a person called paid: the
// agent has no part in it, and says so.
func (p Policy) notReversed() RefundStatus {
	if p.KeepLateAborts {
		return ""
	}
	return RefundFailed
}

// Resolve ends a payment in doubt on a person's word and returns its row, which is on
// the disk by then. It calls nobody.
//
// Errors: ErrNotFound, ErrFinal, ErrNotInDoubt, ErrAsking (a moment later it may be
// taken), *TooSoonError, *CommandError, ErrDoubtful, ErrStopping.
func (w *Worker) Resolve(ctx context.Context, id string, in Resolve) (Payment, error) {
	return ask(ctx, w, func(l *loop, r reply[Payment]) { l.resolve(time.Now(), id, in, r) })
}

func (l *loop) resolve(now time.Time, id string, in Resolve, r reply[Payment]) {
	row, err := l.find(id)
	if err == nil {
		err = in.check(now)
	}
	switch {
	case err == nil && l.stopping:
		err = ErrStopping
	case err == nil && row.State.Final(): // it may be one that was never paid, and has no row
		err = ErrFinal
	}
	if err != nil {
		r.send(Payment{}, err)
		return
	}
	p := l.inHand(row)
	// Also a question that waits for a save is one, and a row that was not taken up
	// yet may have a request on the way that it does not speak of.
	in.Calling = p.calling != None || p.act != None || !p.resume.IsZero()
	if err := l.o.Policy.MayResolve(p.row, in); err != nil {
		r.send(Payment{}, err)
		return
	}
	l.o.Logger.Warn("a person records how a payment ended; nobody is asked any more", "paymentRequestId", id,
		"paid", in.Paid, "by", in.By, "reason", in.Reason)
	l.step(now, p, in)
	p.onceSaved(r)
}

// Resolve is [Worker.Resolve] where no worker runs. payTimeout is how long an attempt
// may have lasted: one that was under way when the power failed is in no row.
func (s *Store) Resolve(ctx context.Context, p Policy, payTimeout time.Duration, id string, in Resolve) (Payment, error) {
	now := time.Now()
	row, err := s.Payment(ctx, id)
	if err == nil {
		err = in.check(now)
	}
	if err == nil {
		err = p.MayResolve(row, in)
	}
	if err != nil {
		return Payment{}, err
	}
	if until := row.Deadline.Add(payTimeout + p.QuietTime); !in.Paid && row.OpenAttempts > 0 && in.Seen.Before(until) {
		return Payment{}, &TooSoonError{until}
	}
	next, act := p.Step(now, row, in)
	last, err := s.LastEnded(ctx)
	if err != nil {
		return Payment{}, wrap(err, "payment "+id)
	}
	for _, e := range last {
		next.EndedSeq = max(next.EndedSeq, e.Seq)
	}
	next.EndedSeq++
	return next, wrap(s.Save(Batch{
		Payments: []Change[Payment]{{row, next, storyOfPayment(now, row, next, in, act)}},
	}), "payment "+id)
}
