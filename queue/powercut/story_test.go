package powercut

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"posagent/queue"
)

// story is an agent's day on a recorded disk: the real worker and the real store
// with a bank in memory, in time that is not real. Whatever it lets others know is
// noted in the recording.
type story struct {
	t       *testing.T
	path    string
	bank    *bank
	store   *queue.Store
	worker  *queue.Worker
	stop    func()
	refused []string // payments that were refused, for good
}

// storyFault is a fault of the disk in a story; the zero value is none.
type storyFault struct {
	at      int64
	forever bool // until somebody mends it
	how     Fault
}

// tell tells a story on the disk in dir and returns what was recorded, and how
// many operations could have failed.
func tell(t *testing.T, dir string, f storyFault) (ops []Op, done int64) {
	t.Helper()
	return recordStory(t, dir, f, (*story).run)
}

// recordStory is tell for another story.
func recordStory(t *testing.T, dir string, f storyFault, run func(*story)) (ops []Op, done int64) {
	t.Helper()
	if err := Install(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		Record(dir + string(filepath.Separator))
		defer Record("")
		FailAt(f.at, f.forever, f.how)
		s := &story{t: t, path: filepath.Join(dir, "posagent.db"), bank: newBank(Note)}
		defer func() {
			if t.Failed() {
				t.Logf("the fault was %+v", f)
			}
		}()
		run(s)
		ops, done = Recorded(), Done()
	})
	return ops, done
}

func (s *story) run() {
	s.start()
	s.deliver(s.sell("lane1", "OK1"))
	s.together("LOST1", "NO1", "OK2", "UNSENT1")
	s.refund("F1", "OK1", 30)
	s.callOff("NEVER1")
	if id := s.pay("lane1", "SLOW1", 0); id != "" {
		s.callOff(id) // under way: it is paid, and given back
		s.deliver(s.end(id))
	}
	s.restart()
	s.deliver(s.sell("lane2", "OK3"))
	for range 3 {
		s.pay("lane3", "DOUBT1", 2*time.Second) // repeated, as a register may
	}
	s.sell("lane1", "OK4") // never delivered
	s.end("DOUBT1")
	s.pay("lane1", "SLOW2", 0)
	s.halt() // with a payment under way
	FailAt(0, false, EIO)
	s.start()
	s.end("SLOW2")
	s.halt()
	s.agree()
}

// start opens the store and runs a worker. A disk that can't is mended, and then
// it must.
func (s *story) start() {
	s.t.Helper()
	for try := range 2 {
		store, err := queue.Open(s.path)
		if err == nil {
			if _, salvaged := store.Salvaged(); salvaged {
				s.t.Error("a failing disk was taken for a damaged store")
			}
			if err = s.runWorker(store); err == nil {
				return
			}
		}
		if try > 0 {
			s.t.Fatalf("on a good disk: %v", err)
		}
		FailAt(0, false, EIO)
	}
}

