package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"posagent/device"
	"posagent/device/virtual"
)

func registerCommand() command {
	return command{
		name:  "register",
		usage: "-port PATH [FLAGS] METHOD [MEMBER=VALUE …]",
		brief: "be the cash register, once",
		about: `Opens a serial port as a cash register would, sends one request, and prints the
response and every event that comes meanwhile, one JSON object a line.

The members of the request are given as MEMBER=VALUE, those of an object as
OBJECT.MEMBER=VALUE; or the whole body is given as one JSON object in place of
METHOD:
  posagent register -port /dev/ttyUSB1 echo text=hi
  posagent register -port /dev/ttyUSB1 -wait pay paymentRequestId=R1 \
    paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD
  posagent register -port /dev/ttyUSB1 '{"method":"inquiryPayment","paymentRequestId":"R1"}'
With -wait it goes on until the payment is final, asks where no event comes, and
says delivered. Exit 0: answered, and not with F; 1: refused, not answered, or
with -wait not final in time. What became of the money stands in paymentStatus.

Methods: initConnection echo pay inquiryPayment lastResult delivered
`,
		run: runRegister,
	}
}

// askEvery is how often a waiting register asks where no event comes.
const askEvery = 12 * time.Second

type registerFlags struct {
	port, name string
	line       device.Line
	wait       bool
	timeout    time.Duration
	noInit     bool
	body       []byte
}

func runRegister(ctx context.Context, e env, c command, args []string) int {
	f, code, ok := c.registerFlags(e, args)
	if !ok {
		return code
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	port, err := device.OpenPort(f.port, f.line)
	if err != nil {
		return c.failed(e, err)
	}
	reg := virtual.New(port, virtual.Options{Name: f.name, Software: "posagent register " + version, Events: true, Baud: f.line.Baud})
	ended := make(chan error, 1)
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() { ended <- reg.Run(runCtx) }()
	err = oneRequest(ctx, e.stdout, reg, f)
	stop()
	if runErr := <-ended; err == nil {
		err = runErr
	}
	if closeErr := port.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

func (c command) registerFlags(e env, args []string) (f registerFlags, code int, ok bool) {
	fs := c.flags()
	fs.StringVar(&f.port, "port", "", "the `PATH` of the register's end of the line")
	fs.StringVar(&f.name, "name", "lane1", "the `NAME` to give in initConnection")
	fs.IntVar(&f.line.Baud, "baud", 115200, "bits a second")
	fs.IntVar(&f.line.DataBits, "data-bits", 8, "7 or 8")
	fs.StringVar(&f.line.Parity, "parity", "none", "none, even or odd")
	fs.IntVar(&f.line.StopBits, "stop-bits", 1, "1 or 2")
	fs.BoolVar(&f.wait, "wait", false, "wait until the payment is final, and say delivered")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Minute, "give up after this long; the payment goes on")
	fs.BoolVar(&f.noInit, "no-init", false, "do not send initConnection first")
	if code, ok = c.parse(e, fs, args); !ok {
		return f, code, false
	}
	if f.port == "" || fs.NArg() == 0 {
		return f, c.misused(e, "give a port with -port PATH, and a method"), false
	}
	if err := f.line.Check(); err != nil {
		return f, c.misused(e, "%v", err), false
	}
	var err error
	if f.body, err = requestBody(fs.Args()); err != nil {
		return f, c.misused(e, "%v", err), false
	}
	return f, 0, true
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
	case "value", "rev", "commandExecuteTimeout", "maxBody":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not a whole number", name, value)
		}
		body[name] = n
	case "events":
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

// oneRequest sends the request and prints what comes back.
func oneRequest(ctx context.Context, w io.Writer, reg *virtual.Register, f registerFlags) error {
	var asked struct{ Method, PaymentRequestID string }
	_ = json.Unmarshal(f.body, &asked) // a body that is no JSON is sent all the same
	if !f.noInit && asked.Method != "initConnection" {
		if _, err := reg.Init(ctx); err != nil {
			return fmt.Errorf("initConnection: %w", err)
		}
	}
	m, err := reg.RequestRaw(ctx, f.body)
	if err != nil {
		return fmt.Errorf("%w; whether it was carried out is unknown: ask", err)
	}
	fmt.Fprintf(w, "%s\n", m.Body)
	if m.Result().Status == "F" {
		return fmt.Errorf("refused: %s %s", m.Result().Code, m.Result().Message)
	}
	if f.wait {
		return waitFinal(ctx, w, reg, asked.PaymentRequestID, m)
	}
	printWaiting(w, reg)
	return nil
}

// printWaiting prints the events that have come already.
func printWaiting(w io.Writer, reg *virtual.Register) {
	for {
		select {
		case m := <-reg.Events():
			fmt.Fprintf(w, "%s\n", m.Body)
		default:
			return
		}
	}
}

// waitFinal prints what comes until the payment of id is final, and confirms it.
func waitFinal(ctx context.Context, w io.Writer, reg *virtual.Register, id string, m virtual.Message) error {
	for {
		s, ok := m.PaymentState()
		if ok && s.Final && (id == "" || s.PaymentRequestID == id) {
			return confirm(ctx, reg, s)
		}
		var err error
		if m, err = nextMessage(ctx, reg, id); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", m.Body)
	}
}

// nextMessage returns the next event, or the answer to an inquiry where none comes.
func nextMessage(ctx context.Context, reg *virtual.Register, id string) (virtual.Message, error) {
	timer := time.NewTimer(askEvery)
	defer timer.Stop()
	for {
		select {
		case m := <-reg.Events():
			return m, nil
		case <-timer.C:
		case <-reg.Done():
			return virtual.Message{}, errors.New("the line is closed; the outcome is unknown: ask")
		case <-ctx.Done():
			return virtual.Message{}, errors.New("not final in time; the payment goes on: ask")
		}
		m, err := reg.Request(ctx, "inquiryPayment", map[string]any{"paymentRequestId": id})
		if err == nil {
			return m, nil
		}
		timer.Reset(askEvery) // no answer: the agent may be restarting
	}
}

func confirm(ctx context.Context, reg *virtual.Register, s virtual.PaymentState) error {
	m, err := reg.Request(ctx, "delivered", map[string]any{"paymentRequestId": s.PaymentRequestID, "rev": s.Rev})
	if err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	if r := m.Result(); r.Status != "S" {
		return fmt.Errorf("delivered: refused: %s %s", r.Code, r.Message)
	}
	return nil
}
