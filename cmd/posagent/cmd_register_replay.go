package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"posagent/device"
	"posagent/device/virtual"
)

// replayAsks is how soon a replay asks for an end that does not come by itself.
const replayAsks = time.Second

// act is one thing to do in a replay: to await an end that was told in the
// session, or to send a request of it.
type act struct {
	awaits subjectKey
	status string // of what is awaited

	body   json.RawMessage
	asked  ending
	answer *ending // nil: none was recorded
}

// script makes the acts of a recorded session. A frame sent again and the same
// end told again are no further acts.
func script(session []device.Sighting) []act {
	var acts []act
	asking := map[string]int{} // SEQ of a request without its response: its place among the acts
	told := map[subjectKey]string{}
	last := map[string]string{} // way: SEQ and CRC of its latest frame
	for _, s := range session {
		if s.Kind != device.SightFrame || s.Body == nil || last[s.Way] == s.Seq+s.CRC {
			continue
		}
		last[s.Way] = s.Seq + s.CRC
		if s.Way == device.FromRegister {
			asking[s.Seq] = len(acts)
			acts = append(acts, act{body: s.Body, asked: endingOf(s.Body)})
			continue
		}
		said := endingOf(s.Body)
		re := virtual.Message{Body: s.Body}.Re()
		if at, found := asking[re]; found && re != "" {
			acts[at].answer = &said
			delete(asking, re)
		}
		if k := said.key(); said.Final && told[k] != said.status() {
			told[k] = said.status()
			acts = append(acts, act{awaits: k, status: said.status()})
		}
	}
	return acts
}

// player plays a script against an agent.
type player struct {
	reg     *virtual.Register
	w       io.Writer
	known   map[subjectKey]ending // the newest state heard of each
	differs int
}

// replay plays the register's side of a recording and compares.
func replay(ctx context.Context, w io.Writer, reg *virtual.Register, f registerFlags) error {
	file, err := os.Open(f.replay)
	if err != nil {
		return err
	}
	session, err := device.ReadRecording(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	acts := script(session)
	if len(acts) == 0 {
		return fmt.Errorf("%s: no request of a register is in it", f.replay)
	}
	if acts[0].asked.Method != "initConnection" && !f.noInit {
		if _, err := reg.Init(ctx); err != nil {
			return fmt.Errorf("initConnection: %w", err)
		}
	}
	p := &player{reg: reg, w: w, known: map[subjectKey]ending{}}
	for _, a := range acts {
		if err := p.play(ctx, a); err != nil {
			return err
		}
	}
	if p.differs > 0 {
		return fmt.Errorf("%d of %d differ from the recording", p.differs, len(acts))
	}
	fmt.Fprintf(w, "all %d are as recorded\n", len(acts))
	return nil
}

func (p *player) play(ctx context.Context, a act) error {
	if a.body == nil {
		return p.await(ctx, a)
	}
	m, err := p.reg.RequestRaw(ctx, p.current(a))
	if err != nil {
		return err
	}
	now := endingOf(m.Body)
	p.note(now)
	p.judge(a, now)
	return nil
}

// current is a recorded request as it must be sent now: what is delivered has
// the rev that this agent told.
func (p *player) current(a act) []byte {
	state, known := p.known[a.asked.subject()]
	if a.asked.Method != "delivered" || !known || a.answer == nil || a.answer.Result.Status != "S" {
		return a.body
	}
	members := a.asked.subject().members()
	members["method"], members["rev"] = "delivered", state.Rev
	body, err := json.Marshal(members)
	if err != nil {
		panic("register: " + err.Error()) // two strings and a number
	}
	return body
}

// judge compares an answer with the recorded one. Where an end came sooner than
// then, only the end counts, and that is awaited.
func (p *player) judge(a act, now ending) {
	what := fmt.Sprintf("%s %s", a.asked.Method, a.asked.subject().id)
	then := a.answer
	switch {
	case then == nil:
		p.say("same", what, now.outline()+", then unanswered")
	case now.Final && !then.Final && then.status() != "" && now.Result.Status != "F":
		p.say("same", what, now.outline()+", sooner")
	case now.outline() != then.outline():
		p.differs++
		p.say("DIFFERS", what, fmt.Sprintf("%s, then %s", now.outline(), then.outline()))
	default:
		p.say("same", what, now.outline())
	}
}

// outline is what matters of an answer and does not depend on the moment.
func (e ending) outline() string {
	text := e.Result.Status + " " + e.Result.Code
	if e.Final {
		text += fmt.Sprintf(", %s %v %v", e.status(), e.PaymentAmount, e.RefundAmount)
	}
	return text
}

// await waits for an end that was told in the session, and compares it.
func (p *player) await(ctx context.Context, a act) error {
	for !p.known[a.awaits].Final {
		select {
		case m := <-p.reg.Events():
			p.note(endingOf(m.Body))
			continue
		case <-p.reg.Done():
			return errors.New("the line is closed")
		case <-ctx.Done():
			return fmt.Errorf("%s: no end in time, then %s", a.awaits.id, a.status)
		case <-time.After(replayAsks):
		}
		m, err := p.reg.Request(ctx, a.awaits.inquiry(), a.awaits.members())
		if err != nil {
			return err
		}
		if now := endingOf(m.Body); now.Result.Status == "F" {
			p.differs++
			p.say("DIFFERS", a.awaits.id, now.outline()+", then "+a.status)
			return nil
		}
		p.note(endingOf(m.Body))
	}
	now := p.known[a.awaits].status()
	if now != a.status {
		p.differs++
		p.say("DIFFERS", a.awaits.id, now+", then "+a.status)
		return nil
	}
	p.say("same", a.awaits.id, now)
	return nil
}

// note keeps a state unless a later one is known.
func (p *player) note(e ending) {
	if k := e.key(); k.id != "" && e.Rev >= p.known[k].Rev {
		p.known[k] = e
	}
}

func (p *player) say(verdict, what, how string) {
	fmt.Fprintf(p.w, "%-8s %s: %s\n", verdict, what, how)
}
