package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// TestMain lets the test binary be posagent: tests that need the real process
// start themselves with a command's name.
func TestMain(m *testing.M) {
	isCommand := func(c command) bool { return len(os.Args) > 1 && c.name == os.Args[1] }
	if slices.ContainsFunc(commands(), isCommand) {
		main()
	}
	// The tests that run side by side wait more than they work.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// quick are times for tests on loopback.
const quick = `window = "20s"
pay_timeout = "400ms"
inquiry_timeout = "400ms"
inquiry_interval = "100ms"
`

// shop is a stand-in for Antom, a line and a till: all but the agent.
type shop struct {
	t      *testing.T
	dir    string
	site   site
	server *sandbox.Server
	cable  *virtual.Cable
	log    *lockedBuffer
}

// way is a shop's way to Antom.
type way struct {
	secure     bool // TLS
	encryption string
}

// The ways there are: to a terminal on the shop's network, to the cloud, and to
// nobody in earnest: nothing encrypted at all.
func toTerminal() way { return way{false, "rsa_aes"} }
func toCloud() way    { return way{true, "off"} }
func inTheOpen() way  { return way{false, "off"} }

// openShop sets a shop up; everything in it ends with the test.
func openShop(t *testing.T, payments string) *shop {
	t.Helper()
	return openShopBy(t, toTerminal(), payments)
}

// openShopBy is openShop by one of the ways.
func openShopBy(t *testing.T, w way, payments string) *shop {
	t.Helper()
	s := &shop{t: t, dir: t.TempDir(), log: &lockedBuffer{}}
	ln, err := sandbox.Listen("127.0.0.1:0")
	must(t, err)
	s.cable, err = virtual.NewCable()
	must(t, err)
	p := plan{
		baseURL: "http://" + ln.Addr().String() + "/openapi/v2", port: s.cable.Path(),
		encryption: w.encryption, cipher: "ecb", payments: payments,
	}
	var certificate *tls.Certificate
	if w.secure {
		var root []byte
		certificate, root, err = sandbox.NewCertificate(time.Now())
		must(t, err)
		must(t, writeNew(filepath.Join(s.dir, "root.pem"), root, 0o644))
		p.baseURL = strings.Replace(p.baseURL, "http:", "https:", 1)
		p.antom = "ca_file = \"root.pem\"\n"
	}
	s.site, err = openSite(s.dir, p)
	must(t, err)
	o := s.site.sandboxOptions(nil)
	o.Certificate = certificate
	s.server, err = sandbox.New(o)
	must(t, err)
	server := s.server // a test may put another in its place
	s.background("the stand-in", func(ctx context.Context) error { return server.Serve(ctx, ln) })
	t.Cleanup(func() {
		if err := s.cable.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the agent's log:\n%s", s.log)
		}
	})
	return s
}

// background runs fn until the test ends, and awaits it.
func (s *shop) background(name string, fn func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := fn(ctx); err != nil {
			s.t.Errorf("%s ended: %v", name, err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	s.t.Cleanup(stop)
	return stop
}

// serve runs the agent inside the test.
func (s *shop) serve() (stop func()) {
	s.t.Helper()
	settings, err := loadSettings(s.site.configFile())
	must(s.t, err)
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return s.background("the agent", func(ctx context.Context) error { return serve(ctx, settings, log) })
}

// register plugs a register in at the other end of the line.
func (s *shop) register() *virtual.Register {
	s.t.Helper()
	plug, err := s.cable.Plug()
	must(s.t, err)
	reg := virtual.New(plug, virtual.Options{Name: "lane1", Events: true, Timers: virtual.Timers{
		T2: 250 * time.Millisecond, T3: 750 * time.Millisecond, // an agent that was killed is found out soon
	}})
	s.background("the register", func(ctx context.Context) error {
		if err := reg.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
	return reg
}

// till is a register that keeps the rules.
func (s *shop) till() *virtual.Till {
	s.t.Helper()
	book, err := virtual.OpenNotebook(filepath.Join(s.dir, "till.notebook"))
	must(s.t, err)
	s.t.Cleanup(func() { _ = book.Close() }) // synced at every line
	return virtual.NewTill(s.register(), book, virtual.TillOptions{Pause: 50 * time.Millisecond, Quiet: 500 * time.Millisecond})
}

// sell sees one sale through.
func (s *shop) sell(till *virtual.Till, id string, minor int64) virtual.PaymentState {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	state, err := till.Sell(ctx, virtual.Sale{ID: id, Method: "ALIPAY_CN", AmountMinor: minor, Currency: "SGD"})
	must(s.t, err)
	return state
}

// arm arms a cruelty for the requests about an id.
func (s *shop) arm(p sandbox.Plan) {
	s.t.Helper()
	must(s.t, s.server.Arm(p))
}

// charges are how often the ledger holds an id.
func (s *shop) charges(id string) []sandbox.Charge {
	var list []sandbox.Charge
	for _, c := range s.server.Ledger() {
		if c.PaymentRequestID == id {
			list = append(list, c)
		}
	}
	return list
}

// wantAgree compares the ledger with what the register was told.
func (s *shop) wantAgree(told virtual.PaymentState) {
	s.t.Helper()
	id := told.PaymentRequestID
	if !told.Final || !agrees(s.charges(id), told, told.PaymentAmount.ValueMinor) {
		s.t.Errorf("%s: the register was told %s (final %v), the ledger has %+v", id, told.PaymentStatus, told.Final, s.charges(id))
	}
}

// lockedBuffer takes a log from several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// output runs a command inside the test.
func output(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = dispatch(ctx, env{&out, &errs}, args)
	return code, out.String(), errs.String()
}
