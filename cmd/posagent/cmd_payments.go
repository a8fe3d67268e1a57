package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"posagent/config"
	"posagent/queue"
)

// listedAtMost is how many payments are listed unless more are asked for.
const listedAtMost = 20

func paymentsCommand() command {
	return command{
		name:  "payments",
		usage: "-config FILE [-state WORD] [-since TIME]\n       [-register NAME] [-amount AMOUNT] [-id PART] [-limit N] [-json]",
		brief: "list payments and refunds",
		about: "Lists the payments and refunds that fit all of what is given, newest first.\n" +
			"It reads the store and changes nothing, whether the agent runs or not.\n\n" +
			"-state   open (no end yet), in-doubt (the window is over, the outcome open),\n" +
			"         or a state of the store, of payments " + strings.Join(stateWords()[2:5], ", ") + ",\n" +
			"         " + strings.Join(stateWords()[5:8], ", ") + ", of refunds " + strings.Join(stateWords()[8:], ", ") + "\n" +
			"-since   2h, 7d, today, yesterday, 14:30, 2026-11-25 or 2026-11-25T14:30\n" +
			"-amount  10.50, or \"SGD 10.50\"\n" +
			"-json    one object a line\n\n" +
			"Exit 0: listed, also where nothing fits; 1: the store can't be read.\n",
		run: runPayments,
	}
}

// stateWords are what -state takes: two that say more than one state, those of a
// payment, and those of a refund.
func stateWords() []string {
	return []string{
		"open", "in-doubt",
		string(queue.Received), string(queue.Sending), string(queue.Unresolved), string(queue.Paid), string(queue.Failed), string(queue.Cancelled),
		string(queue.RefundWaiting), string(queue.RefundAsking), string(queue.Refunded), string(queue.RefundRefused),
	}
}

func runPayments(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	state := fs.String("state", "", "only in this state: a `WORD` from above")
	since := fs.String("since", "", "only stored at this `TIME` or later")
	register := fs.String("register", "", "only of the register of this `NAME`")
	amount := fs.String("amount", "", "only of this `AMOUNT`")
	id := fs.String("id", "", "only with this `PART` in the id")
	limit := fs.Int("limit", listedAtMost, "list at most `N`; 0: all")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if *file == "" || fs.NArg() > 0 {
		return c.misused(e, "give one configuration with -config FILE")
	}
	if *limit < 0 {
		return c.misused(e, "-limit %d: want a number, or 0 for all", *limit)
	}
	f := queue.Filter{Register: *register, ID: *id, Limit: *limit}
	if err := filterBy(&f, time.Now(), *state, *since, *amount); err != nil {
		return c.misused(e, "%v", err)
	}
	view, _, code := c.view(e, *file)
	if view == nil {
		return code
	}
	defer func() { _ = view.Close() }() // it was only read
	list, err := view.List(ctx, f)
	if err != nil {
		return c.failed(e, err)
	}
	if *asJSON {
		return c.listJSON(e, list)
	}
	fmt.Fprint(e.stdout, paymentsTable(list, time.Local))
	return exitDone
}

// view opens the store that a configuration names, to be looked at. Where it can't,
// it says why and returns the exit code.
func (c command) view(e env, file string) (*queue.View, config.Config, int) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, cfg, c.misconfigured(e, file, err)
	}
	view, err := queue.OpenView(cfg.Store.Path)
	if err != nil {
		return nil, cfg, c.failed(e, err)
	}
	return view, cfg, exitDone
}

// filterBy reads the words of a filter.
func filterBy(f *queue.Filter, now time.Time, state, since, amount string) (err error) {
	switch {
	case state == "open":
		f.Open = true
	case state == "in-doubt":
		f.InDoubt = true
	case state != "" && !slices.Contains(stateWords(), state):
		return fmt.Errorf("-state %q: no such state", state)
	default:
		f.State = state
	}
	if since != "" {
		if f.Since, err = timeLike(now, since); err != nil {
			return fmt.Errorf("-since %w", err)
		}
	}
	if amount != "" {
		if f.Amount, err = amountLike(amount); err != nil {
			return fmt.Errorf("-amount %w", err)
		}
	}
	return nil
}

// amountLike reads an amount as [money] writes it, or the number alone: then it
// stands for that many of whatever currency a payment is in.
func amountLike(text string) (func(int64, string) bool, error) {
	currency, number := "", strings.TrimSpace(text)
	if len(number) > 3 && strings.Trim(strings.ToUpper(number[:3]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		currency, number = strings.ToUpper(number[:3]), strings.TrimSpace(number[3:])
	}
	whole, part, _ := strings.Cut(number, ".")
	if whole == "" || strings.Trim(whole+part, "0123456789") != "" {
		return nil, fmt.Errorf("%q: want a number like 10.50, or SGD 10.50", text)
	}
	whole = strings.TrimLeft(whole, "0")
	return func(minor int64, of string) bool {
		_, digits, _ := strings.Cut(money(minor, of), " ")
		asWhole, asPart, _ := strings.Cut(digits, ".")
		return (currency == "" || currency == of) && strings.TrimLeft(asWhole, "0") == whole &&
			strings.TrimRight(asPart, "0") == strings.TrimRight(part, "0")
	}, nil
}

// listJSON writes an object a line: a stream can be read while it comes, and cut.
func (c command) listJSON(e env, list queue.Listing) int {
	enc := json.NewEncoder(e.stdout)
	for _, r := range list.Records {
		if err := enc.Encode(recordOf(r)); err != nil {
			return c.failed(e, err)
		}
	}
	for _, d := range list.Damaged {
		if err := enc.Encode(damageOf(d)); err != nil {
			return c.failed(e, err)
		}
	}
	if list.Partial {
		return c.failed(e, errPartial)
	}
	return exitDone
}
