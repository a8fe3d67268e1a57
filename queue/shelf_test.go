package queue

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// shelves counts the rows at hand and those put away.
func shelves(t *testing.T, s *Store) (open, closed int) {
	t.Helper()
	err := s.read.QueryRow("select (select count(*) from payment_open), (select count(*) from payment_closed)").Scan(&open, &closed)
	if err != nil {
		t.Fatal(err)
	}
	return open, closed
}

// Closed payments are put away some at a time, and are the same payments wherever
// they lie: to repeats, to a start, to refunds by the acquirer's name.
func TestClosedPaymentsArePutAwayAndStayTheSame(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		a.sellTo(t, 2, putAwayAt+3)
		open, closed := shelves(t, a.store)
		if open+closed != putAwayAt+3 || closed < putAwayAt {
			t.Errorf("%d at hand and %d put away of %d", open, closed, putAwayAt+3)
		}
		first, last := "lane1_20260823_000000", fmt.Sprintf("lane%d_20260823_%06d", 1+(putAwayAt+2)%2, putAwayAt+2)
		for id, lines := range map[string]int{first: 4, last: 3} { // that the last was delivered is not saved yet
			if story, err := a.store.Story(ctx, id); err != nil || len(story) != lines {
				t.Errorf("the story of %s is %v (%v)", id, story, err)
			}
			if p, err := a.store.PaymentByAcquirerID(ctx, "A"+id); err != nil || p.ID != id {
				t.Errorf("A%s is %s (%v)", id, p.ID, err)
			}
		}
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		if p := b.pay(t, "lane1", first); p.State != Paid || bank.seen(first).pays != 1 {
			t.Errorf("a repeat of what was put away is %s, paid %d times", p.State, bank.seen(first).pays)
		}
		if r, err := b.LastEnded(ctx, "lane2"); err != nil || r.Payment.ID < "lane2_20260823_000030" {
			t.Errorf("the last end of lane2 is %+v (%v)", r.Payment, err)
		}
	})
}

// A payment that was put away and has something left to do again, because another
// register asked for it, comes back to hand, so that a start finds it; and is put
// away again, once.
func TestWhatIsToBeToldAgainComesBackToHand(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		ctx := context.Background()
		a := start(t, path, bank)
		a.sellTo(t, 1, putAwayAt+2)
		const id = "lane1_20260823_000000"
		p := a.pay(t, "lane2", id)
		time.Sleep(lazily + time.Second) // fake: the move is saved with no other commit
		synctest.Wait()
		if list, err := a.store.Unclosed(ctx); err != nil || len(list) != 1 || list[0].ID != id || list[0].Register != "lane2" {
			t.Fatalf("unclosed are %v (%v), want %s of lane2", list, err, id)
		}
		a.stop(t)
		b := start(t, path, bank)
		defer b.stop(t)
		wantUntold(t, b, "lane2", id)
		if _, err := b.Deliver(ctx, id, p.Rev); err != nil {
			t.Fatal(err)
		}
		for i := range putAwayAt + 2 {
			other := fmt.Sprintf("MORE%d", i)
			b.pay(t, "lane3", other)
			q, _ := b.until(t, other, Paid, time.Second)
			if _, err := b.Deliver(ctx, other, q.Rev); err != nil {
				t.Fatal(err)
			}
		}
		var away, named int
		err := b.store.read.QueryRow(`select (select count(*) from payment_closed where id = ?),
			(select count(*) from acquirer_id where id = ?)`, id, id).Scan(&away, &named)
		if err != nil || away != 1 || named != 1 {
			t.Errorf("put away %d times, named %d times (%v)", away, named, err)
		}
		if story, err := b.store.Story(ctx, id); err != nil || len(story) != 5 {
			t.Errorf("its story is %v (%v)", story, err)
		}
	})
}

// A row is put away only if it is closed, whoever says so.
func TestOnlyWhatIsClosedIsPutAway(t *testing.T) {
	s := openStore(t, storePath(t))
	saveNew(t, s, "R1")
	if err := s.Save(Batch{PutAway: []string{"R1", "NONE"}}); err != nil {
		t.Fatal(err)
	}
	if open, closed := shelves(t, s); open != 1 || closed != 0 {
		t.Errorf("%d at hand, %d put away", open, closed)
	}
}

// A store from before payments were put away keeps every row: those that are not
// closed come to hand, the others stay where they are.
func TestAStoreFromBeforeIsTakenUp(t *testing.T) {
	path := storePath(t)
	olderStore(t, path, 30)
	s := openStore(t, path)
	if open, closed := shelves(t, s); open != 20 || closed != 10 {
		t.Errorf("%d at hand and %d put away, want 20 and 10", open, closed)
	}
	ctx := context.Background()
	for i := range 30 {
		p, err := s.Payment(ctx, fmt.Sprintf("R%04d", i))
		if err != nil || p.Closed() != (i%3 == 2) {
			t.Errorf("R%04d: closed %v (%v)", i, p.Closed(), err)
		}
	}
	if story, err := s.Story(ctx, "R0001"); err != nil || len(story) != 1 || story[0].Text != "before" {
		t.Errorf("a story from before is %v (%v)", story, err)
	}
	if p, err := s.PaymentByAcquirerID(ctx, "A29"); err != nil || p.ID != "R0029" {
		t.Errorf("A29 is %s (%v)", p.ID, err)
	}
	if last, err := s.LastEnded(ctx); err != nil || len(last) == 0 || last[0].Seq != 30 && last[len(last)-1].Seq != 30 {
		t.Errorf("the last ends are %v (%v)", last, err)
	}
}

// olderStore makes a store of the first schema with n payments: of each three one is
// open, one not delivered, one closed.
func olderStore(t *testing.T, path string, n int) {
	t.Helper()
	if err := makeDir(path[:len(path)-len("/posagent.db")]); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("schema/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(fmt.Sprintf("%s;\npragma user_version = 1;\npragma application_id = %d", text, applicationID))
	for i := range n {
		p, _ := Begin(time.UnixMilli(1_750_000_000_000+int64(i)), "lane1", testCommand(fmt.Sprintf("R%04d", i)), time.Minute)
		if i%3 != 0 {
			p = Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.PaymentID = int64(i+1), fmt.Sprintf("A%d", i)
		}
		if i%3 == 2 {
			p.Delivered = p.Rev
		}
		exec(insertRow("payment", paymentColumns), paymentValues(p)...)
		exec("insert into event values (?, 1, 5, 'stored', 'before')", p.ID)
	}
}
