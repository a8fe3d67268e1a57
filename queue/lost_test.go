package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What a register was told of a row's newer version, which is lost, is in a rev that
// the carried one has not reached: it must not be stale to that register.
func TestACarriedRowIsNewsToItsRegister(t *testing.T) {
	now := time.Now()
	p, _ := Begin(now, "lane1", testCommand("R1"), time.Minute)
	newer, _ := Policy{}.Step(now.Add(time.Minute), p, Tick{})
	newer, _ = Policy{}.Step(now.Add(time.Minute), newer, Abort{})
	carried := onlyAskAbout(now, p, &Salvage{})
	if carried.Rev <= newer.Rev {
		t.Errorf("carried over with rev %d, and the register may know rev %d", carried.Rev, newer.Rev)
	}
}

// After a salvage the register's last result may be among what was lost: an older
// one is not given for it. The next end is the last again.
func TestTheLastResultIsDoubtfulWhereRowsWereLost(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		a.pay(t, "lane1", "R1")
		a.until(t, "R1", Paid, time.Second)
		loseRows(t, a, time.Now().Add(time.Second))
		time.Sleep(time.Minute) // fake
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		for _, register := range []string{"lane1", "lane2"} {
			if last, err := b.LastEnded(ctx, register); !errors.Is(err, ErrDoubtful) {
				t.Errorf("the last end of %s is %+v (%v), want ErrDoubtful", register, last, err)
			}
		}
		b.pay(t, "lane1", "R2")
		b.until(t, "R2", Paid, time.Minute)
		if last, err := b.LastEnded(ctx, "lane1"); err != nil || last.Payment.ID != "R2" {
			t.Errorf("the last end of lane1 is %+v (%v), want R2", last, err)
		}
	})
}

// loseRows notes that rows were lost at a time.
func loseRows(t *testing.T, a *agent, at time.Time) {
	t.Helper()
	if _, err := a.store.write.Exec("update fact set value = ? where name = 'rows_lost_at'", at.UnixMilli()); err != nil {
		t.Fatal(err)
	}
}

// The clock stood at 1970 when the damage was found, and is set later: what was lost
// stays lost for as long as rows are kept.
func TestRowsLostUnderAWrongClockStayLost(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		time.Sleep(time.Until(anyClock().Add(24 * time.Hour))) // fake: the bubble begins in 2000
		a := start(t, path, bank)
		loseRows(t, a, time.UnixMilli(60_000))
		a.stop(t)
		for range 2 {
			b := start(t, path, bank)
			if _, err := b.Payment(context.Background(), "LOST"); !errors.Is(err, ErrDoubtful) {
				t.Errorf("a payment that may be lost: %v, want ErrDoubtful", err)
			}
			b.stop(t)
		}
		time.Sleep(401 * 24 * time.Hour) // fake
		b := start(t, path, bank)
		defer b.stop(t)
		b.row0(t)
	})
}

// A damaged row among the old ones is no obstacle to the pruning of the others, and
// refunds are pruned like payments.
func TestPruningPassesWhatIsDamagedAndReachesRefunds(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank, func(o *Options) { o.Retention = time.Hour })
		defer a.stop(t)
		for _, id := range []string{"R1", "R2"} {
			a.pay(t, "lane1", id)
			p, _ := a.until(t, id, Paid, time.Second)
			if _, err := a.Deliver(ctx, id, p.Rev); err != nil {
				t.Fatal(err)
			}
		}
		a.refund(t, partOf("F1", "R1", 100))
		r := a.untilRefund(t, "F1", Refunded, time.Second)
		if _, err := a.DeliverRefund(ctx, "F1", r.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // fake: all of it is written down
		damage(t, a, "R1")
		time.Sleep(2 * time.Hour) // fake
		for _, id := range []string{"R2", "F1"} {
			if story, err := a.store.Story(ctx, id); err != nil || len(story) != 0 {
				t.Errorf("%s still has a story of %d events (%v)", id, len(story), err)
			}
		}
		if _, err := a.Payment(ctx, "R1"); !errors.Is(err, ErrDoubtful) {
			t.Errorf("the damaged row: %v, want ErrDoubtful", err)
		}
		a.refund(t, partOf("F1", "R1", 100)) // a repeat is known after the retention too
		if got := bank.seen("F1").pays; got != 1 {
			t.Errorf("%d refund requests, want 1", got)
		}
	})
}

// damage makes the CRC of a payment's row wrong.
func damage(t *testing.T, a *agent, id string) {
	t.Helper()
	if _, err := a.store.write.Exec("update payment_open set crc = crc + 1 where id = ?", id); err != nil {
		t.Fatal(err)
	}
}

// A refusal that was delivered, and let go of, still frees its part.
func TestARefusedRefundThatIsDeliveredFreesItsPart(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		defer a.stop(t)
		a.pay(t, "lane1", "R1") // 10.50
		a.until(t, "R1", Paid, time.Second)
		bank.treatAs("F1", behaviour{say: VerdictRefused}, behaviour{say: VerdictRefused})
		a.refund(t, partOf("F1", "R1", 1000))
		r := a.untilRefund(t, "F1", RefundRefused, 10*time.Second)
		if _, err := a.DeliverRefund(ctx, "F1", r.Rev); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // fake: written down, and forgotten
		a.refund(t, partOf("F2", "R1", 1050))
		a.untilRefund(t, "F2", Refunded, time.Second)
	})
}

