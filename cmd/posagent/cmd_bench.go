package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"posagent/config"
)

func benchCommand() command {
	return command{
		name:  "bench",
		usage: "[-config FILE | -dir DIR] [-long] [-json]",
		brief: "measure what a sale costs on this box, in under a minute",
		about: `Measures this box's disk, its cryptography, the line's codec, and sales through an
agent of its own with a stand-in for Antom, and says what that means for a shop. It
works in a folder posagent-bench, which it makes beside the store that -config names
(or in -dir, or here) and removes again; it opens neither that store nor a port, so
the agent may run meanwhile, though both are slower then. -long adds sales over plain
http, memory over many sales, and a minute of idleness: what the table in
queue/FIGURES.md is filled from. Exit 0: measured; 1: it could not be; 78: the
configuration is wrong.
`,
		run: runBench,
	}
}

// benchFlags are the command line of bench.
type benchFlags struct {
	config, dir string
	long, json  bool
	rounds      int
	sales       int
	idle        time.Duration
	baud        int
}

// Limits of a bench.
const (
	mostRounds  = 10_000
	mostBench   = 10_000_000 // sales
	benchBudget = 35 * time.Second
	// benchCustomer is how long a customer takes to pay: longer than the response to
	// the command needs, as every customer does, so that the gap between two frames
	// of the agent's, which registers need, is no part of what is measured.
	benchCustomer = 60 * time.Millisecond
)

func runBench(ctx context.Context, e env, c command, args []string) int {
	var f benchFlags
	fs := c.flags()
	fs.StringVar(&f.config, "config", "", "measure beside the store of this configuration `FILE`, with its line")
	fs.StringVar(&f.dir, "dir", "", "measure in this folder `DIR` (default: here)")
	fs.BoolVar(&f.long, "long", false, "everything: some six minutes")
	fs.BoolVar(&f.json, "json", false, "as JSON, times in microseconds")
	fs.IntVar(&f.rounds, "rounds", 100, "time `N` sales; fewer where the box is slow")
	fs.IntVar(&f.sales, "sales", 100_000, "with -long: the memory of `N` sales")
	fs.DurationVar(&f.idle, "idle", time.Minute, "with -long: how long to be idle")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	switch {
	case fs.NArg() > 0:
		return c.misused(e, "%q is too much", fs.Arg(0))
	case f.config != "" && f.dir != "":
		return c.misused(e, "give -config or -dir, not both")
	case f.rounds < 1 || f.rounds > mostRounds:
		return c.misused(e, "%d rounds are not from 1 to %d", f.rounds, mostRounds)
	case f.sales < 1 || f.sales > mostBench:
		return c.misused(e, "%d sales are not from 1 to %d", f.sales, mostBench)
	case f.idle < time.Second || f.idle > time.Hour:
		return c.misused(e, "an idleness of %v is not from 1s to 1h", f.idle)
	}
	if err := f.locate(); err != nil {
		return c.misconfigured(e, f.config, err)
	}
	report, err := benchIn(ctx, e.stderr, f)
	if err == nil {
		err = report.print(e.stdout, f.json)
	}
	if err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

// locate finds the folder to measure in, and the line's rate.
func (f *benchFlags) locate() error {
	f.baud = 115200
	if f.config == "" {
		if f.dir == "" {
			f.dir = "."
		}
		return nil
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return err
	}
	f.dir, f.baud = filepath.Dir(cfg.Store.Path), cfg.Registers[0].Baud
	return nil
}

// benchFolder is made for a bench, and removed after it.
const benchFolder = "posagent-bench"

// benchIn measures in a folder of its own.
func benchIn(ctx context.Context, progress io.Writer, f benchFlags) (r benchReport, err error) {
	dir, err := filepath.Abs(filepath.Join(f.dir, benchFolder))
	if err != nil {
		return r, err
	}
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return r, fmt.Errorf("%s is there already: another bench runs, or one was cut off; see to it, remove it and try again", dir)
	case errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("%s is not there; name a folder that is, on the disk to be measured", f.dir)
	case errors.Is(err, fs.ErrPermission):
		return r, fmt.Errorf("%w; run it as the agent's user, or with sudo", err)
	case err != nil:
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{benchFlags: f, at: dir, progress: newTicker(progress)}
	began := time.Now()
	r, err = b.measure(ctx)
	b.progress.done()
	r.Version, r.Commit, r.Platform, r.Processors = version, commit(), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU()
	r.Folder, r.Date, r.Seconds = f.dir, began.UTC().Truncate(time.Second), time.Since(began).Seconds()
	return r, err
}

// bench is one run of the command.
type bench struct {
	benchFlags
	at       string // the folder that was made for it
	progress *ticker
}

func (b *bench) measure(ctx context.Context) (r benchReport, err error) {
	sale, codec, err := b.sales(ctx, true)
	if err != nil {
		return r, err
	}
	r.Sales, r.Line = []saleReport{sale}, codec
	if !b.long {
		return r, nil
	}
	plain, _, err := b.sales(ctx, false)
	if err != nil {
		return r, err
	}
	r.Sales = append(r.Sales, plain)
	idle := &benchStage{dir: filepath.Join(b.at, "idle"), secure: true, lines: 1}
	if err := b.with(ctx, idle, func(ctx context.Context) error {
		found, err := benchIdle(ctx, idle, b.idle, b.progress.of("idle, %d of %d seconds"))
		r.Idle = &found
		return err
	}); err != nil {
		return r, err
	}
	many := &benchStage{dir: filepath.Join(b.at, "many"), secure: true, lines: memoryLines, extras: "ack_gap = \"0s\"\n"}
	return r, b.with(ctx, many, func(ctx context.Context) error {
		found, err := benchMemory(ctx, many, b.benchFlags.sales, b.progress.of("memory, %d of %d sales"))
		r.Memory = &found
		return err
	})
}

// sales times sales over https, or over http, and reads their bytes again and again.
func (b *bench) sales(ctx context.Context, secure bool) (r saleReport, codec lineReport, err error) {
	name := map[bool]string{true: "https", false: "http"}[secure]
	s := &benchStage{dir: filepath.Join(b.at, name), secure: secure, lines: 1, customer: benchCustomer}
	err = b.with(ctx, s, func(ctx context.Context) error {
		limits, err := openLimits(s.dir)
		if err != nil {
			return err
		}
		rounds := benchRounds{stage: s, limits: limits}
		err = rounds.run(ctx, b.rounds, benchBudget, b.progress.of("sales over "+name+", %d of %d"))
		if err == nil {
			r, codec = rounds.report(), benchCodec(s.ends[0].ofASale(), b.baud)
		}
		return errors.Join(err, limits.close())
	})
	return r, codec, err
}

// with sets a stage, plays on it and clears it away.
func (b *bench) with(ctx context.Context, s *benchStage, play func(context.Context) error) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		err = errors.Join(err, s.clear())
	}()
	if err := s.set(ctx); err != nil {
		return err
	}
	return play(ctx)
}

// print writes the report for a person, or as JSON.
func (r benchReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := io.WriteString(w, r.text())
	return err
}
