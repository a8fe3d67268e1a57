package powercut

import (
	"database/sql"
	"testing"
	"time"
)

// After a power cut the agent notes the new boot beside its rows: a sync that fails at
// that, and loses what it was for, takes nothing with it that is stored later.
func TestAFailedSyncOfTheBootTakesNothingElseWithIt(t *testing.T) {
	loseSyncs(t, 1, 0, func(dir string, at int64) []Op {
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
		return ops
	})
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
