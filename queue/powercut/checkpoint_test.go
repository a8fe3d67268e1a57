package powercut

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"posagent/queue"
)

// checkpointSaves are commits enough for the log to be taken into the database.
const checkpointSaves = 500

// saveAmidReader saves payments, the last hundreds while somebody reads, with the sync
// number fail failing, and returns what was done.
func saveAmidReader(t *testing.T, dir string, fail int64) []Op {
	t.Helper()
	path := filepath.Join(dir, "posagent.db")
	Record(dir + string(filepath.Separator))
	defer Record("")
	FailAt(fail, false, Syncs)
	store, err := queue.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for n := range checkpointSaves {
		if n == checkpointSaves/2 {
			db, err := sql.Open("sqlite3", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			reading, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = reading.Rollback() }() // it has read
			if err := reading.QueryRow("select count(*) from payment_open").Scan(new(int)); err != nil {
				t.Fatal(err)
			}
		}
		p, _ := queue.Begin(time.UnixMilli(1_750_000_000_000), "lane1",
			queue.Command{ID: rowID(n), Method: "X", AmountMinor: 1, Currency: "SGD"}, time.Minute)
		if err := store.Save(queue.Batch{Payments: []queue.Change[queue.Payment]{{New: p}}}); err != nil {
			break // somebody reads: nothing is promised any more
		}
		Note("stored " + p.ID)
	}
	return Recorded()
}

// The log is taken into the database while somebody reads, and its sync fails and loses
// what it was for: what is stored after that is not lost with it.
func TestAFailedSyncOfACheckpointTakesNothingWithIt(t *testing.T) {
	if err := Install(); err != nil {
		t.Fatal(err)
	}
	home, d := fastDir(t), dice(t)
	fail := syncOfCheckpoint(saveAmidReader(t, fresh(t, home), 0))
	if fail == 0 {
		t.Fatal("the log was never taken into the database")
	}
	dir := fresh(t, home)
	ops := saveAmidReader(t, dir, fail)
	if !slices.ContainsFunc(ops, func(op Op) bool { return op.Failed }) {
		t.Fatal("no sync failed")
	}
	r := replayOf(t, dir, d)
	r.Every, r.Share, r.Lossy = len(ops), 0.1, true
	if err := r.Play(ops); err != nil {
		t.Error(err)
	}
	t.Logf("sync %d failed: %d states after a power cut", fail, r.States)
}

// syncOfCheckpoint is the number, among those that can fail, of the first sync that
// follows another one without a promise between them: the commit's was the one before.
// That of the store's first file is not SQLite's, and can't fail.
func syncOfCheckpoint(ops []Op) (number int64) {
	promised, synced := false, false
	for _, op := range ops {
		switch op.Kind {
		case Mark:
			promised, synced = true, false
		case Sync:
			if promised && synced {
				return number
			}
			number++
			synced = true
		}
	}
	return 0
}
