package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"posagent/queue"
)

func runCommand() command {
	return command{
		name:  "run",
		usage: "-config FILE",
		brief: "be the payment agent",
		about: "Serves every register of the configuration until SIGTERM or SIGINT, and then ends\n" +
			"within five seconds. It logs to standard error. SIGHUP, or a changed file, has the\n" +
			"configuration and its keys read anew: where anything is wrong with them, the one before\n" +
			"stays in force. It tells systemd that it is ready, reloading and alive (Type=notify,\n" +
			"WatchdogSec=). Exit 0: ended as told; 1: could not go on; 78: the configuration is\n" +
			"wrong, or the store it names is another program's or a newer version's, and nothing\n" +
			"was started.\n",
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
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	logs := newLogs(e.stderr, s.Log)
	err = serveAmid(ctx, s, surroundings{
		log: slog.New(logs), logs: logs, hup: hup, every: lookEvery, systemd: systemdOf(os.Getenv),
	})
	if queue.Unfit(err) { // a supervisor that tried again would say the same for ever
		c.failed(e, err)
		return exitConfig
	}
	if err != nil {
		return c.failed(e, err)
	}
	return exitDone
}
