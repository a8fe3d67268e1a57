package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"posagent/config"
)

func statusCommand() command {
	return command{
		name:  "status",
		usage: "-config FILE [-watch] [-json]",
		brief: "show how the agent is, on one screen",
		about: "Shows the registers' links, whether Antom answers, the clocks, what is open and in\n" +
			"doubt, what registers have not stored yet, today's totals and the store. It asks the\n" +
			"running agent over [status] listen; where none runs or it can't be asked it says so,\n" +
			"and shows what the store tells. It changes nothing.\n\n" +
			"Exit 0: shown, by the agent or by its store (-json: running); 1: neither could be\n" +
			"read; 78: the configuration is wrong.\n",
		run: runStatus,
	}
}

func runStatus(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	watch := fs.Bool("watch", false, "show it every second until Ctrl-C; into a file or a pipe a line at each change")
	asJSON := fs.Bool("json", false, "as JSON; with -watch one object a line")
	file, cfg, code, ok := c.configured(e, fs, args)
	if !ok {
		return code
	}
	if *watch {
		return c.watchStatus(ctx, e, file, cfg, *asJSON)
	}
	is := reportOf(ctx, file, cfg, true)
	if *asJSON {
		text, err := json.MarshalIndent(is, "", "  ")
		if err != nil {
			return c.failed(e, err)
		}
		fmt.Fprintf(e.stdout, "%s\n", text)
	} else {
		fmt.Fprint(e.stdout, drawn(screen(is, time.Local), isTerminal(e.stdout)))
	}
	if !is.Payments.Answering {
		return exitFailed
	}
	return exitDone
}

// How often a watched status is asked for: of a running agent, and of a store, which
// has to be read.
const (
	watchEvery      = time.Second
	watchStoreEvery = 5 * time.Second
)

// watchStatus shows it until ctx ends, as by Ctrl-C.
func (c command) watchStatus(ctx context.Context, e env, file string, cfg config.Config, asJSON bool) int {
	said := ""
	onScreen := isTerminal(e.stdout) && !asJSON
	for {
		is := reportOf(ctx, file, cfg, true)
		if ctx.Err() != nil {
			return exitDone
		}
		switch line := inALine(is); {
		case asJSON:
			if err := json.NewEncoder(e.stdout).Encode(is); err != nil {
				return c.failed(e, err)
			}
		case onScreen: // each line over the one before, so that nothing flickers
			fmt.Fprint(e.stdout, redrawn(screen(is, time.Local)))
		case line != said:
			fmt.Fprintf(e.stdout, "%s %s\n", is.At.Local().Format(time.TimeOnly), line)
			said = line
		}
		every := watchEvery
		if !is.Running {
			every = watchStoreEvery
		}
		select {
		case <-ctx.Done():
			return exitDone
		case <-time.After(every):
		}
	}
}
