package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"posagent/device/virtual"
)

func demoCommand() command {
	return command{
		name:  "demo",
		usage: "[-keep]",
		brief: "four sales, a lost answer and a power cut, all in software",
		about: `Starts a stand-in for Antom, the agent as a process of its own, and a cash register
in software on a pseudo terminal, all on this machine. It plays four sales, says
what a shop would see, and compares what Antom's ledger holds with what the
register was told. Exit 0: they agree; 1: they do not, or it could not be played.
`,
		run: runDemo,
	}
}

// demoLimit ends a demo that hangs.
const demoLimit = 60 * time.Second

// demoPayments shortens the waits, so that nobody has to watch 45 seconds pass.
const demoPayments = `window = "60s"
pay_timeout = "2s"
inquiry_timeout = "2s"
inquiry_interval = "500ms"
`

func runDemo(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	keep := fs.Bool("keep", false, "keep the folder with configuration, keys, store and the agent's log")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if fs.NArg() > 0 {
		return c.misused(e, "%q is too much", fs.Arg(0))
	}
	dir, err := os.MkdirTemp("", "posagent-demo-")
	if err != nil {
		return c.failed(e, err)
	}
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	err = playDemo(ctx, e.stdout, dir)
	if *keep || err != nil {
		fmt.Fprintf(e.stdout, "\nThe agent's log, its store and its configuration are in %s\n", dir)
	} else if rmErr := os.RemoveAll(dir); rmErr != nil {
		err = rmErr
	}
	if err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

// demo is a stage with a story on it, and its teller.
type demo struct {
	*stage
	*teller
	told map[string]virtual.PaymentState // what the register was told last
}

// playDemo sets the stage in dir, plays, and clears it away.
func playDemo(ctx context.Context, w io.Writer, dir string) (err error) {
	d := &demo{teller: newTeller(w), told: map[string]virtual.PaymentState{}}
	d.stage = &stage{
		dir: dir, payments: demoPayments, software: "demo till",
		timers:  virtual.Timers{T2: 250 * time.Millisecond}, // while the agent starts: try again soon
		manners: virtual.TillOptions{Pause: 200 * time.Millisecond, Quiet: 1500 * time.Millisecond, Narrate: d.tellTill},
	}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		err = errors.Join(err, d.clear())
	}()
	if err := d.set(ctx); err != nil {
		return err
	}
	d.running.start(func() error { d.watchAntom(ctx); return nil })
	for n, sale := range demoSales() {
		if err := d.play(ctx, n+1, sale); err != nil {
			return fmt.Errorf("sale %d: %w", n+1, err)
		}
	}
	if err := d.stopAgent(); err != nil {
		return err
	}
	return d.settle()
}
