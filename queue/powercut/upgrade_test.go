package powercut

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"posagent/queue"
)

// upgrading is a store of an older version, brought up to date again and again.
type upgrading struct {
	t        *testing.T
	path     string
	files    map[string][]byte // of the older store
	promises []string          // of the version before
	to       string
	dice     *rand.Rand
	states   int
}

// An upgrade brings a store up to date. Whenever the plug is pulled in the midst of it,
// and whatever the disk refuses, the next start keeps what the version before promised.
func TestNoPowerCutBreaksAnUpgrade(t *testing.T) {
	if err := Install(); err != nil {
		t.Fatal(err)
	}
	u := &upgrading{t: t, path: filepath.Join(fresh(t, fastDir(t)), "posagent.db"), to: fastDir(t), dice: dice(t)}
	u.older()
	all := u.run(storyFault{})
	step := int64(1)
	if !*long {
		step = all / 7
	}
	if raced {
		step = all / 2
	}
	for at := 1 + u.dice.Int64N(step); at <= all; at += step {
		for _, how := range []Fault{EIO, Full, Half} {
			for _, forever := range []bool{false, true} {
				u.run(storyFault{at, forever, how})
			}
		}
	}
	t.Logf("%d operations, %d states after a power cut", all, u.states)
}

// older makes a store as version 2 of the schema has it, of pages of 4 KiB and with all
// of it in its log still, as a power cut left it.
func (u *upgrading) older() {
	u.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+u.path+"?_journal_mode=WAL&_synchronous=EXTRA")
	u.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, n := range []string{"0001", "0002"} {
		text, err := os.ReadFile("../schema/" + n + ".sql")
		u.must(err)
		_, err = db.Exec(string(text))
		u.must(err)
	}
	_, err = db.Exec(`pragma user_version = 2; pragma application_id = 1886352225; attach ? as present;
		insert into payment_open select * from present.payment_open;
		insert into payment_closed select * from present.payment_closed;
		insert into story select * from present.story;
		insert into last_ended select * from present.last_ended`, u.present())
	u.must(err)
	u.files = map[string][]byte{}
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(u.path + end)
		u.must(err)
		u.files[u.path+end] = text
	}
}

// present makes a store of this version, of which the older one has its rows: of each
// three payments one is open, and of each two one is put away if it is closed.
func (u *upgrading) present() (path string) {
	u.t.Helper()
	path = filepath.Join(u.t.TempDir(), "present.db")
	s, err := queue.Open(path)
	u.must(err)
	var b queue.Batch
	for i := range 12 {
		p, _ := queue.Begin(time.UnixMilli(1_750_000_000_000), "lane1",
			queue.Command{ID: rowID(i), Method: "X", AmountMinor: 1, Currency: "SGD"}, time.Minute)
		u.promises = append(u.promises, "stored "+p.ID)
		if i%3 != 0 {
			p.State, p.Next, p.Due, p.OpenAttempts = queue.Paid, queue.None, time.Time{}, 0
			p.EndedAt, p.EndedSeq, p.Delivered = p.ReceivedAt, int64(i+1), p.Rev
			u.promises = append(u.promises, fmt.Sprintf("told %s %d paid", p.ID, p.Rev), "delivered "+p.ID)
		}
		b.Payments = append(b.Payments, queue.Change[queue.Payment]{New: p})
		if i%2 == 0 {
			b.PutAway = append(b.PutAway, p.ID)
		}
	}
	u.must(errors.Join(s.Save(b), s.Close()))
	return path
}

// run has the older store opened on a disk with a fault, and pulls the plug.
func (u *upgrading) run(f storyFault) (done int64) {
	u.t.Helper()
	dir := filepath.Dir(u.path)
	lay := Replay{Store: u.path, To: dir}
	_, err := lay.Lay(u.files)
	u.must(err)
	Record(dir + string(filepath.Separator))
	defer Record("")
	for _, promise := range u.promises {
		Note(promise)
	}
	FailAt(f.at, f.forever, f.how)
	if s, err := queue.Open(u.path); err == nil {
		if report, salvaged := s.Salvaged(); salvaged {
			u.t.Errorf("%+v: a failing disk was taken for a damaged store: %s", f, report)
		}
		_ = s.Close() // a sick disk may refuse that, too
	}
	ops, done := Recorded(), Done()
	r := &Replay{Store: u.path, Start: u.files, To: u.to, Dice: u.dice, Lossy: u.dice.IntN(2) == 0}
	switch {
	case f.at > 0:
		r.Every, r.Share = len(ops), 0.03
	case !*long:
		r.Every = 10
	}
	if err := r.Play(ops); err != nil {
		u.t.Errorf("%+v, lossy %v: %v", f, r.Lossy, err)
	}
	u.states += r.States
	return done
}

func (u *upgrading) must(err error) {
	u.t.Helper()
	if err != nil {
		u.t.Fatal(err)
	}
}
