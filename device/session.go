package device

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// session is one register's, for as long as Serve runs. Its link, teller and
// agreement belong to the goroutine of run; they outlive a hang-up.
type session struct {
	Options
	log    *slog.Logger
	link   *link
	teller *teller
	events bool // as agreed by initConnection

	telling State // the end that the next write puts on the line; none where there is none

	saidDown bool // the register was told that upstream is down, and not yet that it is up

	recorder *recorder // nil keeps nothing

	wasUp    bool
	nextLook time.Time // when the engine is asked again what there is to tell
}

// conversation is what happens between an opening and a hang-up. Its channels
// join the loop with the four goroutines that may block.
type conversation struct {
	arrivals chan arrival
	broken   chan error // the line can't be read any more
	asks     chan asked
	slow     chan asked // diagnosis, which may take long
	answers  chan answer
	look     chan struct{} // ask the engine what there is to tell
	found    chan []State
}

// arrival is what one read brought, and when.
type arrival struct {
	at    time.Time
	bytes []byte
}

// converse speaks the link over line until it breaks or ctx is done. It closes
// line and awaits what it started.
func (s *session) converse(ctx context.Context, line io.ReadWriteCloser) error {
	within, end := context.WithCancel(ctx)
	c := &conversation{
		arrivals: make(chan arrival, 64), // the line is read on while a write takes its time
		broken:   make(chan error, 1),
		asks:     make(chan asked, requestsUnderWay),
		slow:     make(chan asked, diagnosesUnderWay),
		answers:  make(chan answer),
		look:     make(chan struct{}, 1),
		found:    make(chan []State),
	}
	var started sync.WaitGroup
	started.Go(func() { // ends a read and a write under way
		<-within.Done()
		_ = line.Close() // the line is given up; nothing follows from its error
	})
	started.Go(func() { c.listen(within, line) })
	started.Go(func() { s.answerAsks(within, ctx, c.asks, c) })
	started.Go(func() { s.answerAsks(within, ctx, c.slow, c) })
	started.Go(func() { s.lookUp(within, c) })
	err := s.run(within, line, c)
	end()
	started.Wait()
	s.Meter.set(Reading{Counts: s.link.counted()})
	if ctx.Err() != nil { // then it was we who closed line
		return ctx.Err()
	}
	return err
}

// run is the loop: the one owner of link and teller.
func (s *session) run(ctx context.Context, line io.Writer, c *conversation) error {
	now := time.Now()
	s.link.reopened()
	s.teller.again(now)
	s.lookSoon(now, c)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now = time.Now()
		s.keepUp(now, c)
		if err := s.say(line, s.link.written(now)); err != nil {
			return err
		}
		timer.Reset(s.untilDeadline(time.Now()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-c.broken:
			return err
		case a := <-c.arrivals:
			s.arrived(a, c)
		case a := <-c.answers:
			s.answered(time.Now(), a, c)
		case states := <-c.found:
			s.teller.update(time.Now(), states)
		case _, open := <-s.Wake:
			if !open {
				s.Wake = nil // closed, it would be ready for ever
			}
			s.lookSoon(time.Now(), c)
		case <-timer.C:
			s.onTime(c)
		}
	}
}

// onTime does what a deadline asks for, unless bytes came before it that only
// waited for the loop.
func (s *session) onTime(c *conversation) {
	select {
	case a := <-c.arrivals:
		s.arrived(a, c)
	default:
		s.link.tick(time.Now())
	}
}

// keepUp gives the link the next event once it is idle, and says what changed.
func (s *session) keepUp(now time.Time, c *conversation) {
	if up := s.link.up; up != s.wasUp {
		s.wasUp = up
		s.log.Info("link", "up", up)
	}
	if s.link.up && !now.Before(s.nextLook) {
		s.lookSoon(now, c)
	}
	if s.events && s.link.idle(now) {
		if body := s.upstreamNews(); body != nil {
			s.link.tell(body)
		} else if state, due := s.teller.next(now); due {
			s.link.tell(eventBody(state, s.link.dec.limit))
			s.telling = state
		}
	}
	s.Meter.set(Reading{PortOpen: true, LinkUp: s.link.up, Counts: s.link.counted()})
}

