package powercut

import (
	"context"
	"errors"
	"fmt"
	"time"

	"posagent/queue"
)

// Promises are what an agent has let others know, and must therefore keep
// whatever happens to its power. They are made of marks, one after the other:
//
//	asking ID            a register has sent its command
//	stored ID            it was told that the payment is stored (P2)
//	refused ID           it was told that no trace of it is left
//	sent ID N            the Nth request for money has left
//	told ID REV STATE    it was told this state
//	delivered ID         it has said that it has stored the end
//	asking-refund ID, stored-refund ID, refused-refund ID, sent-refund ID N
//	never ID             it was told that this ID will never be paid
type Promises struct {
	payments map[string]*promise
	refunds  map[string]*promise
}

type promise struct {
	stored, refused, delivered, never bool
	attempts                          int
	rev                               int64
	final                             queue.State
}

// NewPromises returns none.
func NewPromises() *Promises {
	return &Promises{payments: map[string]*promise{}, refunds: map[string]*promise{}}
}

// Take adds the promise of a mark. A mark that is none is a fault of the test.
func (p *Promises) Take(mark string) {
	var word, id, state string
	var n int64
	_, _ = fmt.Sscan(mark, &word, &id, &n, &state) // the short ones end early
	switch word {
	case "asking", "stored", "refused", "sent", "told", "delivered", "never":
		of(p.payments, id).take(word, n, queue.State(state))
	case "asking-refund", "stored-refund", "refused-refund", "sent-refund":
		of(p.refunds, id).take(word[:len(word)-len("-refund")], n, "")
	default:
		panic("powercut: no promise: " + mark)
	}
}

func of(m map[string]*promise, id string) *promise {
	if m[id] == nil {
		m[id] = &promise{}
	}
	return m[id]
}

func (p *promise) take(word string, n int64, state queue.State) {
	switch word {
	case "asking":
		p.refused = false
	case "stored":
		p.stored = true
	case "refused":
		p.refused = true
	case "sent":
		p.attempts = max(p.attempts, int(n))
	case "told":
		p.rev = max(p.rev, n)
		if state.Final() {
			p.final = state
		}
	case "delivered":
		p.delivered = true
	case "never":
		p.never = true
	}
}

// Kept opens the store at path and looks whether every promise is kept. A store
// that had to be salvaged has kept none: a power cut is no damage.
func (p *Promises) Kept(path string) error {
	store, err := queue.Open(path)
	if err != nil {
		return fmt.Errorf("the store does not open: %w", err)
	}
	err = p.keptIn(store)
	return errors.Join(err, store.Close())
}

func (p *Promises) keptIn(store *queue.Store) error {
	if report, salvaged := store.Salvaged(); salvaged {
		return fmt.Errorf("the store was taken for damaged: %s", report)
	}
	ctx := context.Background()
	untold, err := untold(ctx, store)
	if err != nil {
		return err
	}
	for id, want := range p.payments {
		row, err := store.Payment(ctx, id)
		if err = want.payment(row, err, untold[id]); err != nil {
			return fmt.Errorf("payment %s: %w", id, err)
		}
	}
	for id, want := range p.refunds {
		row, err := store.Refund(ctx, id)
		if err = want.refund(row, err); err != nil {
			return fmt.Errorf("refund %s: %w", id, err)
		}
	}
	return goesOn(ctx, store)
}

// untold are the payments that a restarted agent takes up.
func untold(ctx context.Context, store *queue.Store) (map[string]bool, error) {
	rows, err := store.Unclosed(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, row := range rows {
		ids[row.ID] = true
	}
	return ids, nil
}

func (p *promise) payment(row queue.Payment, err error, untold bool) error {
	if found, err := p.found(err); !found || err != nil {
		return err
	}
	switch {
	case p.never && !row.NeverPaid():
		return errors.New("is there, and was called off")
	case row.Attempts < p.attempts:
		return fmt.Errorf("%d attempts are stored, %d have left", row.Attempts, p.attempts)
	case row.Rev < p.rev:
		return fmt.Errorf("rev %d is stored, %d was told", row.Rev, p.rev)
	case p.final != "" && row.State != p.final:
		return fmt.Errorf("is %s, %s was told", row.State, p.final)
	case !untold && !row.NeverPaid() && !p.delivered:
		return fmt.Errorf("is %s and its register does not know: nobody would tell it", row.State)
	}
	return nil
}

func (p *promise) refund(row queue.Refund, err error) error {
	if found, err := p.found(err); !found || err != nil {
		return err
	}
	if row.Attempts < p.attempts {
		return fmt.Errorf("%d attempts are stored, %d have left", row.Attempts, p.attempts)
	}
	return nil
}

// found reports whether the row is there, and an error where it must not or must.
func (p *promise) found(err error) (bool, error) {
	switch {
	case errors.Is(err, queue.ErrNotFound) && (p.stored || p.never || p.attempts > 0 || p.rev > 0):
		return false, errors.New("is lost")
	case errors.Is(err, queue.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case p.refused:
		return true, errors.New("is there, and was refused")
	}
	return true, nil
}

// goesOn sees whether the store takes a payment.
func goesOn(ctx context.Context, store *queue.Store) error {
	p, _ := queue.Begin(time.Now(), "probe", queue.Command{ID: "PROBE", Method: "X", AmountMinor: 1, Currency: "SGD"}, time.Minute)
	if err := store.Save(queue.Batch{Payments: []queue.Change[queue.Payment]{{New: p}}}); err != nil {
		return fmt.Errorf("the store takes nothing new: %w", err)
	}
	if _, err := store.Payment(ctx, p.ID); err != nil {
		return fmt.Errorf("what was just saved: %w", err)
	}
	return nil
}
