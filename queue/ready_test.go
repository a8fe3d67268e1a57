package queue

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// readying is an acquirer that counts what was made ready and what of it has left.
type readying struct {
	*acquirer
	made, left atomic.Int64
	begun      chan struct{} // takes one for each that is begun
}

func (r *readying) Pay(p Payment) Call {
	r.made.Add(1)
	r.begun <- struct{}{}
	call := r.acquirer.Pay(p)
	return func(ctx context.Context) Answer {
		r.left.Add(1)
		return call(ctx)
	}
}

// want compares how many requests were made ready, and how many have left.
func (r *readying) want(t *testing.T, made, left int64) {
	t.Helper()
	if m, l := r.made.Load(), r.left.Load(); m != made || l != left {
		t.Errorf("%d made ready, %d left, want %d and %d", m, l, made, left)
	}
}

func withReadying(t *testing.T, fn func(t *testing.T, path string, r *readying)) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		fn(t, path, &readying{acquirer: bank, begun: make(chan struct{}, 100)})
	})
}

// A request is made ready beside the commit of its row, not behind it: the loop, held
// at the end of the commit, has not come to the attempt.
func TestARequestIsMadeReadyWhileItsRowIsSaved(t *testing.T) {
	withReadying(t, func(t *testing.T, path string, r *readying) {
		a := start(t, path, r, func(o *Options) {
			o.Saved = func(time.Duration) {
				select {
				case <-r.begun:
				case <-time.After(time.Second): // fake: nothing else happens
				}
				if r.made.Load() == 0 {
					t.Error("nothing is made ready")
				}
			}
		})
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, 5*time.Second)
		r.want(t, 1, 1)
	})
}

// What is made ready of a row that can't be saved never leaves, and nothing is kept
// waiting for it; the next attempt is made ready anew.
func TestWhatIsMadeReadyDoesNotLeaveWithoutItsRow(t *testing.T) {
	withReadying(t, func(t *testing.T, path string, r *readying) {
		a := start(t, path, r)
		defer a.stop(t) // hangs where somebody waits
		a.readOnly(t, true)
		if _, err := a.Enqueue(context.Background(), "lane1", testCommand("R1"), 0); err == nil {
			t.Fatal("a sale was taken that can't be stored")
		}
		time.Sleep(20 * time.Second) // fake
		synctest.Wait()
		r.want(t, 1, 0)
		a.readOnly(t, false)
		time.Sleep(5 * time.Second) // fake; until what failed is buried
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, 5*time.Second)
		r.want(t, 2, 1)
	})
}

// Of several rows that fail together, those that can be saved by themselves are paid,
// and what was made ready of the others does not leave.
func TestOfManyMadeReadyThoseLeaveThatAreSaved(t *testing.T) {
	withReadying(t, func(t *testing.T, path string, r *readying) {
		a := start(t, path, r)
		defer a.stop(t)
		a.row0(t)
		before := r.left.Load()
		a.full(t)
		big := testCommand("BIG")
		big.ExtendInfo = strings.Repeat("x", 600_000)
		refused := make(chan error, 1)
		go func() {
			_, err := a.Enqueue(context.Background(), "lane2", big, 0)
			refused <- err
		}()
		go func() { _, _ = a.Enqueue(context.Background(), "lane1", testCommand("SMALL"), 0) }()
		if err := <-refused; !errors.Is(err, ErrNotStored) && !errors.Is(err, ErrDoubtful) {
			t.Errorf("got %v, want a refusal", err)
		}
		time.Sleep(20 * time.Second) // fake
		synctest.Wait()
		if got := bankPays(r, "BIG"); got != 0 {
			t.Errorf("%d requests left of a payment that was not stored", got)
		}
		if got, want := r.left.Load()-before, int64(bankPays(r, "SMALL")); got != want {
			t.Errorf("%d requests left, %d arrived", got, want)
		}
	})
}

func bankPays(r *readying, id string) int { return r.seen(id).pays }

// A request that was made ready of another row than the one on the disk is forgotten.
func TestARequestOfAnotherRowDoesNotLeave(t *testing.T) {
	now := time.UnixMilli(1_750_000_000_000)
	row, _ := Begin(now, "lane1", testCommand("R1"), time.Minute)
	old := row
	old.Attempts++
	leave := make(chan func(Call), 1)
	p := &payment{entry: entry{ready: &readied{old, leave}}, held: held[Payment]{row, row}}
	if p.leave(func(Call) {}) {
		t.Error("it leaves")
	}
	if _, open := <-leave; open || p.ready != nil {
		t.Error("it is not forgotten")
	}
}
