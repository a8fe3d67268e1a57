package main

import (
	"context"
	"io"
	"log/slog"

	"posagent/config"
)

func runCommand() command {
	return command{
		name:  "run",
		usage: "-config FILE",
		brief: "be the payment agent",
		about: "Serves every register of the configuration until SIGTERM or SIGINT, and then ends\n" +
			"within five seconds. It logs to standard error. Exit 0: ended as told; 1: could not\n" +
			"go on; 78: the configuration is wrong, and nothing was started.\n",
		run: runAgent,
	}
}

func runAgent(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if *file == "" || fs.NArg() > 0 {
		return c.misused(e, "give one configuration with -config FILE")
	}
	s, err := loadSettings(*file)
	if err != nil {
		return c.misconfigured(e, *file, err)
	}
	if err := serve(ctx, s, newLogger(e.stderr, s.Log)); err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

func newLogger(w io.Writer, l config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked; a word too many does no harm
	}
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
