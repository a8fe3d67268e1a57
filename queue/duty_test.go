package queue

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The duty of whoever drives the machine: a row is on the disk before its action
// is performed and before anybody is told of it.

// The second attempt of a payment can't be stored: it is not made.
func TestNoAttemptIsMadeBeforeItIsOnTheDisk(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{say: VerdictNotSent})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		a.readOnly(t, true)
		synctest.Wait()
		time.Sleep(20 * time.Second) // fake
		if got := bank.seen("R1").pays; got > 1 {
			t.Errorf("%d pay requests, of which one is on the disk", got)
		}
		a.readOnly(t, false)
		a.until(t, "R1", Paid, 10*time.Second)
	})
}

// readOnly makes the store refuse to write.
func (a *agent) readOnly(t *testing.T, on bool) {
	t.Helper()
	value := "0"
	if on {
		value = "1"
	}
	if _, err := a.store.write.Exec("pragma query_only = " + value); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsPushedBeforeItIsOnTheDisk(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: time.Second})
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		a.readOnly(t, true)
		time.Sleep(20 * time.Second) // fake
		list, err := a.Untold(context.Background(), "lane1")
		if err != nil || len(list) != 1 || list[0].Payment.State != Sending {
			t.Errorf("would push %+v (%v), which is not on the disk", list, err)
		}
		a.readOnly(t, false)
		a.until(t, "R1", Paid, 5*time.Second)
	})
}

// While the disk is sick and only a delivery waits, the loop sleeps. On real time:
// what is measured is the processor.
func TestASickDiskDoesNotMakeTheLoopSpin(t *testing.T) {
	a := start(t, filepath.Join(t.TempDir(), "p.db"), newAcquirer())
	defer a.stop(t)
	a.pay(t, "lane1", "R1")
	p := a.soon(t, "R1", Paid)
	a.readOnly(t, true)
	if _, err := a.Deliver(context.Background(), "R1", p.Rev); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enqueue(context.Background(), "lane1", testCommand("R2"), 0); !errors.Is(err, ErrDoubtful) {
		t.Fatalf("got %v, want ErrDoubtful", err)
	}
	<-time.After(1200 * time.Millisecond) // past the pause after a failure
	before := cpuTime(t)
	<-time.After(time.Second)
	if used := cpuTime(t) - before; used > 300*time.Millisecond {
		t.Errorf("the idle loop used %v of a second", used)
	}
	a.readOnly(t, false)
}

// soon waits, on real time, until a payment is in state.
func (a *agent) soon(t *testing.T, id string, state State) Payment {
	t.Helper()
	for range 1000 {
		if p := a.row(t, id); p.State == state {
			return p
		}
		<-a.changed
	}
	t.Fatalf("%s is not %s", id, state)
	return Payment{}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Another writer has changed a row: the worker ends rather than fight over it.
func TestARivalOnTheStoreEndsTheWorker(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", behaviour{after: time.Second})
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		synctest.Wait()
		if _, err := a.store.write.Exec("update payment_open set rev = 70 where id = 'R1'"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // fake
		select {
		case err := <-a.ended:
			if err == nil || !strings.Contains(err.Error(), "another program") {
				t.Errorf("ended with %v", err)
			}
		default:
			t.Error("the worker goes on")
			a.cancel()
			<-a.ended
		}
		if err := a.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Ends are numbered on after a restart: the last result stays the last.
func TestTheOrderOfEndsSurvivesARestart(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		for _, id := range []string{"R9", "R5", "R1"} {
			a := start(t, path, bank)
			a.pay(t, "lane1", id)
			p, _ := a.until(t, id, Paid, time.Second)
			if _, err := a.Deliver(context.Background(), id, p.Rev); err != nil {
				t.Fatal(err)
			}
			a.stop(t)
		}
		b := start(t, path, bank)
		defer b.stop(t)
		last, err := b.LastEnded(context.Background(), "lane1")
		if err != nil || last.Payment.ID != "R1" || last.Payment.EndedSeq != 3 {
			t.Errorf("the last end is %+v (%v), want R1, the third", last.Payment, err)
		}
	})
}

// A payment that goes over to another register is that one's last result at once,
// and no longer the first one's.
func TestTheLastResultMovesWithThePayment(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.paid(t, "R1")
		if _, err := a.Deliver(ctx, "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		a.pay(t, "lane2", "R1")
		if last, err := a.LastEnded(ctx, "lane2"); err != nil || last.Payment.ID != "R1" {
			t.Errorf("lane2: %+v (%v)", last, err)
		}
		if last, err := a.LastEnded(ctx, "lane1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("lane1 still has %+v (%v)", last, err)
		}
		wantUntold(t, a, "lane2", "R1") // its outcome was delivered to lane1, not to lane2
	})
}

// Every member of a command is its content, not the amount alone.
func TestEveryMemberIsContent(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		for name, change := range map[string]func(*Command){
			"method": func(c *Command) { c.Method = "VISA" }, "amount": func(c *Command) { c.AmountMinor++ },
			"currency": func(c *Command) { c.Currency = "USD" }, "order": func(c *Command) { c.MerchantOrderID = "o" },
			"store": func(c *Command) { c.MerchantStoreID = "s" }, "extendInfo": func(c *Command) { c.ExtendInfo = "e" },
		} {
			c := testCommand("R1")
			change(&c)
			if _, err := a.Enqueue(context.Background(), "lane1", c, 0); !errors.Is(err, ErrInconsistent) {
				t.Errorf("another %s: %v, want ErrInconsistent", name, err)
			}
		}
	})
}

// A delivery is written down within its time, also where no other commit comes.
func TestADeliveryIsWrittenDownLazilyButSurely(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		p := a.paid(t, "R1")
		if _, err := a.Deliver(context.Background(), "R1", p.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lazily + time.Second) // fake
		if row, err := a.store.Payment(context.Background(), "R1"); err != nil || row.Delivered != p.Rev {
			t.Errorf("on the disk: delivered %d (%v), want %d", row.Delivered, err, p.Rev)
		}
	})
}

// In doubt for a day, the pace of the inquiries slows down.
func TestInDoubtForADayItAsksEverLess(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		bank.treatAs("R1", slices.Repeat([]behaviour{{lost: true}}, 10_000)...)
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1")
		time.Sleep(24 * time.Hour) // fake
		if got := bank.seen("R1").inquiries; got < 40 || got > 80 {
			t.Errorf("%d inquiries in a day, want some fifty", got)
		}
	})
}

// A store by two names is one store.
func TestASymbolicLinkDoesNotGetRoundTheLock(t *testing.T) {
	path := storePath(t)
	openStore(t, path)
	alias := filepath.Join(t.TempDir(), "alias.db")
	if err := syscall.Symlink(path, alias); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(alias); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}
