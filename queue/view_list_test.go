package queue

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func openView(t *testing.T, path string) *View {
	t.Helper()
	v, err := OpenView(path)
	must(t, err)
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func idsOf(l Listing) string {
	var list []string
	for _, r := range l.Records {
		list = append(list, r.id())
	}
	return strings.Join(list, " ")
}

func TestAListHasWhatFitsNewestFirst(t *testing.T) {
	v := openView(t, heldStore(t, 7, "", "-wal")) // R0000, R0003 and R0006 are open; NEVER was aborted in 1970
	at := time.UnixMilli
	for name, c := range map[string]struct {
		filter Filter
		want   string
		more   int
	}{
		"everything":      {Filter{}, "B1 R0006 R0005 R0004 R0003 R0002 R0001 R0000 NEVER", 0},
		"open":            {Filter{Open: true}, "B1 R0006 R0003 R0000", 0},
		"in doubt":        {Filter{InDoubt: true}, "", 0},
		"a state":         {Filter{State: "paid", Limit: 2}, "R0005 R0004", 2},
		"since":           {Filter{Since: at(1_750_000_000_005)}, "B1 R0006 R0005", 0},
		"a register":      {Filter{Register: "lane2"}, "B1", 0},
		"an amount":       {Filter{Amount: func(minor int64, currency string) bool { return minor == 300 && currency == "SGD" }}, "B1", 0},
		"a part of an id": {Filter{ID: "r000", Limit: 1}, "R0006", 6},
		"cancelled":       {Filter{State: "cancelled"}, "NEVER", 0},
		"nothing":         {Filter{ID: "'; drop table payment; --"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := v.List(t.Context(), c.filter)
			must(t, err)
			if got := idsOf(l); got != c.want || l.More != c.more || l.Partial || len(l.Damaged) > 0 {
				t.Errorf("got %q and %d more (%+v), want %q and %d more", got, l.More, l, c.want, c.more)
			}
		})
	}
}

func TestEveryIDIsFound(t *testing.T) {
	v := openView(t, heldStore(t, 2, "", "-wal"))
	ids, err := v.IDs(t.Context())
	must(t, err)
	slices.Sort(ids)
	if got := strings.Join(ids, " "); got != "B1 NEVER R0000 R0001" {
		t.Errorf("got %s", got)
	}
}

func TestASummaryCountsAndAddsUp(t *testing.T) {
	v := openView(t, heldStore(t, 7, "", "-wal"))
	sum, err := v.Summary(t.Context(), time.UnixMilli(1_750_000_000_002), time.UnixMilli(1_750_000_000_005))
	must(t, err)
	if sum.Open != 4 || sum.OldestOpenID != "R0000" || sum.Payments != 7 || sum.Refunds != 1 || sum.Schema != 3 || sum.Bytes == 0 || sum.Partial {
		t.Errorf("got %+v", sum)
	}
	if want := []Sum{{Currency: "SGD", PaidCount: 2, PaidMinor: 2100}}; !slices.Equal(sum.Sums, want) {
		t.Errorf("sums %+v, want %+v", sum.Sums, want)
	}
}

// A row whose bits have turned is named beside the good ones, and so is one that a
// summary rests on.
func TestADamagedRowIsNamedBesideTheGoodOnes(t *testing.T) {
	path := storePath(t)
	fill(t, path, 9)
	s := openStore(t, path)
	for id, table := range map[string]string{"R0003": "payment_open", "R0004": "payment_closed"} {
		if _, err := s.write.Exec("update "+table+" set amount_minor = amount_minor + 1 where id = ?", id); err != nil {
			t.Fatal(err)
		}
	}
	v := openView(t, path)
	l, err := v.List(t.Context(), Filter{})
	must(t, err)
	if len(l.Records) != 8 || len(l.Damaged) != 2 || l.Damaged[0].ID != "R0004" {
		t.Errorf("%d good ones, damaged: %v", len(l.Records), l.Damaged)
	}
	p, err := v.Payment(t.Context(), "R0003")
	if !isDamage(err) || p.ID != "R0003" {
		t.Errorf("a damaged row is read as %v, %v", p, err)
	}
	sum, err := v.Summary(t.Context(), time.Time{}, time.Now())
	must(t, err)
	if len(sum.Damaged) != 1 || sum.Damaged[0].ID != "R0003" || sum.Open != 3 {
		t.Errorf("open %d, damaged %v", sum.Open, sum.Damaged)
	}
	all, err := v.Verify(t.Context(), nil)
	must(t, err)
	if all.Rows != 9 || len(all.Damaged) != 2 || all.Partial {
		t.Errorf("verified: %+v", all)
	}
}

// A page that can't be read hides its own rows and no others, from both ends of the
// table; and the list says that it is not whole.
func TestAPageThatCannotBeReadHidesItsOwnRowsAlone(t *testing.T) {
	path := storePath(t)
	const n = 3 * pieceRows
	fillAtOnce(t, path, n)
	spoil(t, path, 60*pageBytes, make([]byte, pageBytes))
	v := openView(t, path)
	l, err := v.List(t.Context(), Filter{})
	must(t, err)
	if len(l.Records) < n-60 || len(l.Records) >= n || !l.Partial {
		t.Errorf("%d of %d, partial %v", len(l.Records), n, l.Partial)
	}
	seen := map[string]bool{}
	for _, r := range l.Records {
		if seen[r.id()] {
			t.Fatalf("%s is listed twice", r.id())
		}
		seen[r.id()] = true
	}
	if sum, err := v.Summary(t.Context(), time.Time{}, time.Now()); err != nil || !sum.Partial || sum.Payments < n-60 {
		t.Errorf("summary of %d payments, partial %v, %v", sum.Payments, sum.Partial, err)
	}
}

// fillAtOnce stores n paid payments, put away, in one commit.
func fillAtOnce(t *testing.T, path string, n int) {
	t.Helper()
	s := openStore(t, path)
	must(t, s.inOneCommit(t.Context(), func(tx *sql.DB) error {
		for i := range n {
			p, _ := Begin(time.UnixMilli(1_750_000_000_000+int64(i)), "lane1", testCommand(fmt.Sprintf("R%06d", i)), time.Minute)
			p.ExtendInfo = strings.Repeat("x", 100)
			p = Policy{}.end(p.ReceivedAt, p, testAnswer(VerdictPaid, Pay))
			p.EndedSeq, p.Delivered = int64(i+1), p.Rev
			if _, err := tx.Exec(insertRow("payment_closed", paymentColumns), paymentValues(p)...); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, s.Close())
}
