package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Stages of a request, in the order they are reached. A request that is refused,
// or that a cruelty ends early, goes from StageRead to StageOver.
const (
	StageRead  = "read"  // all of it has arrived
	StageHangs = "hangs" // it lies unanswered; Acted says whether the ledger has acted on it
	StageActed = "acted" // the ledger has acted on it, the answer is not out
	StageOver  = "over"  // Fate says how it ended
)

// Fates of a request.
const (
	FateAnswered = "answered"    // an answer was written, true or not
	FateClosed   = "closed"      // the stand-in closed the connection
	FateGone     = "caller gone" // the caller went away, or the stand-in shut down
)

// Event is one request in the history. It names no key, signature or receipt.
type Event struct {
	Number       int       `json:"number"` // from 1 up, in order of arrival
	At           time.Time `json:"at"`
	Method       string    `json:"method"`
	URI          string    `json:"uri"`
	Call         string    `json:"call,omitempty"`
	ID           string    `json:"id,omitempty"` // paymentRequestId, refundRequestId or refundId
	AmountMinor  int64     `json:"amountMinor,omitempty"`
	Currency     string    `json:"currency,omitempty"`
	Bytes        int       `json:"bytes"`
	Verified     bool      `json:"verified"`  // its signature was good
	Encrypted    bool      `json:"encrypted"` // it came encrypted
	SkewMillis   int64     `json:"skewMillis,omitempty"`
	Cruelty      string    `json:"cruelty,omitempty"`
	Stage        string    `json:"stage"`
	Acted        bool      `json:"acted"`
	Fate         string    `json:"fate,omitempty"`
	HTTPStatus   int       `json:"httpStatus,omitempty"`
	ResultStatus string    `json:"resultStatus,omitempty"` // as answered
	ResultCode   string    `json:"resultCode,omitempty"`
	Refusal      string    `json:"refusal,omitempty"` // why it was refused, for the caller's programmer
	TookMillis   int64     `json:"tookMillis"`
}

// historyLimit bounds the history; the oldest events go first. The ledger never
// forgets.
const historyLimit = 50_000

type history struct {
	mu      sync.Mutex
	number  int
	events  []*Event
	changed chan struct{} // closed and replaced at every change
}

func newHistory() *history { return &history{changed: make(chan struct{})} }

// add numbers and keeps an event; from then on it changes only through update.
func (h *history) add(e *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number++
	e.Number = h.number
	h.events = append(h.events, e)
	if len(h.events) > historyLimit {
		h.events = h.events[1:]
	}
	h.tell()
}

func (h *history) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	h.tell()
}

func (h *history) tell() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *history) list() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Event, 0, len(h.events))
	for _, e := range h.events {
		list = append(list, *e)
	}
	return list
}

// first returns the first matching event, or a channel that is closed at the
// next change.
func (h *history) first(match func(Event) bool) (Event, bool, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if match(*e) {
			return *e, true, nil
		}
	}
	return Event{}, false, h.changed
}

// History returns every request seen, oldest first, at most 50,000.
func (s *Server) History() []Event { return s.history.list() }

// Await returns the first event of the history that matches, waiting for it
// until ctx ends. Match is called with the history locked: it only looks.
func (s *Server) Await(ctx context.Context, match func(Event) bool) (Event, error) {
	for {
		e, found, changed := s.history.first(match)
		if found {
			return e, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("await an event: %w", context.Cause(ctx))
		}
	}
}
