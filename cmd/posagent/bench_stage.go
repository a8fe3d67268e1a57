package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// benchStage is a shop to be measured: the agent as a process of its own between
// lines and a gateway whose bytes are timed.
type benchStage struct {
	dir      string // for keys, configuration and store; made
	secure   bool   // over TLS; over plain http every answer is confirmed by an inquiry
	lines    int    // registers
	extras   string // more lines for every register
	customer time.Duration
	program  []string // what starts the agent; empty: this program

	site    site
	stamps  stamps
	cables  []*virtual.Cable
	ends    []*stampedLine
	tills   []*virtual.Register
	log     *os.File
	agent   *child
	running parties
}

// benchPayments leave nothing to time-outs: what hangs shows.
const benchPayments = "window = \"60s\"\npay_timeout = \"30s\"\n"

// set puts everything in its place. Clear takes it away again, however far it
// came, once ctx has ended.
func (s *benchStage) set(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	s.stamps.hold = s.customer
	for range s.lines {
		cable, err := virtual.NewCable()
		if err != nil {
			return err
		}
		s.cables = append(s.cables, cable)
	}
	if err := s.setGateway(ctx); err != nil {
		return err
	}
	var err error
	if s.log, err = os.Create(filepath.Join(s.dir, "agent.log")); err != nil {
		return err
	}
	if s.agent, err = s.startAgent(); err != nil {
		return err
	}
	return s.setRegisters(ctx)
}

func (s *benchStage) startAgent() (*child, error) {
	if len(s.program) == 0 {
		return startAgent(s.site.configFile(), s.log)
	}
	return startProgram(s.program, s.site.configFile(), s.log)
}

func (s *benchStage) setGateway(ctx context.Context) error {
	ln, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	p := plan{baseURL: "http://" + ln.Addr().String() + "/openapi/v2", port: s.cables[0].Path(),
		encryption: "rsa_aes", cipher: "ecb", payments: benchPayments, more: s.extras + s.otherRegisters()}
	server, err := s.newGateway(p)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	timed := stampedListener{ln, ctx, &s.stamps}
	s.running.start(func() error { return server.Serve(ctx, timed) })
	return nil
}

// newGateway makes the site and the stand-in that fits it.
func (s *benchStage) newGateway(p plan) (server *sandbox.Server, err error) {
	var o sandbox.Options
	if s.secure {
		cert, root, err := sandbox.NewCertificate(time.Now())
		if err != nil {
			return nil, err
		}
		if err := writeNew(filepath.Join(s.dir, "root.pem"), root, 0o644); err != nil {
			return nil, err
		}
		p.baseURL = strings.Replace(p.baseURL, "http:", "https:", 1)
		p.antom = "ca_file = \"root.pem\"\n"
		o.Certificate = cert
	}
	if s.site, err = openSite(s.dir, p); err != nil {
		return nil, err
	}
	full := s.site.sandboxOptions(nil)
	full.Certificate, full.PlainAmounts, full.Steady = o.Certificate, true, true
	return sandbox.New(full)
}

func (s *benchStage) otherRegisters() string {
	var text strings.Builder
	for i, cable := range s.cables[1:] {
		fmt.Fprintf(&text, "\n[[register]]\nname = \"lane%d\"\nport = %q\n%s", i+2, cable.Path(), s.extras)
	}
	return text.String()
}

func (s *benchStage) setRegisters(ctx context.Context) error {
	for i, cable := range s.cables {
		plug, err := cable.Plug()
		if err != nil {
			return err
		}
		end := &stampedLine{ReadWriteCloser: plug}
		till := virtual.New(end, virtual.Options{Name: fmt.Sprintf("lane%d", i+1), Events: true,
			Timers: virtual.Timers{T2: 250 * time.Millisecond}}) // while the agent starts: try again soon
		s.running.start(func() error {
			err := till.Run(ctx)
			if ctx.Err() != nil {
				err = nil
			}
			return err
		})
		s.ends, s.tills = append(s.ends, end), append(s.tills, till)
		if err := s.greet(ctx, till); err != nil {
			return err
		}
	}
	return nil
}

// greet opens a link, once the agent is there.
func (s *benchStage) greet(ctx context.Context, till *virtual.Register) error {
	for {
		_, err := till.Init(ctx)
		if err == nil || !silent(err) {
			return err
		}
		select {
		case why := <-s.agent.exited:
			s.agent = nil
			log, _ := os.ReadFile(s.log.Name()) // it tells why; without it the exit must do
			return fmt.Errorf("the agent ended: %w\n%s", why, log)
		default:
		}
	}
}

// sell is one sale on a line, from the command to the delivery of its end.
func (s *benchStage) sell(ctx context.Context, line int, id string) error {
	till := s.tills[line]
	m, err := insist(ctx, till, "pay", map[string]any{"paymentRequestId": id, "paymentMethod": "ALIPAY_CN",
		"paymentAmount": map[string]any{"value": 1050, "currency": "SGD"}})
	if err != nil {
		return fmt.Errorf("sale %s: %w", id, err)
	}
	if r := m.Result(); r.Status == "F" {
		return fmt.Errorf("sale %s: %s %s", id, r.Code, r.Message)
	}
	for {
		select {
		case m := <-till.Events():
			state, ok := m.PaymentState()
			if !ok || !state.Final || state.PaymentRequestID != id {
				continue
			}
			if state.PaymentStatus != "SUCCESS" {
				return fmt.Errorf("sale %s ended %s", id, state.PaymentStatus)
			}
			_, err := insist(ctx, till, "delivered", map[string]any{"paymentRequestId": id, "rev": state.Rev})
			return err
		case <-ctx.Done():
			return fmt.Errorf("sale %s: %w", id, context.Cause(ctx))
		}
	}
}

// insist repeats a request that a box under load did not answer in time, as a
// register does: the same again is always safe.
func insist(ctx context.Context, till *virtual.Register, method string, members map[string]any) (m virtual.Message, err error) {
	for range 5 {
		if m, err = till.Request(ctx, method, members); err == nil || !silent(err) {
			return m, err
		}
	}
	return m, err
}

// clear takes away what set has put there, as far as it came.
func (s *benchStage) clear() (err error) {
	if s.agent != nil {
		err = s.agent.stop()
	}
	err = errors.Join(err, s.running.ended())
	for _, cable := range s.cables {
		err = errors.Join(err, cable.Close())
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return err
}