// A page of the file is lost while the agent runs: it can write no more, and says so
// by ending, for only a start replaces the file. Nothing is paid again then.
func TestAStoreThatIsDamagedUnderTheAgentEndsIt(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		bank.treatAs("R1", behaviour{before: time.Second})
		a.pay(t, "lane1", "R1")
		_, err := a.store.write.Exec(`pragma writable_schema = on;
			update sqlite_schema set sql = 'nonsense' where name like 'payment%';
			pragma writable_schema = reset`)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // fake
		select {
		case err := <-a.ended:
			if !isDamage(err) {
				t.Errorf("the worker ended with %v, want damage", err)
			}
		default:
			t.Error("the worker goes on over a damaged store")
			a.cancel()
			<-a.ended
		}
		if err := a.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// An abort of an ID that may be lost leaves no mark: it may have been paid, and "take a
// new id" would pay it again.
func TestAnAbortOfWhatMayBeLostIsDoubtful(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		loseRows(t, a, time.Now())
		a.stop(t)
		bank.charges["LOST"] = 1
		b := start(t, path, bank)
		defer b.stop(t)
		if _, err := b.Abort(ctx, "lane1", "LOST"); !errors.Is(err, ErrDoubtful) {
			t.Errorf("abort: %v, want ErrDoubtful", err)
		}
		b.pay(t, "lane1", "LOST")
		b.until(t, "LOST", Paid, time.Second)
	})
}

// A carried row may be older than what happened: inside its window too it is asked
// about and never paid again, and "not found" is not believed before the quiet time,
// also where the row says that nothing ever left.
func TestACarriedRowIsNeverPaidAgain(t *testing.T) {
	policy := Policy{InquiryInterval: 3 * time.Second, QuietTime: 45 * time.Second}
	start := time.UnixMilli(1_800_000_000_000)
	sent, _ := Begin(start, "lane1", testCommand("R1"), 10*time.Minute)
	unsent, _ := policy.Step(start, sent, Answered{To: Pay, Asked: start, Answer: testAnswer(VerdictNotSent, Pay)})
	for _, p := range []Payment{sent, unsent} {
		now := start.Add(time.Second)
		was := p.State
		p, act := policy.Step(now, onlyAskAbout(now, p, &Salvage{}), Restart{})
		for now.Before(start.Add(46 * time.Second)) {
			if act != Inquire || p.State.Final() {
				t.Fatalf("%s, carried over: %s, %q after %v, want to be asked about", was, p.State, act, now.Sub(start))
			}
			p, _ = policy.Step(now, p, Answered{To: act, Asked: now, Answer: testAnswer(VerdictNotFound, act), Chance: 0.5})
			if p.State.Final() {
				t.Fatalf("%s, carried over: %s after %v of quiet", was, p.State, now.Sub(start))
			}
			now = p.Due
			p, act = policy.Step(now, p, Tick{})
		}
		p, _ = policy.Step(now, p, Answered{To: Inquire, Asked: now, Answer: testAnswer(VerdictNotFound, Inquire)})
		if p.State != Failed {
			t.Errorf("%s, carried over: %s after the quiet time", was, p.State)
		}
	}
}

// What is carried over keeps its story: whoever compares the day with the acquirer's
// portal needs it then.
func TestACarriedRowKeepsItsStory(t *testing.T) {
	path := storePath(t)
	s := openStore(t, path)
	at := time.UnixMilli(1_750_000_000_000)
	var b Batch
	for _, id := range []string{"R1", "R2", "R3"} {
		p, _ := Begin(at, "lane1", testCommand(id), time.Minute)
		if id == "R1" {
			p = Policy{}.end(at, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.Delivered = 1, p.Rev
			b.PutAway = []string{id}
		}
		b.Payments = append(b.Payments, Change[Payment]{Payment{}, p, []Event{{id, at, EventStored, "by " + id}, {id, at, EventAttempt, "number 1"}}})
	}
	r, _ := BeginRefund(at, Refund{ID: "F1", PaymentRequestID: "R1", AmountMinor: 1, Currency: "SGD"}, true)
	b.Refunds = []Change[Refund]{{Refund{}, r, []Event{{"F1", at, EventStored, "by F1"}, {"F1", at, EventAttempt, "number 1"}}}}
	if err := s.Save(b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec("update payment_open set crc = crc + 1 where id = 'R3'"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fresh := openStore(t, path)
	if report, salvaged := fresh.Salvaged(); !salvaged || report.Kept != 3 {
		t.Fatalf("salvaged %v: %s", salvaged, report)
	}
	for _, id := range []string{"R1", "R2", "F1"} {
		story, err := fresh.Story(t.Context(), id)
		if err != nil || len(story) != 2 || story[0].Text != "by "+id || story[1].Kind != EventAttempt {
			t.Errorf("the story of %s is %+v (%v)", id, story, err)
		}
	}
}
