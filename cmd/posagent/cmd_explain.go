package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"posagent/config"
	"posagent/queue"
)

func explainCommand() command {
	return command{
		name:  "explain",
		usage: "-config FILE [-json] ID",
		brief: "tell one payment's or refund's story",
		about: "Tells how a payment or refund stands, what happened to it and when, what is\n" +
			"known of it and what is not, and the safe next step for shop staff and for a\n" +
			"technician. ID is its paymentRequestId or refundRequestId; of an id that the\n" +
			"store does not have it says where else to look. It reads the store and changes\n" +
			"nothing, whether the agent runs or not.\n\n" +
			"Exit 0: explained; 1: the store does not have it, or can't be read.\n",
		run: runExplain,
	}
}

func runExplain(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	asJSON := fs.Bool("json", false, "as one JSON object")
	ids, code, ok := c.parseMixed(e, fs, args)
	if !ok {
		return code
	}
	if *file == "" || len(ids) != 1 || ids[0] == "" {
		return c.misused(e, "give a configuration with -config FILE, and one ID")
	}
	view, cfg, code := c.view(e, *file)
	if view == nil {
		return code
	}
	defer func() { _ = view.Close() }() // it was only read
	f, err := gather(ctx, view, cfg, ids[0])
	if errors.Is(err, queue.ErrNotFound) {
		return c.explainUnknown(ctx, e, view, cfg, ids[0], *asJSON)
	}
	if err != nil {
		return c.failed(e, err)
	}
	f.now, f.zone, f.file = time.Now(), time.Local, *file
	f.running = agentAnswers(ctx, cfg)
	if !*asJSON {
		fmt.Fprint(e.stdout, f.text())
		return exitDone
	}
	if err := json.NewEncoder(e.stdout).Encode(f.explanation()); err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

// agentAnswers reports whether an agent runs and can be asked.
func agentAnswers(ctx context.Context, cfg config.Config) bool {
	const patience = 2 * time.Second
	var answer map[string]any
	return newStatusClient(cfg.Status.Listen, patience).get(ctx, statusBrief, &answer) == nil
}
