package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

func tortureCommand() command {
	return command{
		name:  "torture",
		usage: "[-sales N] [-seed S] [-config-dir DIR] [-json]",
		brief: "kill the agent in the middle of sales, and compare the books",
		about: `Starts a stand-in for Antom, the agent as a process of its own, and a cash register
on a pseudo terminal, all on this machine. It sells, kills the agent (SIGKILL) at
chosen moments and at random, starts it again, and lets Antom lose, delay and
forge answers meanwhile. At the end every charge in Antom's ledger is compared
with what the register was told. The same seed plays the same sales with the same
kills and cruelties; a sale takes about a second.

The last line counts: sales; kills; double charges; lost (sales whose end the
register was never told); disagreements between ledger and register.
Exit 0: the last three are 0; 1: they are not, or it could not be played.
`,
		run: runTorture,
	}
}

// tortureFlags are the command line of torture.
type tortureFlags struct {
	sales int
	seed  uint64
	dir   string
	json  bool
}

// mostSales bounds what the stand-in's history can hold of one run.
const mostSales = 5000

func runTorture(ctx context.Context, e env, c command, args []string) int {
	var f tortureFlags
	fs := c.flags()
	fs.IntVar(&f.sales, "sales", 50, fmt.Sprintf("how many sales, `N` from 1 to %d", mostSales))
	fs.Uint64Var(&f.seed, "seed", 0, "the `SEED` of everything left to chance; 0: a new one")
	fs.StringVar(&f.dir, "config-dir", "", "a new `DIR` for configuration, keys, store and log, to keep; otherwise a temporary one")
	fs.BoolVar(&f.json, "json", false, "print one JSON object at the end, and nothing else")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if fs.NArg() > 0 {
		return c.misused(e, "%q is too much", fs.Arg(0))
	}
	if f.sales < 1 || f.sales > mostSales {
		return c.misused(e, "%d sales are not from 1 to %d", f.sales, mostSales)
	}
	if f.seed == 0 {
		f.seed = uint64(time.Now().UnixMilli()) //nolint:gosec // the time is after 1970
	}
	t, err := tortureIn(ctx, e.stdout, f)
	if err == nil {
		err = t.print(e.stdout, f.json)
	}
	if err == nil && !t.clean() {
		err = errors.New("the books do not agree")
	}
	if err != nil {
		return c.failed(e, fmt.Errorf("%w; play it again with -sales %d -seed %d", err, f.sales, f.seed))
	}
	return exitDone
}

// tortureIn plays in the folder that the flags name, or in one that is removed
// unless something is wrong.
func tortureIn(ctx context.Context, w io.Writer, f tortureFlags) (tally, error) {
	if f.dir != "" {
		if _, err := os.Stat(filepath.Join(f.dir, siteConfig)); err == nil {
			return tally{}, fmt.Errorf("%s holds a site already; name a new folder", f.dir)
		}
		return playTorture(ctx, w, f)
	}
	dir, err := os.MkdirTemp("", "posagent-torture-")
	if err != nil {
		return tally{}, err
	}
	f.dir = dir
	t, err := playTorture(ctx, w, f)
	if err == nil && t.clean() {
		return t, os.RemoveAll(dir)
	}
	t.Kept = dir
	if err != nil {
		err = fmt.Errorf("%w; log and store are in %s", err, dir)
	}
	return t, err
}

// tally is what a run has come to.
type tally struct {
	Seed          uint64         `json:"seed"`
	Sales         int            `json:"sales"`
	Kills         int            `json:"kills"`
	DoubleCharges int            `json:"doubleCharges"`
	Lost          int            `json:"lost"`
	Disagreements int            `json:"disagreements"`
	Seconds       float64        `json:"seconds"`
	KillsWhile    map[string]int `json:"killsWhile"`
	Cruelties     map[string]int `json:"cruelties"`
	Faults        []string       `json:"faults,omitempty"`
	Kept          string         `json:"kept,omitempty"` // the folder, where something is wrong
}

func (t tally) clean() bool { return t.DoubleCharges+t.Lost+t.Disagreements == 0 }

func (t tally) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(t)
	}
	for _, fault := range t.Faults {
		fmt.Fprintln(w, fault)
	}
	if t.Kept != "" {
		fmt.Fprintf(w, "Log and store are in %s\n", t.Kept)
	}
	_, err := fmt.Fprintf(w, "%s, %s, %s, %d lost, %s (seed %d, %.0f s)\n", count(t.Sales, "sale"), count(t.Kills, "kill"),
		count(t.DoubleCharges, "double charge"), t.Lost, count(t.Disagreements, "disagreement"), t.Seed, t.Seconds)
	return err
}

// progress says how far a run is: on a terminal in one line that is written over,
// elsewhere in a line for each tenth.
type progress struct {
	w        io.Writer
	terminal bool
	total    int
	tenth    int
}

func newProgress(w io.Writer, total int, quiet bool) *progress {
	if quiet {
		return &progress{w: io.Discard, total: total}
	}
	return &progress{w: w, terminal: isTerminal(w), total: total}
}

func (p *progress) say(t tally) {
	line := fmt.Sprintf("%d of %d sales, %s", t.Sales, p.total, count(t.Kills, "kill"))
	switch tenth := 10 * t.Sales / p.total; {
	case p.terminal && t.Sales == p.total:
		fmt.Fprintf(p.w, "\r%s\n", line)
	case p.terminal:
		fmt.Fprintf(p.w, "\r%s ", line)
	case tenth > p.tenth:
		p.tenth = tenth
		fmt.Fprintln(p.w, line)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	is := false
	err = conn.Control(func(fd uintptr) {
		_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		is = err == nil
	})
	return err == nil && is
}
