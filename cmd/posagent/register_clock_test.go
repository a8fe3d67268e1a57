package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"posagent/device"
	"posagent/queue"
)

// unasked is an acquirer that must not be asked.
type unasked struct{ t *testing.T }

func (u unasked) asked() queue.Answer {
	u.t.Error("the acquirer was asked under a wrong clock")
	return queue.Answer{Verdict: queue.VerdictUnknown}
}

func (u unasked) Pay(queue.Payment) queue.Call {
	return func(context.Context) queue.Answer { return u.asked() }
}
func (u unasked) Inquire(context.Context, queue.Payment) queue.Answer      { return u.asked() }
func (u unasked) Refund(context.Context, queue.Refund) queue.Answer        { return u.asked() }
func (u unasked) InquireRefund(context.Context, queue.Refund) queue.Answer { return u.asked() }

// Under a clock that is too wrong to sign nothing is begun: not what was never stored,
// and not what may have been lost with a damaged store, of which it can't be said.
func TestNothingIsBegunUnderAWrongClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "posagent.db")
	for _, lost := range []bool{false, true} {
		if lost {
			loseRows(t, path)
		}
		store, err := queue.Open(path)
		must(t, err)
		worker := queue.NewWorker(queue.Options{
			Store: store, Gateway: unasked{t}, Policy: queue.Policy{InquiryInterval: time.Second, QuietTime: time.Second},
			Window: time.Minute, PayTimeout: time.Second, InquiryTimeout: time.Second, RefundTimeout: time.Second,
			Retention: time.Hour, Changed: func(string) {}, Logger: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- worker.Run(ctx) }()
		stopped := rightClock()
		stopped.now = func() time.Time { return time.Unix(60, 0) }
		r := registers{worker: worker, clock: stopped}
		amount := device.Amount{ValueMinor: 1050, Currency: "SGD"}
		replies := map[string]device.Reply{
			"pay":    r.Pay(ctx, "lane1", device.Pay{PaymentRequestID: "R1", PaymentMethod: "X", PaymentAmount: amount}),
			"refund": r.Refund(ctx, "lane1", device.Refund{RefundRequestID: "F1", PaymentRequestID: "R1", RefundAmount: &amount}),
		}
		for name, reply := range replies {
			want := "F " + codeClock
			if lost {
				want = "U " + codeUnknown
			}
			if got := reply.Result.ResultStatus + " " + reply.Result.ResultCode; got != want {
				t.Errorf("%s, rows lost %v: %s, want %s", name, lost, got, want)
			}
		}
		cancel()
		must(t, errors.Join(<-ended, store.Close()))
	}
}

// loseRows notes in a store that rows were lost just now.
func loseRows(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	_, err = db.Exec("update fact set value = ? where name = 'rows_lost_at'", time.Now().UnixMilli())
	must(t, errors.Join(err, db.Close()))
}
