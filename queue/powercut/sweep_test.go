package powercut

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"posagent/queue"
)

// Every storage operation fails once, and from then on until somebody mends the
// disk, in every way a disk can: the agent refuses what it can't store, finishes
// what it can, heals by itself, and its ledger agrees; and a power cut at any
// moment of it breaks no promise, whether or not a failed sync lost what it was for.
func TestNoFailingOperationBreaksAPromise(t *testing.T) {
	d := dice(t)
	home, to := fastDir(t), fastDir(t)
	_, all := tell(t, fresh(t, home), storyFault{})
	step := int64(1)
	if !*long {
		step = all / 7
	}
	if raced {
		step = all / 2
	}
	runs, states := 0, 0
	for at := 1 + d.Int64N(step); at <= all; at += step {
		for _, how := range []Fault{EIO, Full, Half} {
			for _, forever := range []bool{false, true} {
				f := storyFault{at, forever, how}
				dir := fresh(t, home)
				ops, _ := tell(t, dir, f)
				r := replayOf(t, dir, d)
				r.To = to
				r.Every, r.Share, r.Lossy = len(ops), 0.03, d.IntN(2) == 0
				if err := r.Play(ops); err != nil {
					t.Errorf("%+v, lossy %v: %v", f, r.Lossy, err)
				}
				runs++
				states += r.States
			}
		}
	}
	t.Logf("%d operations could fail: %d runs with a fault, %d states after a power cut", all, runs, states)
}

// A sync fails, and what it was for is gone for good, though it can be read: what is
// stored from then on is not lost with it.
func TestAFailedSyncTakesNothingElseWithIt(t *testing.T) {
	step, share := int64(1), 0.1
	if *long {
		share = 0 // all
	}
	if raced {
		step = 10
	}
	loseSyncs(t, step, share, func(dir string, at int64) []Op {
		ops, _ := tell(t, dir, storyFault{at, false, Syncs})
		return ops
	})
}

// loseSyncs has one of so many syncs of what record does fail and lose what it was for,
// until there are no more, and pulls the plug at a share of the promises.
func loseSyncs(t *testing.T, step int64, share float64, record func(dir string, at int64) []Op) {
	t.Helper()
	d := dice(t)
	home, to := fastDir(t), fastDir(t)
	runs, states := 0, 0
	for at := 1 + d.Int64N(step); ; at += step {
		dir := fresh(t, home)
		ops := record(dir, at)
		if !slices.ContainsFunc(ops, func(op Op) bool { return op.Failed }) {
			break
		}
		r := replayOf(t, dir, d)
		r.To, r.Every, r.Share, r.Lossy = to, len(ops), share, true
		if err := r.Play(ops); err != nil {
			t.Errorf("sync %d: %v", at, err)
		}
		runs++
		states += r.States
	}
	if runs == 0 {
		t.Error("no sync failed")
	}
	t.Logf("%d runs with a failed sync, %d states after a power cut", runs, states)
}

// An operation of a commit fails, and the payment in it is refused: a power cut right
// after the refusal must not bring it back, though it may be in the log.
func TestWhatWasRefusedIsNotThereAfterAPowerCut(t *testing.T) {
	d := dice(t)
	home, to := fastDir(t), fastDir(t)
	refusals := 0
	for at := int64(1); ; at++ {
		dir, reached := fresh(t, home), false
		ops, _ := recordStory(t, dir, storyFault{}, func(s *story) {
			s.start()
			from := Done()
			FailAt(from+at, false, EIO)
			s.pay("lane1", "R1", 0)
			reached = Done() >= from+at
			FailAt(0, false, EIO)
			s.halt()
			refusals += len(s.refused)
		})
		r := replayOf(t, dir, d)
		r.To, r.Every = to, len(ops) // at the promises
		if err := r.Play(ops); err != nil {
			t.Errorf("operation %d: %v", at, err)
		}
		if !reached {
			break
		}
	}
	if refusals == 0 {
		t.Error("nothing was refused: this has proved nothing")
	}
	t.Logf("%d refusals", refusals)
}

// fresh is a new folder for a store, in place of the one before.
func fresh(t *testing.T, home string) string {
	t.Helper()
	dir := filepath.Join(home, "store")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A disk that can't be read is not a store that is damaged: an agent that starts on
// it says so, and replaces nothing.
func TestAStartOnAFailingDiskReplacesNothing(t *testing.T) {
	dir := fresh(t, fastDir(t))
	if ops, _ := tell(t, dir, storyFault{}); len(ops) == 0 {
		t.Fatal("nothing was recorded")
	}
	whole, err := os.ReadFile(filepath.Join(dir, "posagent.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := replayOf(t, dir, dice(t))
	step := int64(1)
	if !*long {
		step = 3
	}
	for _, forever := range []bool{false, true} {
		for at := 1 + r.Dice.Int64N(step); ; at += step {
			path, err := r.Lay(map[string][]byte{r.Store: whole})
			if err != nil {
				t.Fatal(err)
			}
			Record(filepath.Dir(path))
			FailAt(at, forever, EIO)
			opened, salvaged := open(t, path)
			failed := Done() >= at
			FailAt(0, false, EIO)
			if salvaged {
				t.Fatalf("operation %d failed, from then on: %v; the store was replaced", at, forever)
			}
			if !failed {
				if !opened {
					t.Error("the store does not open on a good disk")
				}
				break
			}
		}
	}
}

func open(t *testing.T, path string) (opened, salvaged bool) {
	t.Helper()
	s, err := queue.Open(path)
	if err != nil {
		return false, false
	}
	defer s.Close()
	_, salvaged = s.Salvaged()
	return true, salvaged
}

// Syncs that fail while the agent starts, and lose what they were for: the next
// start can read those commits, for the system still has them in memory, and must
// not build on them.
func TestNothingIsBuiltOnACommitThatWasNeverSynced(t *testing.T) {
	if err := Install(); err != nil {
		t.Fatal(err)
	}
	home, to := fastDir(t), fastDir(t)
	for at := int64(1); ; at++ {
		dir := fresh(t, home)
		s := &story{t: t, path: filepath.Join(dir, "posagent.db")}
		Record(dir + string(filepath.Separator))
		FailAt(at, true, Syncs)
		s.saveOne()
		ops, done := Recorded(), Done()
		Record("")
		r := replayOf(t, dir, rand.New(rand.NewPCG(1, 1)))
		r.To = to
		r.Lossy, r.Every = true, 1<<30 // once it is promised
		if err := r.Play(ops); err != nil {
			t.Errorf("sync %d failed: %v", at, err)
		}
		if done < at {
			return // the last one failed nothing
		}
	}
}

// saveOne stores one payment. A disk that fails a start is mended.
func (s *story) saveOne() {
	s.t.Helper()
	store, err := queue.Open(s.path)
	if err != nil {
		FailAt(0, false, EIO)
		store, err = queue.Open(s.path)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	p, _ := queue.Begin(time.Now(), "lane1", queue.Command{ID: "R1", Method: "X", AmountMinor: 1, Currency: "SGD"}, time.Minute)
	if err := store.Save(queue.Batch{Payments: []queue.Change[queue.Payment]{{New: p}}}); err != nil {
		s.t.Logf("save: %v", err)
		return
	}
	Note("stored R1")
}
