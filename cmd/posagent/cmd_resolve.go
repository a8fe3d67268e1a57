package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"posagent/config"
	"posagent/queue"
)

func resolveCommand() command {
	return command{
		name:  "resolve",
		usage: "-config FILE ID -paid|-not-paid -reason TEXT\n       [-by NAME] [-seen TIME] [-yes] [-json]",
		brief: "record how a payment in doubt ended",
		about: "For a payment that stays in doubt: records what a person saw in Antom's portal,\n" +
			"and ends it. It is kept as that person's word, with the reason, and the register\n" +
			"is told so. Nobody is called for it: no question to Antom, and no refund, also\n" +
			"where the sale was aborted. It can't be taken back.\n\n" +
			"It is refused while the payment window is open, once the end is known, and, with\n" +
			"-not-paid, for what was seen while a request could still arrive at Antom.\n" +
			"A running agent is asked over its unix socket; where none runs, the store is\n" +
			"opened and written here. A refund is not resolved: its one request is repeated\n" +
			"until Antom says how it ended.\n\n" +
			"Exit 0: recorded; 1: not; 2: also where the question was not answered with yes.\n",
		run: func(ctx context.Context, e env, c command, args []string) int {
			return runResolve(ctx, e, c, args, os.Stdin)
		},
	}
}

// resolving is a resolve as the command line has it.
type resolving struct {
	file          string
	paid, notPaid bool
	by, reason    string
	seen          string
	yes, asJSON   bool
	said          personsWord
	from          *os.File
	cfg           config.Config
}

func runResolve(ctx context.Context, e env, c command, args []string, from *os.File) int {
	r := resolving{from: from}
	fs := c.flags()
	fs.StringVar(&r.file, "config", "", "the configuration `FILE`")
	fs.BoolVar(&r.paid, "paid", false, "Antom's portal shows that the money was taken")
	fs.BoolVar(&r.notPaid, "not-paid", false, "Antom's portal shows that it was not, and will not be")
	fs.StringVar(&r.reason, "reason", "", "the `TEXT` of what was seen, and where; at most 200 characters")
	fs.StringVar(&r.by, "by", loginName(), "the `NAME` of who saw it")
	fs.StringVar(&r.seen, "seen", "", "the `TIME` of looking: 5m ago as 5m, or 14:30 (default now)")
	fs.BoolVar(&r.yes, "yes", false, "don't ask")
	fs.BoolVar(&r.asJSON, "json", false, "the payment afterwards as a JSON object")
	ids, code, ok := c.parseMixed(e, fs, args)
	if !ok {
		return code
	}
	switch now := time.Now(); {
	case r.file == "" || len(ids) != 1:
		return c.misused(e, "give a configuration with -config FILE, and one ID")
	case r.paid == r.notPaid:
		return c.misused(e, "say -paid or -not-paid")
	case strings.TrimSpace(r.reason) == "":
		return c.misused(e, "say what you saw, and where, with -reason TEXT")
	default:
		r.said = personsWord{ID: ids[0], Paid: r.paid, By: r.by, Reason: r.reason, Seen: now}
		if r.seen != "" {
			seen, err := timeLike(now, r.seen)
			if err != nil {
				return c.misused(e, "-seen %v", err)
			}
			r.said.Seen = seen
		}
	}
	return r.run(ctx, e, c)
}

// run shows what is known, asks, and records.
func (r *resolving) run(ctx context.Context, e env, c command) int {
	view, cfg, code := c.view(e, r.file)
	if view == nil {
		return code
	}
	r.cfg = cfg
	f, err := gather(ctx, view, cfg, r.said.ID)
	_ = view.Close() // it was only read
	switch {
	case err == nil && f.damaged != nil:
		err = f.damaged
	case err == nil && f.refund != nil:
		err = errors.New("it is a refund, and only payments are resolved: the agent repeats the refund's one request, which gives back " +
			"once however often it is sent, until Antom says how it ended; posagent explain " + r.said.ID + " tells how it stands")
	case err == nil:
		err = terms(settings{Config: cfg}).Policy.MayResolve(*f.payment, r.said.word())
	}
	if err != nil {
		return c.failed(e, r.notTaken(err))
	}
	f.now, f.zone, f.file, f.running = time.Now(), time.Local, r.file, agentAnswers(ctx, cfg)
	fmt.Fprint(e.stderr, f.headline()+section("What is known", f.known())+"\n"+r.question(f))
	if code, ok := r.confirmed(e, c); !ok {
		return code
	}
	p, err := r.record(ctx, e)
	if err != nil {
		return c.failed(e, r.notTaken(err))
	}
	return r.done(e, c, p)
}

