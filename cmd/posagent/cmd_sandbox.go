package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"posagent/antom/sandbox"
)

func sandboxCommand() command {
	return command{
		name:  "sandbox",
		usage: "[-dir DIR] [-listen ADDRESS] [-cruelty NAME,…]…",
		brief: "stand in for Antom, on this machine only",
		about: `Serves a stand-in for Antom on loopback until SIGTERM or SIGINT. It makes a folder
with fresh keys and a configuration that run takes as it is, and lays a serial
line in it: the agent's end is DIR/register0, a register's is DIR/till0. A folder
that it made before is used again; no file is overwritten.

Its ledger, its history and its book of cruelties are JSON:
  curl http://ADDRESS/sandbox/ledger
  curl http://ADDRESS/sandbox/history
  curl http://ADDRESS/sandbox/cruelties
  curl -d '{"name":"hang_after","count":2}' http://ADDRESS/sandbox/cruelties
A cruelty can be called from a till, too, by the last two digits of the amount.
`,
		run: runSandbox,
	}
}

// sandboxFlags are the command line of sandbox.
type sandboxFlags struct {
	dir, listen, encryption, cipher string
	cruelties                       []sandbox.Plan
	book, bare                      bool
	mix                             int
	seed                            uint64
}

func runSandbox(ctx context.Context, e env, c command, args []string) int {
	f, code, ok := c.sandboxFlags(e, args)
	if !ok {
		return code
	}
	if f.book {
		printBook(e.stdout)
		return exitDone
	}
	ln, err := sandbox.Listen(f.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w: end the program that serves there, or take a free port with -listen 127.0.0.1:0, and a folder of its own with -dir", err)
	}
	if err != nil {
		return c.failed(e, err)
	}
	if err := serveSandbox(ctx, e, f, ln); err != nil {
		return c.failed(e, errors.Join(err, ignoreClosed(ln.Close())))
	}
	return exitDone
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (c command) sandboxFlags(e env, args []string) (f sandboxFlags, code int, ok bool) {
	fs := c.flags()
	fs.StringVar(&f.dir, "dir", "posagent-sandbox", "the `DIR` for keys, configuration and line; made if it is not there")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8345", "the loopback `ADDRESS` to serve; port 0 takes a free one")
	fs.StringVar(&f.encryption, "encryption", "rsa_aes", "`MODE` of a fresh configuration: rsa_aes or off")
	fs.StringVar(&f.cipher, "cipher", "ecb", "`MODE` of a fresh configuration: ecb, cbc or gcm")
	fs.BoolVar(&f.book, "book", false, "list the cruelties and end")
	fs.BoolVar(&f.bare, "no-line", false, "lay no serial line")
	fs.IntVar(&f.mix, "mix", 0, "let `N` of a thousand requests suffer a cruelty by chance")
	fs.Uint64Var(&f.seed, "seed", 1, "the `SEED` of that chance")
	fs.Func("cruelty", "arm one: `NAME`[,count=N][,duration=D][,questions=N][,path=CALL]; may be given more than once",
		func(text string) error {
			p, err := parseCruelty(text)
			f.cruelties = append(f.cruelties, p)
			return err
		})
	if code, ok = c.parse(e, fs, args); !ok {
		return f, code, false
	}
	if fs.NArg() > 0 {
		return f, c.misused(e, "%q is too much", fs.Arg(0)), false
	}
	return f, 0, true
}

// parseCruelty reads NAME[,count=N][,duration=D][,questions=N][,path=CALL].
func parseCruelty(text string) (sandbox.Plan, error) {
	words := strings.Split(text, ",")
	p := sandbox.Plan{Name: words[0]}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		var err error
		switch key {
		case "count":
			p.Count, err = strconv.Atoi(value)
		case "questions":
			p.Questions, err = strconv.Atoi(value)
		case "duration":
			p.Duration, err = time.ParseDuration(value)
		case "path":
			p.Path = value
		default:
			err = fmt.Errorf("%q is not one of count, duration, questions, path", key)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func serveSandbox(ctx context.Context, e env, f sandboxFlags, ln net.Listener) error {
	s, err := openSite(f.dir, plan{
		baseURL: "http://" + ln.Addr().String() + "/openapi/v2", port: sitePortOfLine,
		encryption: f.encryption, cipher: f.cipher,
	})
	if err != nil {
		return err
	}
	o := s.sandboxOptions(slog.New(slog.NewTextHandler(e.stderr, nil)))
	o.Cruelty = f.cruelties
	if f.mix > 0 {
		o.Mix = &sandbox.Mix{Seed: f.seed, PerMille: f.mix}
	}
	server, err := sandbox.New(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lineEnded := make(chan error, 1)
	if f.bare {
		lineEnded <- nil
	} else {
		l, err := layLine(s.dir)
		if err != nil {
			return err
		}
		go func() { lineEnded <- l.serve(ctx) }()
	}
	printSite(e.stdout, s, ln.Addr(), !f.bare)
	err = server.Serve(ctx, ln)
	cancel()
	return errors.Join(err, <-lineEnded)
}

// sandboxOptions are those of a stand-in that fits the site's configuration.
func (s site) sandboxOptions(log *slog.Logger) sandbox.Options {
	return sandbox.Options{
		MerchantKey: s.agentKey,
		AntomKey:    s.antomKey,
		ClientID:    s.cfg.Antom.ClientID,
		KeyVersion:  s.cfg.Antom.KeyVersion,
		Encryption:  s.cfg.Antom.Encryption,
		Cipher:      s.cfg.Antom.Cipher,
		URIPrefix:   s.cfg.Antom.URIPrefix,
		Logger:      log,
	}
}

func printSite(w io.Writer, s site, addr net.Addr, lined bool) {
	fmt.Fprintf(w, "A stand-in for Antom is at http://%s. No money moves.\n\n", addr)
	fmt.Fprintf(w, "  the agent     posagent run -config %s\n", s.configFile())
	if lined {
		fmt.Fprintf(w, "  a register    posagent register -port %s/%s -wait pay paymentRequestId=TILL_1 \\\n", s.dir, registerEnd)
		fmt.Fprintln(w, "                  paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD")
	}
	fmt.Fprintf(w, "  the ledger    curl http://%s/sandbox/ledger\n", addr)
	fmt.Fprintf(w, "  cruelties     posagent sandbox -book\n\n")
}

func printBook(w io.Writer) {
	fmt.Fprint(w, "ending  cruelty             what happens\n")
	for _, c := range sandbox.Book() {
		ending := "     -"
		if c.Ending > 0 {
			ending = fmt.Sprintf("  ..%02d", c.Ending)
		}
		const before = 28
		fmt.Fprintf(w, "%s  %-18s  %s", ending, c.Name, fold(c.Sentence, screenWidth-before, strings.Repeat(" ", before)))
	}
	fmt.Fprint(w, "\nThe ending is that of the amount, in minor units, that calls it from a till.\n")
}