// say writes out, and then notes that an end was put on the line, if there is one in
// it: once it is there, so that nobody who hears of it is in its way. One that was not
// written, or not whole, is told again, and is noted then.
//
// A peer that takes nothing in time is not an error of the line: T2 finds out what it
// means.
func (s *session) say(line io.Writer, out []byte) error {
	telling := s.telling
	s.telling = State{}
	err := s.write(line, out)
	if errors.Is(err, ErrTimeout) {
		s.log.Debug("register does not read", "err", err)
		return nil
	}
	if err == nil && s.Told != nil && telling.final() {
		s.Told(telling.ID(), telling.rev())
	}
	return err
}

// upstreamNews is the event that the way to the acquirer is up or down, where
// that was not said yet; nil where it was.
func (s *session) upstreamNews() []byte {
	if s.Upstream == nil {
		return nil
	}
	down := !s.Upstream()
	if down == s.saidDown {
		return nil
	}
	s.saidDown = down
	return linkBody(!down)
}

// untilDeadline is how long nothing has to be done unless something happens.
func (s *session) untilDeadline(now time.Time) time.Duration {
	due := s.link.deadline(now)
	if s.link.up {
		due = earliest(due, s.nextLook)
	}
	if s.events && s.link.idle(now) {
		due = earliest(due, s.teller.deadline())
	}
	if due.IsZero() {
		return time.Hour
	}
	return due.Sub(now)
}

// write sends out.
func (s *session) write(line io.Writer, out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s.recorder.keep(time.Now(), FromAgent, out)
	_, err := line.Write(out)
	return err
}

// arrived gives bytes to the link and sees to the requests among them.
func (s *session) arrived(a arrival, c *conversation) {
	s.recorder.keep(a.at, FromRegister, a.bytes)
	for _, r := range s.link.receive(a.at, a.bytes) {
		s.requested(r, c)
	}
}

func (s *session) requested(r request, c *conversation) {
	call, refused := understand(r)
	re, limit := seqText(r.seq), s.link.dec.limit
	switch {
	case refused != nil:
		s.log.Debug("request refused", "method", call.method, "resultCode", refused.code)
		s.link.respond(r, refusalBody(call.method, re, refused, limit))
		return
	case call.echo != nil:
		s.link.respond(r, echoBody(re, *call.echo, limit))
		return
	case call.open != nil:
		s.agree(r.at, *call.open)
	}
	lane := c.asks
	if call.isSlow() {
		lane = c.slow
		s.link.settle(r) // nothing else waits for it
	}
	r.patience = call.patience()
	select {
	case lane <- asked{request: r, call: call, limit: s.link.dec.limit}:
	default:
		s.log.Warn("register asks faster than it is answered, one request left unanswered", "method", call.method)
		s.link.leaveUnanswered(r)
	}
}

// agree takes what initConnection settles, and tells everything again
// (register-link §4 rule 9).
func (s *session) agree(now time.Time, a agreement) {
	s.events, s.link.dec.limit = a.events, a.maxBody
	s.saidDown = false // a register that begins takes it for up
	s.teller.again(now)
	s.log.Info("register opened the link", "calls_itself", a.register, "software", a.software,
		"events", a.events, "max_body", a.maxBody)
}

// answered gives the link a response that the engine's goroutine made.
func (s *session) answered(now time.Time, a answer, c *conversation) {
	if a.body == nil {
		s.link.leaveUnanswered(a.request)
		return
	}
	s.link.respond(a.request, a.body)
	if !a.state.none() {
		s.teller.said(now, a.state)
	}
	s.lookSoon(now, c)
}

// lookSoon has the engine asked what there is to tell; once more is enough
// however often it is wanted.
func (s *session) lookSoon(now time.Time, c *conversation) {
	s.nextLook = now.Add(timeT5)
	select {
	case c.look <- struct{}{}:
	default:
	}
}
