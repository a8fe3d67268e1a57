package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"posagent/queue"
)

// resolvePath is where a running agent takes a person's word: on the unix socket
// alone, which only the agent's user and group can open.
const resolvePath = "/resolve"

// personsWord is what is posted there.
type personsWord struct {
	ID     string    `json:"id"`
	Paid   bool      `json:"paid"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Seen   time.Time `json:"seen"`
}

// word is the same for the queue.
func (p personsWord) word() queue.Resolve {
	return queue.Resolve{Paid: p.Paid, By: p.By, Reason: p.Reason, Seen: p.Seen}
}

// Antom is mostly being asked about a payment that has just come into doubt: a
// person's word waits for the moment between two questions, for as long as a client
// of the socket waits for its answer.
const (
	resolveTime  = 8 * time.Second
	resolveAgain = 50 * time.Millisecond
)

// answerResolve answers POST /resolve: with the payment as it is then, or with why
// not.
func (a *agent) answerResolve(w http.ResponseWriter, r *http.Request) {
	var said personsWord
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&said); err != nil {
		http.Error(w, "want {id, paid, by, reason, seen}: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTime)
	defer cancel()
	p, err := resolveBetweenQuestions(ctx, func() (queue.Payment, error) { return a.worker.Resolve(ctx, said.ID, said.word()) })
	if err != nil {
		http.Error(w, err.Error(), resolveCode(err))
		return
	}
	writeJSON(w, http.StatusOK, recordOf(queue.Record{Payment: &p}))
}

// resolveBetweenQuestions tries again for as long as Antom is being asked.
func resolveBetweenQuestions(ctx context.Context, try func() (queue.Payment, error)) (queue.Payment, error) {
	for {
		p, err := try()
		if !errors.Is(err, queue.ErrAsking) {
			return p, err
		}
		select {
		case <-time.After(resolveAgain):
		case <-ctx.Done():
			return p, err
		}
	}
}

func resolveCode(err error) int {
	var wrong *queue.CommandError
	var soon *queue.TooSoonError
	switch {
	case errors.As(err, &wrong):
		return http.StatusBadRequest
	case errors.Is(err, queue.ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, &soon), errors.Is(err, queue.ErrFinal), errors.Is(err, queue.ErrNotInDoubt), errors.Is(err, queue.ErrAsking):
		return http.StatusConflict
	case errors.Is(err, queue.ErrStopping):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError // it may be recorded yet
}
