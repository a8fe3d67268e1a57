package virtual

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Directions of a trace, in the notation of the protocol.
const (
	TraceOut = "R>A"
	TraceIn  = "A>R"
)

// ErrHangUp says that the line has ended, or that Run has returned for another
// reason. What was under way is unknown.
var ErrHangUp = errors.New("the register's line is closed")

// eventsKept bounds the events that wait for a slow reader.
const eventsKept = 64

// Timers are those of register-link §2, the register's share. A zero one is
// replaced by the protocol's value.
type Timers struct {
	T1        time.Duration // between two bytes of a frame; 500 ms
	T2        time.Duration // to the ACK, beside the frame's time on the wire; 1 s
	T3        time.Duration // from the ACK to the response; 3 s
	Diagnosis time.Duration // T3 of the method diagnosis; 20 s
}

// Options describe a register.
type Options struct {
	Name     string // said in initConnection, 1 to 32 printable characters
	Software string // said in initConnection, at most 64; "" leaves it out
	Events   bool   // whether the agent may push; otherwise the register polls
	MaxBody  int    // said in initConnection where not 0; 512 to 9999
	Baud     int    // for the frames' time on the wire; 0 is 115200
	Timers   Timers
	Logger   *slog.Logger // nil logs nothing; bodies are never logged
	// Trace is called with every lump of bytes written and read, from one
	// goroutine, before anything follows from it. It must not keep b. May be nil.
	Trace func(direction string, b []byte)
}

// Register is a cash register on a line. Its methods may be called from any
// goroutine; requests are sent one at a time, in the order they come.
type Register struct {
	line   io.ReadWriteCloser
	o      Options
	calls  chan *call
	events chan Message
	done   chan struct{} // closed when Run has returned
	ran    atomic.Bool
	lost   int // events dropped; Run's own

	mu     sync.Mutex
	counts Counts
	down   bool
}

type call struct {
	ctx   context.Context
	body  []byte
	reply chan reply // takes one without blocking
}

// New makes a register on a line. It starts nothing until Run.
func New(line io.ReadWriteCloser, o Options) *Register {
	o.Timers = o.Timers.orProtocol()
	if o.Baud == 0 {
		o.Baud = 115200
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Trace == nil {
		o.Trace = func(string, []byte) {}
	}
	return &Register{
		line:   line,
		o:      o,
		calls:  make(chan *call),
		events: make(chan Message, eventsKept),
		done:   make(chan struct{}),
	}
}

func (t Timers) orProtocol() Timers {
	for _, d := range []struct {
		of    *time.Duration
		value time.Duration
	}{
		{&t.T1, 500 * time.Millisecond},
		{&t.T2, time.Second},
		{&t.T3, 3 * time.Second},
		{&t.Diagnosis, 20 * time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.value
		}
	}
	return t
}

// Init sends initConnection and returns its response. Both counts start afresh.
func (r *Register) Init(ctx context.Context) (Message, error) {
	body, err := encodeBody(struct {
		Method   string `json:"method"`
		Register string `json:"register"`
		Software string `json:"software,omitempty"`
		Events   bool   `json:"events"`
		MaxBody  int    `json:"maxBody,omitempty"`
	}{initiation, r.o.Name, r.o.Software, r.o.Events, r.o.MaxBody})
	if err != nil {
		return Message{}, err
	}
	return r.RequestRaw(ctx, body)
}

// Request sends one request and waits for the response whose "re" is its SEQ.
// Members may be nil. ErrNoAck, ErrNoResponse, ErrHangUp and the end of ctx all
// mean that the outcome is unknown; a refusal is a response and no error.
func (r *Register) Request(ctx context.Context, method string, members map[string]any) (Message, error) {
	body, err := encodeRequest(method, members)
	if err != nil {
		return Message{}, err
	}
	return r.RequestRaw(ctx, body)
}

// RequestRaw is Request with the body as given, right or wrong, at most 9999
// bytes. A body whose method is initConnection is sent with SEQ 00.
func (r *Register) RequestRaw(ctx context.Context, body []byte) (Message, error) {
	if len(body) > maxBodyLen {
		return Message{}, fmt.Errorf("request of %d bytes: a frame holds %d, shorten it", len(body), maxBodyLen)
	}
	m, err := r.ask(&call{ctx: ctx, body: body, reply: make(chan reply, 1)})
	if err != nil {
		return m, fmt.Errorf("request %q: %w", methodOf(body), err)
	}
	return m, nil
}

func (r *Register) ask(c *call) (Message, error) {
	if err := c.ctx.Err(); err != nil {
		return Message{}, err
	}
	select {
	case r.calls <- c:
	case <-c.ctx.Done():
		return Message{}, c.ctx.Err()
	case <-r.done:
		return Message{}, ErrHangUp
	}
	got := <-c.reply // Run answers every call it has taken, at its end at the latest.
	return got.message, got.err
}

// Events are what the agent pushed, each frame once. It is never closed. Where
// nobody reads, the newest 64 are kept and the others counted in EventsLost:
// the agent says a final state again until it is delivered.
func (r *Register) Events() <-chan Message { return r.events }

// Done is closed when Run has returned.
func (r *Register) Done() <-chan struct{} { return r.done }

// Counts returns what has been seen on the line so far.
func (r *Register) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Down says that the last frame was sent three times for nothing and no frame
// or acknowledgement has come since (register-link §2, T2).
func (r *Register) Down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.down
}
