package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// stage is where a shop is played, all of it on this machine: a stand-in for
// Antom, the agent as a process of its own, and a register on a pseudo terminal.
type stage struct {
	dir      string // for keys, configuration, store, notebook and the agent's log
	payments string // lines for the [payments] table
	software string // of the register
	timers   virtual.Timers
	manners  virtual.TillOptions // the till's

	site    site
	log     *os.File
	agent   *child // nil while there is none
	server  *sandbox.Server
	cable   *virtual.Cable
	reg     *virtual.Register
	till    *virtual.Till
	running parties
}

// set puts everything in its place, Antom first and the register last. Clear takes
// it away again, however far it came, once ctx has ended.
func (s *stage) set(ctx context.Context) error {
	ln, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	if s.cable, err = virtual.NewCable(); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.site, err = openSite(s.dir, plan{
		baseURL: "http://" + ln.Addr().String() + "/openapi/v2", port: s.cable.Path(),
		encryption: "rsa_aes", cipher: "ecb", payments: s.payments,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if s.server, err = sandbox.New(s.site.sandboxOptions(nil)); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.running.start(func() error { return s.server.Serve(ctx, ln) })
	if s.log, err = os.Create(filepath.Join(s.dir, "agent.log")); err != nil {
		return err
	}
	if err := s.startAgent(); err != nil {
		return err
	}
	return s.setRegister(ctx)
}

func (s *stage) setRegister(ctx context.Context) error {
	book, err := virtual.OpenNotebook(filepath.Join(s.dir, "till.notebook"))
	if err != nil {
		return err
	}
	plug, err := s.cable.Plug()
	if err != nil {
		return err
	}
	s.reg = virtual.New(plug, virtual.Options{
		Name: siteRegister, Software: s.software, Events: true,
		Timers: s.timers,
	})
	s.running.start(func() error {
		err := s.reg.Run(ctx)
		if ctx.Err() != nil {
			err = nil
		}
		return errors.Join(err, book.Close())
	})
	s.till = virtual.NewTill(s.reg, book, s.manners)
	return nil
}

func (s *stage) startAgent() (err error) {
	s.agent, err = startAgent(s.site.configFile(), s.log)
	return err
}

func (s *stage) killAgent() error {
	agent := s.agent
	s.agent = nil
	return agent.kill()
}

func (s *stage) stopAgent() error {
	agent := s.agent
	s.agent = nil
	return agent.stop()
}

// clear takes away what set has put there, as far as it came.
func (s *stage) clear() error {
	err := s.running.ended()
	if s.agent != nil {
		err = errors.Join(err, s.killAgent())
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