func (s *story) runWorker(store *queue.Store) error {
	s.store = store
	s.worker = queue.NewWorker(queue.Options{
		Store: store, Gateway: s.bank, Policy: queue.Policy{InquiryInterval: time.Second, QuietTime: 10 * time.Second},
		Window: 30 * time.Second, PayTimeout: 5 * time.Second, InquiryTimeout: 5 * time.Second,
		RefundTimeout: 5 * time.Second, Grace: time.Second, Retention: 24 * time.Hour,
		Changed: func(string) {}, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.worker.Run(ctx) }()
	s.stop = func() {
		cancel()
		<-ended           // with an error where the disk could not be read
		_ = store.Close() // a failing disk may fail this, too
	}
	_, err := s.worker.Health(ctx)
	if err != nil {
		s.stop()
	}
	return err
}

func (s *story) halt()    { s.stop() }
func (s *story) restart() { s.halt(); s.start() }

// pay sends a pay command until it is known whether it is stored, and returns its
// ID, "" where it was refused.
func (s *story) pay(lane, id string, window time.Duration) string {
	c := queue.Command{ID: id, Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}
	Note("asking " + id)
	row, err := s.worker.Enqueue(context.Background(), lane, c, window)
	for n := 0; err != nil && !errors.Is(err, queue.ErrNotStored); n++ {
		if !errors.Is(err, queue.ErrDoubtful) {
			s.t.Errorf("pay %s: %v", id, err)
			return ""
		}
		if n > 5 {
			FailAt(0, false, EIO)
		}
		s.wait()
		if row, err = s.worker.Payment(context.Background(), id); errors.Is(err, queue.ErrNotFound) {
			err = queue.ErrNotStored
		}
	}
	if err != nil {
		Note("refused " + id)
		s.refused = append(s.refused, id)
		return ""
	}
	Note("stored " + id)
	s.refused = slices.DeleteFunc(s.refused, func(r string) bool { return r == id }) // taken when it was repeated
	s.told(row)
	return id
}

// wait lets a second pass. A disk that has been sick for a while is mended.
func (s *story) wait() {
	time.Sleep(time.Second) // fake
	if h, err := s.worker.Health(context.Background()); err == nil && !h.Writable {
		FailAt(0, false, EIO)
	}
}

func (s *story) told(row queue.Payment) {
	Note(fmt.Sprintf("told %s %d %s", row.ID, row.Rev, row.State))
}

// end waits for the end of a payment, if it was taken.
func (s *story) end(id string) queue.Payment {
	s.t.Helper()
	for n := range 600 {
		if n > 60 {
			FailAt(0, false, EIO)
		}
		row, err := s.worker.Payment(context.Background(), id)
		switch {
		case errors.Is(err, queue.ErrNotFound):
			return queue.Payment{}
		case err == nil:
			if s.told(row); row.State.Final() && row.Reversal != queue.RefundPending {
				return row
			}
		}
		s.wait()
	}
	row, err := s.worker.Payment(context.Background(), id)
	s.t.Errorf("%s never ends: %+v, %v", id, row, err)
	return queue.Payment{}
}

func (s *story) sell(lane, id string) queue.Payment {
	s.t.Helper()
	if s.pay(lane, id, 0) == "" {
		return queue.Payment{}
	}
	return s.end(id)
}

// together sells on several lanes at once, so that commits are shared.
func (s *story) together(ids ...string) {
	ended := make(chan queue.Payment)
	var refused []*story
	for i, id := range ids {
		lane := *s // with a list of refusals of its own
		lane.refused = nil
		refused = append(refused, &lane)
		go func() { ended <- lane.sell(fmt.Sprintf("lane%d", i), id) }()
	}
	for range ids {
		if row := <-ended; row.ID != ids[0] { // which is never delivered
			s.deliver(row)
		}
	}
	for _, lane := range refused {
		s.refused = append(s.refused, lane.refused...)
	}
}

func (s *story) deliver(row queue.Payment) {
	if row.ID == "" {
		return
	}
	Note("delivered " + row.ID)
	if _, err := s.worker.Deliver(context.Background(), row.ID, row.Rev); err != nil && !errors.Is(err, queue.ErrDoubtful) {
		s.t.Errorf("deliver %s: %v", row.ID, err)
	}
}

func (s *story) callOff(id string) {
	row, err := s.worker.Abort(context.Background(), "lane1", id)
	switch {
	case errors.Is(err, queue.ErrDoubtful), errors.Is(err, queue.ErrNotStored):
		return
	case err != nil:
		s.t.Errorf("abort %s: %v", id, err)
	case row.NeverPaid():
		Note("never " + id)
	default:
		s.told(row)
	}
}

func (s *story) refund(id, payment string, minor int64) {
	Note("asking-refund " + id)
	_, err := s.worker.EnqueueRefund(context.Background(), "lane1", queue.RefundCommand{
		ID: id, PaymentRequestID: payment, AmountMinor: minor, Currency: "SGD",
	})
	switch {
	case err == nil:
		Note("stored-refund " + id)
	case errors.Is(err, queue.ErrNotStored):
		Note("refused-refund " + id)
	case errors.Is(err, queue.ErrDoubtful), errors.Is(err, queue.ErrNotFound): // the payment was refused
	default:
		s.t.Errorf("refund %s: %v", id, err)
	}
}

// agree compares the bank's ledger with the rows, once all is well again.
func (s *story) agree() {
	s.t.Helper()
	store, err := queue.Open(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	for _, id := range []string{"OK1", "OK2", "OK3", "OK4", "NO1", "LOST1", "UNSENT1", "SLOW1", "SLOW2", "DOUBT1"} {
		row, err := store.Payment(context.Background(), id)
		if err != nil && !errors.Is(err, queue.ErrNotFound) {
			s.t.Errorf("%s: %v", id, err)
		}
		if charged := s.bank.charges[id] > 0; charged != (row.State == queue.Paid) {
			s.t.Errorf("%s is %q, charged: %v", id, row.State, charged)
		}
	}
	for _, id := range s.refused {
		if s.bank.charges[id] > 0 {
			s.t.Errorf("%s was refused and charged", id)
		}
	}
}
