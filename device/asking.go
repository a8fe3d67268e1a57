package device

import (
	"context"
	"io"
	"time"
)

// asked is a request on its way to the engine.
type asked struct {
	request request
	call    call
	limit   int // bytes of its response
}

// answer is its way back. A nil body is no answer at all.
type answer struct {
	request request
	body    []byte
	state   State // that body tells of, if it does
}

// listen reads line until it breaks.
func (c *conversation) listen(within context.Context, line io.Reader) {
	buffer := make([]byte, readBytes)
	for {
		n, err := line.Read(buffer)
		if n > 0 {
			a := arrival{at: time.Now(), bytes: append([]byte(nil), buffer[:n]...)}
			select {
			case c.arrivals <- a:
			case <-within.Done():
				return
			}
		}
		if err != nil {
			c.broken <- err // has room for the one there is
			return
		}
	}
}

// answerAsks has the engine answer one request of a lane after another, in their
// order: an inquiry never overtakes the pay it asks about. The engine's context
// is not the conversation's, so that an unplugged cable breaks off no write.
func (s *session) answerAsks(within, ctx context.Context, lane <-chan asked, c *conversation) {
	for {
		select {
		case <-within.Done():
			return
		case a := <-lane:
			select {
			case c.answers <- s.answerOne(ctx, a):
			case <-within.Done():
				return
			}
		}
	}
}

// answerOne asks the engine, unless T3 ended before its turn came: the register
// then takes the request for unknown and asks (register-link §4 rule 4), so
// there is no use in beginning it.
func (s *session) answerOne(ctx context.Context, a asked) answer {
	over := a.request.at.Add(a.call.patience())
	if !time.Now().Before(over) {
		return answer{request: a.request}
	}
	ctx, cancel := context.WithDeadline(ctx, over)
	defer cancel()
	re := seqText(a.request.seq)
	if a.call.open != nil {
		return answer{request: a.request, body: s.openingAnswer(ctx, re, a.limit)}
	}
	body, state := a.call.ask(ctx, s.Engine, s.Register, re, a.limit)
	return answer{request: a.request, body: body, state: state}
}

func (s *session) openingAnswer(ctx context.Context, re string, limit int) []byte {
	opening, err := s.Engine.Opening(ctx, s.Register)
	if err != nil {
		s.log.Warn("initConnection answered without its lists", "err", err)
		return replyBody("initConnection", re, Reply{Result: Result{
			ResultStatus:  ResultOpen,
			ResultCode:    CodeUnknown,
			ResultMessage: "what is open is not known now, ask again",
		}}, limit)
	}
	return openingBody(re, welcome{Agent: s.Agent, Terminal: s.Terminal}, time.Now(), opening, limit)
}

// lookUp asks the engine what there is to tell, each time it is wanted. While
// that fails the register is told what was known before.
func (s *session) lookUp(within context.Context, c *conversation) {
	failing := false
	for {
		select {
		case <-within.Done():
			return
		case <-c.look:
		}
		states, err := s.tellable(within)
		if within.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			s.log.Warn("asked what there is to tell the register", "answered", !failing, "err", err)
		}
		if failing {
			continue
		}
		select {
		case c.found <- states:
		case <-within.Done():
			return
		}
	}
}

func (s *session) tellable(ctx context.Context) ([]State, error) {
	ctx, cancel := context.WithTimeout(ctx, timeT3)
	defer cancel()
	return s.Engine.Tell(ctx, s.Register)
}
