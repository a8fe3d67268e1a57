package queue

import (
	"context"
	"database/sql"
	"errors"
	"hash/crc32"
)

// What was sent to one acquirer is not known to another, which would call it not
// found, and would take the money of the same request once more. So the store keeps,
// among its facts, which acquirer requests go to (factAcquirer), and of what was still
// open when that changed, which one it had been sent to (factSentTo and its id). All of
// them are marks, as [acquirerMark] makes them.
const (
	factAcquirer = "acquirer"
	factSentTo   = "sent_to:"
)

// openAndSent names what may have left this box and has no end.
const openAndSent = `select id from payment_open where ended_seq = 0 and state != 'received'
	union select id from refund where ended_seq = 0 and attempts > 0`

// acquirerMark is a number for an acquirer's name. It has its own checksum in its upper half:
// the facts have none, and a bit that flipped must not make another acquirer.
func acquirerMark(acquirer string) int64 {
	low := crc32.ChecksumIEEE([]byte(acquirer))
	return int64(checkOf(low))<<32 | int64(low)
}

func checkOf(low uint32) uint32 {
	return crc32.ChecksumIEEE([]byte{byte(low), byte(low >> 8), byte(low >> 16), byte(low >> 24)}) >> 1
}

// isMark reports whether a number was made by acquirerMark.
func isMark(n int64) bool { return n >= 0 && uint32(n>>32) == checkOf(uint32(n)) }

// SendTo notes that requests go to an acquirer of that name from now on, and returns
// the ids of what is open and was sent to another one: none of these may be sent
// again, and that they are not found there says nothing. It is on the disk when SendTo
// returns; where nothing changes, nothing is written. A store that knows of none yet
// takes all that is open to have been sent to this one.
//
// It writes, so it is called before a worker runs, or in its goroutine.
func (s *Store) SendTo(ctx context.Context, acquirer string) (elsewhere map[string]bool, err error) {
	now := acquirerMark(acquirer)
	was, err := s.fact(ctx, factAcquirer)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if was != now || err != nil {
		err := s.inOneCommit(ctx, func(db *sql.DB) error { return moveTo(ctx, db, was, now) })
		if isFull(err) {
			return s.sentBefore(ctx, was)
		}
		if err != nil {
			return nil, wrap(err, "note the acquirer")
		}
	}
	return s.named(ctx, "select substr(name, ?1) from fact where name > ?2 and name < ?3 and value != ?4 and substr(name, ?1) in ("+openAndSent+") order by name",
		len(factSentTo)+1, factSentTo, factSentTo+"\x7f", now)
}

// ErrUnnoted says that the disk is full, and so it is not noted which acquirer requests
// go to. What is open and may have been sent to another one is returned beside it.
var ErrUnnoted = errors.New("the disk is full, and which acquirer requests go to is not noted")

// sentBefore is everything that is open, where another acquirer than was is known.
func (s *Store) sentBefore(ctx context.Context, was int64) (map[string]bool, error) {
	if !isMark(was) {
		return nil, ErrUnnoted
	}
	ids, err := s.named(ctx, openAndSent)
	return ids, errors.Join(ErrUnnoted, err)
}

// named are the ids that a query returns.
func (s *Store) named(ctx context.Context, query string, args ...any) (map[string]bool, error) {
	list, err := rowsOf(ctx, s.read, func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, query, args...)
	ids := map[string]bool{}
	for _, id := range list {
		ids[id] = true
	}
	return ids, wrap(err, "what was sent elsewhere")
}

// moveTo changes the acquirer: what is open and has none of its own was sent to the
// one before; of what has ended nobody needs to know any more.
func moveTo(ctx context.Context, db *sql.DB, was, now int64) error {
	_, err := db.ExecContext(ctx, "delete from fact where name > ? and name < ? and substr(name, ?) not in ("+openAndSent+")",
		factSentTo, factSentTo+"\x7f", len(factSentTo)+1)
	if err == nil && isMark(was) {
		_, err = db.ExecContext(ctx, "insert into fact (name, value) select ? || id, ? from ("+openAndSent+") where true "+
			"on conflict (name) do nothing", factSentTo, was)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "insert into fact (name, value) values (?, ?) "+
			"on conflict (name) do update set value = excluded.value", factAcquirer, now)
	}
	return err
}

// carryAcquirers takes over to which acquirer what is open was sent, as far as it can
// be read.
func carryAcquirers(old *sql.DB, fresh *Store) error {
	ctx := context.Background()
	type fact struct {
		name  string
		value int64
	}
	facts, _ := rowsOf(ctx, old, func(row scanner) (f fact, err error) {
		err = row.Scan(&f.name, &f.value)
		return f, err
	}, "select name, value from fact where name = ? or name > ? and name < ?", factAcquirer, factSentTo, factSentTo+"\x7f")
	return fresh.inOneCommit(ctx, func(db *sql.DB) error {
		for _, f := range facts {
			if !isMark(f.value) {
				continue
			}
			if _, err := db.ExecContext(ctx, "insert or replace into fact (name, value) values (?, ?)", f.name, f.value); err != nil {
				return err
			}
		}
		return nil
	})
}
