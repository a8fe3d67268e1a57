package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Limits of the status server. Whoever asks is on this machine and asks for a few
// kilobytes.
const (
	statusBodyBytes   = 64 << 10
	statusHeaderBytes = 8 << 10
	statusReadTime    = 5 * time.Second
	statusWriteTime   = 10 * time.Second
	statusIdleTime    = 30 * time.Second
	statusEndTime     = 500 * time.Millisecond // at the end: for what is being answered
)

// statusServer answers those who watch the agent: GET /status and GET /metrics,
// and on the unix socket alone what changes something.
type statusServer struct {
	ln     net.Listener
	http   *http.Server
	ended  chan struct{}
	listen string
}

// routes are what the status server answers. onSocket says that only the agent's
// user and group can ask (unix socket), so that POST is allowed.
type routes func(mux *http.ServeMux, onSocket bool)

// openStatusServer listens and answers until it is closed.
func openStatusServer(ctx context.Context, listen string, add routes, log *slog.Logger) (*statusServer, error) {
	ln, err := listenStatus(ctx, listen)
	if err != nil {
		return nil, err
	}
	_, onSocket := unixPath(listen)
	mux := http.NewServeMux()
	add(mux, onSocket)
	var handler http.Handler = mux
	if !onSocket {
		handler = fromHere(mux)
	}
	s := &statusServer{
		ln: ln, listen: listen, ended: make(chan struct{}),
		http: &http.Server{
			Handler:           http.MaxBytesHandler(handler, statusBodyBytes),
			ReadHeaderTimeout: statusReadTime,
			ReadTimeout:       statusReadTime,
			WriteTimeout:      statusWriteTime,
			IdleTimeout:       statusIdleTime,
			MaxHeaderBytes:    statusHeaderBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the status socket ended; payments go on", "listen", listen, "err", err)
		}
	}()
	return s, nil
}

// close ends the server; what is being answered has a moment.
func (s *statusServer) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusEndTime)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // who does not read is cut off
	}
	<-s.ended
}

// fromHere turns away what a web page made a browser on this machine ask for: its
// Host is the page's.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		at, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if strings.EqualFold(host, "localhost") || err == nil && at.IsLoopback() {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "ask for localhost", http.StatusForbidden)
	})
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // who asked may have gone
}
