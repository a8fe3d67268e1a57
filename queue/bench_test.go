package queue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// promptly is an acquirer that answers at once: what is measured is the queue.
type promptly struct{}

func (promptly) Pay(p Payment) Call {
	return func(context.Context) Answer { return paidAtOnce(p) }
}
func (promptly) Inquire(_ context.Context, p Payment) Answer { return paidAtOnce(p) }
func (promptly) Refund(context.Context, Refund) Answer       { return Answer{Verdict: VerdictUnknown} }

func (promptly) InquireRefund(context.Context, Refund) Answer { return Answer{Verdict: VerdictUnknown} }

func paidAtOnce(p Payment) Answer {
	return Answer{Verdict: VerdictPaid, Result: Result{"S", "SUCCESS", "success."}, PaymentID: "20260823" + p.ID}
}

// tills are registers at a worker in real time, each with what wakes it.
type tills struct {
	*Worker
	wakes   map[string]chan struct{}
	sold    []int
	commits atomic.Int64
}

// openTills runs a worker on a fresh store in dir, with n registers.
func openTills(tb testing.TB, dir string, n int) *tills {
	tb.Helper()
	store, err := Open(filepath.Join(dir, "posagent.db"))
	if err != nil {
		tb.Fatal(err)
	}
	s := &tills{wakes: map[string]chan struct{}{}, sold: make([]int, n)}
	for i := range n {
		s.wakes[fmt.Sprintf("lane%d", i)] = make(chan struct{}, 1)
	}
	o := testOptions(store, promptly{})
	o.Changed = func(register string) {
		select {
		case s.wakes[register] <- struct{}{}:
		default:
		}
	}
	o.Saved = func(time.Duration) { s.commits.Add(1) }
	s.Worker = NewWorker(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// sell is a sale at a till: accepted, told, delivered.
func (s *tills) sell(tb testing.TB, till int) {
	register := fmt.Sprintf("lane%d", till)
	s.sold[till]++
	c := testCommand(fmt.Sprintf("%s_%08d", register, s.sold[till]))
	p, err := s.Enqueue(context.Background(), register, c, 0)
	for err == nil && !p.State.Final() {
		<-s.wakes[register]
		p, err = s.Payment(context.Background(), c.ID)
	}
	if err == nil {
		_, err = s.Deliver(context.Background(), c.ID, p.Rev)
	}
	if err != nil {
		tb.Error(err)
	}
}

// overwrite writes a page over and syncs it: half of what a sale can't do without.
func overwrite(tb testing.TB, f *os.File, at int64) {
	if _, err := f.WriteAt(make([]byte, 4096), at%64*4096); err != nil {
		tb.Error(err)
	}
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		tb.Error(err)
	}
}

// BenchmarkSale reports, beside the time, what share of the limit it is: of two raw
// writes, each synced, taken in turns with the sales. As the packages are built:
// packaging/cross amd64 test ./queue -run '^$' -bench Sale.
func BenchmarkSale(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%d at once", n), func(b *testing.B) {
			dir := b.TempDir()
			f, err := os.Create(filepath.Join(dir, "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			for i := range int64(64) {
				overwrite(b, f, i)
			}
			s := openTills(b, dir, n)
			b.ReportAllocs()
			var shares []float64
			for range b.N {
				from := time.Now()
				var all sync.WaitGroup
				for till := range n {
					all.Go(func() { s.sell(b, till) })
				}
				all.Wait()
				took := time.Since(from)
				b.StopTimer()
				from = time.Now()
				overwrite(b, f, int64(2*len(shares)))
				overwrite(b, f, int64(2*len(shares)+1))
				shares = append(shares, float64(time.Since(from))*float64(n)/float64(took))
				b.StartTimer()
			}
			slices.Sort(shares)
			b.ReportMetric(shares[len(shares)/2], "of-limit")
			b.ReportMetric(float64(s.commits.Load())/float64(n*b.N), "commits/sale")
		})
	}
}
