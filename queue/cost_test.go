package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"
)

// costSales is how many sales are counted: several times what is put away together.
const costSales = 10 * putAwayAt

// frames are the pages in a store's write-ahead log, commit by commit. A commit's last
// page is there again where it fills the block of the disk, so that the next commit
// begins in another one.
func frames(t *testing.T, path string) (commits [][]uint32) {
	t.Helper()
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, own, frame = 32, 24, 24 + pageBytes
	var pages []uint32
	again := func(at int) bool { // the same page of the same database
		return at > header && string(wal[at:at+8]) == string(wal[at-frame:at-frame+8]) &&
			string(wal[at+own:at+frame]) == string(wal[at-frame+own:at])
	}
	for at := header; at+frame <= len(wal) && string(wal[at+8:at+16]) == string(wal[16:24]); at += frame {
		page := binary.BigEndian.Uint32(wal[at:])
		switch pages = append(pages, page); {
		case len(pages) == 1 && again(at):
			commits[len(commits)-1] = append(commits[len(commits)-1], page)
			pages = nil
		case binary.BigEndian.Uint32(wal[at+4:]) != 0:
			commits = append(commits, pages)
			pages = nil
		}
	}
	return commits
}

// sellTo sells n times at so many tills in turn, everything delivered.
func (a *agent) sellTo(t *testing.T, tills, n int) {
	t.Helper()
	for i := range n {
		register := fmt.Sprintf("lane%d", 1+i%tills)
		id := fmt.Sprintf("%s_20260823_%06d", register, i)
		a.pay(t, register, id)
		p, _ := a.until(t, id, Paid, time.Second)
		if _, err := a.Deliver(context.Background(), id, p.Rev); err != nil {
			t.Fatal(err)
		}
		for len(a.changed) > 0 {
			<-a.changed
		}
	}
}

// What a sale costs a flash disk is counted, not timed: the pages that its commits
// write to the log, journal and putting away included. A change that writes more
// shows here, on whatever machine.
func TestASaleWritesFewPages(t *testing.T) {
	for _, c := range []struct {
		tills int
		most  float64
	}{{1, 5.2}, {4, 5.5}} {
		t.Run(fmt.Sprintf("%d tills", c.tills), func(t *testing.T) {
			bubble(t, func(t *testing.T, path string, bank *acquirer) {
				a := start(t, path, bank)
				defer a.stop(t)
				a.row0(t)
				a.store.log.full = 1_000_000
				before := frames(t, path)
				a.sellTo(t, c.tills, costSales)
				list := frames(t, path)[len(before):]
				pages, by := 0, map[int]int{}
				for _, commit := range list {
					pages += len(commit)
					by[len(commit)]++
				}
				if len(list) != 2*costSales {
					t.Errorf("%d commits for %d sales", len(list), costSales)
				}
				got := float64(pages) / costSales
				t.Logf("%.2f pages a sale; commits by their pages: %v", got, by)
				if got > c.most {
					t.Errorf("a sale writes %.2f pages, want at most %.2f", got, c.most)
				}
			})
		})
	}
}

// A sale's allocations are counted, not timed: what is made anew for each makes work
// for the collector of a small box.
func TestASaleAllocatesLittle(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates, too")
	}
	s := openTills(t, t.TempDir(), 1)
	for range 2 * putAwayAt { // the rest is in place
		s.sell(t, 0)
	}
	got := testing.AllocsPerRun(10*putAwayAt, func() { s.sell(t, 0) })
	t.Logf("%.0f allocations a sale", got)
	const most = 240
	if got > most {
		t.Errorf("a sale makes %.0f allocations, want at most %d", got, most)
	}
}
