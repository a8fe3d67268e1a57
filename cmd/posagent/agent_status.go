package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// statusRoutes are what a running agent answers to those who watch it.
func (a *agent) statusRoutes(mux *http.ServeMux, _ bool) {
	mux.HandleFunc("GET /status", a.answerStatus)
}

// openStatus opens the status socket. A shop must not stay shut because nobody can
// watch it: where that fails the agent says so, loudly, and goes on.
func (a *agent) openStatus(ctx context.Context, listen string, log *slog.Logger) *statusServer {
	if listen == "" {
		return nil
	}
	s, err := openStatusServer(ctx, listen, a.statusRoutes, log)
	if err != nil {
		log.Error("no status socket; payments are not affected, but posagent status, hold-check and /metrics can't ask this agent; "+
			"mend it and reload (SIGHUP) or restart", "listen", listen, "err", err)
		return nil
	}
	log.Info("status socket open", "listen", listen)
	return s
}

func (a *agent) answerStatus(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"version": version, "startedAt": a.started.UTC().Format(time.RFC3339)})
}
