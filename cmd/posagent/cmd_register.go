package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"posagent/device"
	"posagent/device/virtual"
)

func registerCommand() command {
	return command{
		name:  "register",
		usage: "-port PORT [FLAGS] [METHOD [MEMBER=VALUE …]]",
		brief: "be the cash register",
		about: `Opens a serial port as a cash register would, sends one request, and prints the
response and every event that comes meanwhile, one JSON object a line.

The members of the request are given as MEMBER=VALUE, those of an object as
OBJECT.MEMBER=VALUE; or the whole body is given as one JSON object in place of
METHOD:
  posagent register -port /dev/ttyUSB1 echo text=hi
  posagent register -port /dev/ttyUSB1 -wait pay paymentRequestId=R1 \
    paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD
  posagent register -port /dev/ttyUSB1 \
      '{"method":"inquiryPayment","paymentRequestId":"R1"}'
With -wait it goes on until the payment or refund is final, asks where no event
comes, and says delivered.

Without METHOD it reads requests from standard input, one a line, in the same
words, until the end of the input. A value with spaces stands in double quotes,
an empty line or one that begins with # is passed over:
  printf 'echo text=hi\nlastResult\n' | posagent register -port /dev/ttyUSB1

With -replay FILE it plays the register's side of a session that an agent kept
(record = FILE in its configuration) and compares what is answered now with what
was answered then: every result, and every end of a payment or refund. Play it
against an agent with a fresh store, such as the sandbox's, since an id that the
agent knows already has its answer.

-watch and -raw write what passes on the line to standard error.

Exit 0: answered, and not with F (from standard input: all were answered; with
-replay: nothing differs); 1: refused, not answered, or with -wait not final in
time. What became of the money stands in paymentStatus.

` + registerMethods,
		run: runRegister,
	}
}

// registerMethods is what a register can ask, for people who try it.
const registerMethods = `Methods, with the members they need (register-link §3):
  initConnection   register [software] [events=false] [maxBody=512…9999]
  echo             text
  pay              paymentRequestId paymentMethod paymentAmount.value
                   paymentAmount.currency [commandExecuteTimeout=MS]
                   [originalMerchantOrderId]
                   [originalMerchantStoreId] [extendInfo]
  inquiryPayment   paymentRequestId
  receipt          paymentRequestId copy=cashier|customer [offset]
  abort            paymentRequestId
  refund           refundRequestId, paymentRequestId or paymentId,
                   refundAmount.value refundAmount.currency or fullRefund=true
                   [memo]
  inquiryRefund    refundRequestId
  lastResult
  totals           [from] [to]
  delivered        paymentRequestId or refundRequestId, rev
  diagnosis

Flags:`

type registerFlags struct {
	port, name string
	line       device.Line
	wait       bool
	timeout    time.Duration
	noInit     bool
	watch, raw bool
	replay     string
	body       []byte // of the one request; nil: they come from input
	input      io.Reader
}

func runRegister(ctx context.Context, e env, c command, args []string) int {
	f, code, ok := c.registerFlags(e, args)
	if !ok {
		return code
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	if err := asRegister(ctx, e, f); err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

// asRegister opens the port, does what the flags say, and closes it.
func asRegister(ctx context.Context, e env, f registerFlags) error {
	path, err := device.FindPort("", f.port)
	if err != nil {
		return err
	}
	port, err := device.OpenPort(path, f.line)
	if err != nil {
		return err
	}
	reg := virtual.New(port, virtual.Options{Name: f.name, Software: "posagent register " + version, Events: true,
		Baud: f.line.Baud, Trace: f.tracer(e.stderr)})
	ended := make(chan error, 1)
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() { ended <- reg.Run(runCtx) }()
	err = f.speak(ctx, e, reg)
	stop()
	if runErr := <-ended; err == nil {
		err = runErr
	}
	if closeErr := port.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (f registerFlags) speak(ctx context.Context, e env, reg *virtual.Register) error {
	switch {
	case f.replay != "":
		return replay(ctx, e.stdout, reg, f)
	case f.body == nil:
		return talk(ctx, e, reg, f)
	}
	return oneRequest(ctx, e.stdout, reg, f)
}

func (c command) registerFlags(e env, args []string) (f registerFlags, code int, ok bool) {
	fs := c.flags()
	f.input = os.Stdin
	fs.StringVar(&f.port, "port", "", "the register's end of the line: a path, or usb:VID:PID[:SERIAL]")
	fs.StringVar(&f.name, "name", "lane1", "the `NAME` to give in initConnection")
	fs.IntVar(&f.line.Baud, "baud", 115200, "bits a second")
	fs.IntVar(&f.line.DataBits, "data-bits", 8, "7 or 8")
	fs.StringVar(&f.line.Parity, "parity", "none", "none, even or odd")
	fs.IntVar(&f.line.StopBits, "stop-bits", 1, "1 or 2")
	fs.BoolVar(&f.wait, "wait", false, "wait until the payment or refund is final, and say delivered")
	fs.DurationVar(&f.timeout, "timeout", 0, "give up after this long; the payment goes on (default 10m, or never where requests come from standard input)")
	fs.BoolVar(&f.noInit, "no-init", false, "do not send initConnection first")
	fs.BoolVar(&f.watch, "watch", false, "say what passes on the line, both ways, frame by frame")
	fs.BoolVar(&f.raw, "raw", false, "show every byte that passes on the line, in hex")
	fs.StringVar(&f.replay, "replay", "", "play the session recorded in `FILE` and compare")
	if code, ok = c.parse(e, fs, args); !ok {
		return f, code, false
	}
	if err := f.complete(fs.Args()); err != nil {
		return f, c.misused(e, "%v", err), false
	}
	return f, 0, true
}

// complete checks the flags and takes the words after them.
func (f *registerFlags) complete(words []string) (err error) {
	switch {
	case f.port == "":
		return errors.New("give a port with -port PORT")
	case f.replay != "" && len(words) > 0:
		return fmt.Errorf("with -replay no METHOD is given, but %q is", words[0])
	}
	if err := f.line.Check(); err != nil {
		return err
	}
	if f.timeout == 0 && (len(words) > 0 || f.replay != "") {
		f.timeout = 10 * time.Minute
	}
	if len(words) > 0 {
		f.body, err = requestBody(words)
	}
	return err
}

// requestBody makes the JSON of a request: words[0] is a method and the rest
// MEMBER=VALUE, or words[0] is the body itself, sent as it is.
func requestBody(words []string) ([]byte, error) {
	if strings.HasPrefix(words[0], "{") {
		if len(words) > 1 {
			return nil, errors.New("after a whole body nothing can follow")
		}
		return []byte(words[0]), nil
	}
	body := map[string]any{"method": words[0]}
	for _, w := range words[1:] {
		name, value, found := strings.Cut(w, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("%q is not MEMBER=VALUE", w)
		}
		if err := setMember(body, name, value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(body)
}

// setMember puts a value at name, which may lead into an object by a dot.
func setMember(body map[string]any, name, value string) error {
	object, member, nested := strings.Cut(name, ".")
	if nested {
		inner, ok := body[object].(map[string]any)
		if !ok {
			inner = map[string]any{}
			body[object] = inner
		}
		return setMember(inner, member, value)
	}
	switch name {
	case "value", "rev", "offset", "commandExecuteTimeout", "maxBody":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not a whole number", name, value)
		}
		body[name] = n
	case "events", "fullRefund":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s: %q is neither true nor false", name, value)
		}
		body[name] = on
	default:
		body[name] = value
	}
	return nil
}