// question is what is about to be done.
func (r *resolving) question(f facts) string {
	p := f.payment
	what := "PAID"
	if !r.paid {
		what = "NOT PAID"
	}
	text := fmt.Sprintf("To be recorded as %s, for good, on the word of %s (%s), who looked at %s. The register is told, and nobody is asked any more.",
		what, r.said.By, quoted(r.said.Reason), f.on(r.said.Seen))
	if r.paid && !p.AbortAt.IsZero() {
		text += " The sale was called off: the agent gives nothing back for it. Give it back in Antom's portal."
	}
	return paragraph(text)
}

// confirmed has somebody at a terminal say yes.
func (r *resolving) confirmed(e env, c command) (code int, ok bool) {
	if r.yes {
		return 0, true
	}
	if !isTerminal(r.from) {
		return c.misused(e, "nobody can be asked here; say -yes if you are sure"), false
	}
	fmt.Fprint(e.stderr, "Type yes to record it: ")
	line, err := bufio.NewReader(io.LimitReader(r.from, 64)).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "yes" {
		fmt.Fprintln(e.stderr, "posagent resolve: nothing was recorded")
		return exitUsage, false
	}
	return 0, true
}

// record hands the word to the agent that runs, or writes it where none does.
func (r *resolving) record(ctx context.Context, e env) (recordJSON, error) {
	var after recordJSON
	err := errNoSocket
	if _, onSocket := unixPath(r.cfg.Status.Listen); onSocket {
		err = newStatusClient(r.cfg.Status.Listen, resolveTime+askTime).post(ctx, resolvePath, r.said, &after)
	}
	var refused *refusedError
	switch {
	case errors.Is(err, errNoSocket), errors.Is(err, errNobodyListens):
		return r.write(ctx, e)
	case err == nil, errors.Is(err, errMayNotAsk):
		return after, err
	case errors.As(err, &refused) && refused.Code != http.StatusInternalServerError:
		return after, err
	}
	return after, r.unsure(err)
}

// unsure is for a word that may have been recorded, and may be yet.
func (r *resolving) unsure(err error) error {
	return fmt.Errorf("whether it was recorded is not known: %w; look with posagent explain, and record it again if it was not", err)
}

// write is record where no agent runs.
func (r *resolving) write(ctx context.Context, e env) (recordJSON, error) {
	path := r.cfg.Store.Path
	if owner, mine := queue.Owner(path); !mine {
		return recordJSON{}, fmt.Errorf("no agent can be asked, and the store belongs to user %s, who could not use what another user makes beside it; "+
			"start the agent and try again, or run this as that user: sudo -u %s posagent resolve", owner, owner)
	}
	store, err := queue.Open(path)
	if errors.Is(err, queue.ErrInUse) {
		return recordJSON{}, fmt.Errorf("an agent runs and can't be asked: it takes a person's word on a unix socket only; set [status] listen = "+
			"\"unix:/run/posagent/status.sock\", reload it (SIGHUP), and try again: %w", err)
	}
	if err != nil {
		return recordJSON{}, err
	}
	if report, salvaged := store.Salvaged(); salvaged {
		fmt.Fprintln(e.stderr, report)
	}
	t := terms(settings{Config: r.cfg})
	p, err := store.Resolve(ctx, t.Policy, t.PayTimeout, r.said.ID, r.said.word())
	if err != nil && resolveCode(err) == http.StatusInternalServerError {
		err = r.unsure(err)
	}
	return recordOf(queue.Record{Payment: &p}), errors.Join(err, store.Close())
}

// notTaken adds what to do to the reasons for which a word is not taken.
func (r *resolving) notTaken(err error) error {
	what := fmt.Errorf("%s: %w", r.said.ID, err)
	var soon *queue.TooSoonError
	switch {
	case errors.Is(err, queue.ErrNotFound):
		return fmt.Errorf("the store has no payment %s; posagent explain tells where else to look", r.said.ID)
	case errors.Is(err, queue.ErrNotInDoubt):
		return fmt.Errorf("%w; wait until its window is over and an agent has noted that; posagent explain tells when", what)
	case errors.As(err, &soon):
		return fmt.Errorf("%w; look again after that", what)
	case errors.Is(err, queue.ErrFinal):
		return fmt.Errorf("%w; posagent explain tells how", what)
	case errors.Is(err, queue.ErrDamaged):
		return fmt.Errorf("%w; start the agent anew, and see posagent explain", what)
	}
	return what
}

func (r *resolving) done(e env, c command, after recordJSON) int {
	if !r.asJSON {
		fmt.Fprintf(e.stdout, "%s is recorded as %s, on the word of %s.\n", after.ID, map[bool]string{true: "paid", false: "not paid"}[r.paid], r.said.By)
		return exitDone
	}
	if err := json.NewEncoder(e.stdout).Encode(after); err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

// loginName is who somebody logged in as, also behind sudo.
func loginName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
