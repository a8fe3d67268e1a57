package queue

import (
	"context"
	"database/sql"
	"time"
)

// anyClock is a time that was over before there was this program: a clock that shows
// an earlier one was not set yet.
func anyClock() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// rowsLostAt is when rows were last lost to a damaged file, or the zero time. A store
// is found damaged after a power cut, when the clock of such a box may stand at 1970:
// that time is corrected once a better one is known, or what was lost would be
// forgotten the moment the clock is set.
func (s *Store) rowsLostAt(ctx context.Context, now time.Time) (time.Time, error) {
	ms, err := s.fact(ctx, "rows_lost_at")
	lost := fromMillis(ms)
	if err != nil || lost.IsZero() || !lost.Before(anyClock()) || now.Before(anyClock()) {
		return lost, err
	}
	return now, wrap(s.setFact(ctx, "rows_lost_at", millis(now)), "correct when rows were lost")
}

// rowsLost reports whether an ID that is not found may have been lost with a
// damaged store.
func (l *loop) rowsLost(now time.Time) bool {
	if l.lostAt.IsZero() {
		return false
	}
	return l.lostAt.Before(anyClock()) || now.Before(l.lostAt.Add(l.o.Retention))
}

// revsLost is more changes than any row sees: by so much may a register know better
// than a row that was carried over.
const revsLost = 1000

// onlyAskAbout makes an open payment one that is asked about and never paid again:
// its row may be older than what happened. What the register was told of that is in
// a rev that the row has not reached, and whatever is told under a smaller one is
// stale to it (register-link §4 rule 10).
func onlyAskAbout(now time.Time, p Payment, report *Salvage) Payment {
	if p.State.Final() {
		return p
	}
	report.Open++
	p.State, p.PayNoMore, p.Rev = Unresolved, true, p.Rev+revsLost
	p.OpenAttempts, p.QuietFrom = max(p.OpenAttempts, 1), now
	p.at(now, Inquire)
	return p
}

// storyFrom is what can be read of a row's story in a damaged store. It has no CRC and
// decides nothing; whoever has to find out what happened wants it most of all.
func storyFrom(damaged *sql.DB, id string) []Event {
	story, _ := reader{damaged}.Story(context.Background(), id)
	return story
}
