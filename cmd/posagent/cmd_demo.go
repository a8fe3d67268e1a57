package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

func demoCommand() command {
	return command{
		name:  "demo",
		usage: "[-keep]",
		brief: "four sales, a lost answer and a power cut, without hardware or account",
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

// stage is where the demo is played: the three parties and the teller.
type stage struct {
	*teller
	site   site
	log    *os.File
	agent  *child
	server *sandbox.Server
	cable  *virtual.Cable
	reg    *virtual.Register
	till   *virtual.Till
	told   map[string]virtual.PaymentState // what the register was told last
}

// playDemo sets the stage in dir, plays, and clears it away.
func playDemo(ctx context.Context, w io.Writer, dir string) (err error) {
	s := &stage{teller: newTeller(w), told: map[string]virtual.PaymentState{}}
	ctx, stop := context.WithCancel(ctx)
	var running parties
	defer func() {
		stop()
		err = errors.Join(err, running.ended(), s.clear())
	}()
	if err := s.set(ctx, dir, &running); err != nil {
		return err
	}
	for n, sale := range demoSales() {
		if err := s.play(ctx, n+1, sale); err != nil {
			return fmt.Errorf("sale %d: %w", n+1, err)
		}
	}
	if err := s.agent.stop(); err != nil {
		return err
	}
	s.agent = nil
	return s.settle()
}

// set puts everything in its place, Antom first and the register last.
func (s *stage) set(ctx context.Context, dir string, running *parties) error {
	ln, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	if s.cable, err = virtual.NewCable(); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.site, err = openSite(dir, plan{
		baseURL: "http://" + ln.Addr().String() + "/openapi/v2", port: s.cable.Path(),
		encryption: "rsa_aes", cipher: "ecb", payments: demoPayments,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if s.server, err = sandbox.New(s.site.sandboxOptions(nil)); err != nil {
		return errors.Join(err, ln.Close())
	}
	running.start(func() error { return s.server.Serve(ctx, ln) })
	running.start(func() error { s.watchAntom(ctx); return nil })
	if s.log, err = os.Create(filepath.Join(dir, "agent.log")); err != nil {
		return err
	}
	if s.agent, err = startAgent(s.site.configFile(), s.log); err != nil {
		return err
	}
	return s.setRegister(ctx, dir, running)
}

func (s *stage) setRegister(ctx context.Context, dir string, running *parties) error {
	book, err := virtual.OpenNotebook(filepath.Join(dir, "till.notebook"))
	if err != nil {
		return err
	}
	plug, err := s.cable.Plug()
	if err != nil {
		return err
	}
	s.reg = virtual.New(plug, virtual.Options{
		Name: siteRegister, Software: "demo till", Events: true,
		Timers: virtual.Timers{T2: 250 * time.Millisecond}, // the agent is still starting: try again soon
	})
	running.start(func() error {
		err := s.reg.Run(ctx)
		if ctx.Err() != nil {
			err = nil
		}
		return errors.Join(err, book.Close())
	})
	s.till = virtual.NewTill(s.reg, book, virtual.TillOptions{
		Pause: 200 * time.Millisecond, Quiet: 1500 * time.Millisecond, Narrate: s.tellTill,
	})
	return nil
}

// clear takes away what set has put there, as far as it came.
func (s *stage) clear() error {
	var err error
	if s.agent != nil {
		err = s.agent.kill()
	}
	if s.cable != nil {
		err = errors.Join(err, s.cable.Close())
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return err
}

// parties are goroutines that are awaited together.
type parties struct {
	n      int
	errors chan error
}

func (p *parties) start(run func() error) {
	if p.errors == nil {
		p.errors = make(chan error)
	}
	p.n++
	go func() { p.errors <- run() }()
}

func (p *parties) ended() (err error) {
	for range p.n {
		err = errors.Join(err, <-p.errors)
	}
	return err
}
