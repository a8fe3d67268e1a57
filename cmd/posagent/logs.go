package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"posagent/config"
)

// logs is where a log goes, in a level and a form that can be changed while it is
// written. It is a slog.Handler.
type logs struct {
	level  *slog.LevelVar
	asJSON *atomic.Bool
	text   slog.Handler
	json   slog.Handler
}

// newLogs writes to w as the configuration says.
func newLogs(w io.Writer, l config.Log) *logs {
	level := new(slog.LevelVar)
	o := &slog.HandlerOptions{Level: level}
	out := &logs{level: level, asJSON: new(atomic.Bool), text: slog.NewTextHandler(w, o), json: slog.NewJSONHandler(w, o)}
	out.set(l)
	return out
}

// set changes the level and the form, also for loggers that were made from it.
func (l *logs) set(to config.Log) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(to.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked; a word too many does no harm
	}
	l.level.Set(level)
	l.asJSON.Store(to.Format == "json")
}

func (l *logs) now() slog.Handler {
	if l.asJSON.Load() {
		return l.json
	}
	return l.text
}

// Enabled is slog's.
func (l *logs) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

// Handle is slog's.
func (l *logs) Handle(ctx context.Context, r slog.Record) error { return l.now().Handle(ctx, r) }

// WithAttrs is slog's.
func (l *logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logs{l.level, l.asJSON, l.text.WithAttrs(attrs), l.json.WithAttrs(attrs)}
}

// WithGroup is slog's.
func (l *logs) WithGroup(name string) slog.Handler {
	return &logs{l.level, l.asJSON, l.text.WithGroup(name), l.json.WithGroup(name)}
}
