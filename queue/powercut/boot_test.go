package powercut

import (
	"database/sql"
	"slices"
	"testing"
	"time"
)

// After a power cut the agent notes the new boot beside its rows: a sync that fails at
// that, and loses what it was for, takes nothing with it that is stored later.
func TestAFailedSyncOfTheBootTakesNothingElseWithIt(t *testing.T) {
	d := dice(t)
	home, to := fastDir(t), fastDir(t)
	for at := int64(1); ; at++ {
		dir := fresh(t, home)
		ops, _ := recordStory(t, dir, storyFault{}, func(s *story) {
			s.start()
			s.pay("lane3", "DOUBT1", 2*time.Second)
			s.halt()
			otherBoot(t, s.path)
			from := Done()
			FailAt(0, false, Syncs)
			FailAt(from+at, false, Syncs)
			s.start()
			s.sell("lane1", "OK1")
			FailAt(0, false, EIO)
			s.halt()
		})
		if !slices.ContainsFunc(ops, func(op Op) bool { return op.Failed }) {
			break // there are no more syncs
		}
		r := replayOf(t, dir, d)
		r.To, r.Every, r.Lossy = to, len(ops), true // at the promises
		if err := r.Play(ops); err != nil {
			t.Errorf("sync %d: %v", at, err)
		}
	}
}

// otherBoot has a store know of another boot than this one.
func otherBoot(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?psow=0&_synchronous=EXTRA")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("update fact set value = 1 where name = 'boot'"); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
