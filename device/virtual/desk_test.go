package virtual

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// desk is an agent that keeps serving by a script.
type desk struct {
	*agent
	script func(req asked) told
	seq    int
	last   string   // the raw frame served last
	again  []string // what was said in answer to it
}

// asked is what the register asked, as the script sees it.
type asked struct {
	heard
	Method string `json:"method"`
	ID     string `json:"paymentRequestId"`
	Rev    int64  `json:"rev"`
}

// told is what the script wants said.
type told struct {
	deaf   bool   // say nothing at all, not even ACK
	body   string // "" for an ACK alone
	events []string
}

// run serves until the line ends. A frame like the last one gets the same
// answer, a damaged one a NAK.
func (d *desk) run() {
	for {
		h := d.next()
		switch {
		case errors.Is(h.err, errBadFrame):
			d.say("\x1500")
		case h.err != nil:
			return
		case h.kind != stx:
		case h.raw == d.last && h.seq != "00":
			for _, raw := range d.again {
				d.say(raw)
			}
		default:
			d.serve(h)
		}
	}
}

// say writes. An error means that the line has ended, which run finds out.
func (d *desk) say(raw string) { _, _ = d.line.Write([]byte(raw)) }

func (d *desk) serve(h heard) {
	req := asked{heard: h}
	if err := json.Unmarshal([]byte(h.body), &req); err != nil {
		d.t.Errorf("the register sent %q: %v", h.body, err)
	}
	rep := d.script(req)
	if rep.deaf {
		return
	}
	d.last, d.again = h.raw, []string{"\x06" + h.seq}
	if req.Method == "initConnection" {
		d.seq = 0
	}
	if rep.body != "" {
		d.again = append(d.again, wire(d.nextSEQ(req.Method), rep.body))
	}
	for _, raw := range d.again {
		d.say(raw)
	}
	for _, e := range rep.events {
		d.say(wire(d.nextSEQ("event"), e))
	}
}

func (d *desk) nextSEQ(method string) string {
	if method == "initConnection" {
		return "00"
	}
	d.seq = d.seq%255 + 1
	return fmt.Sprintf("%02X", d.seq)
}

// members of a state, without braces.
func members(id, status string, final bool, rev int64) string {
	return fmt.Sprintf(`"paymentRequestId":%q,"paymentStatus":%q,"final":%v,"rev":%d`, id, status, final, rev)
}

func event(state string) string { return `{"event":"payment",` + state + `}` }

// says is a response with a result, and a state where there is one.
func (r asked) says(status, code, state string) string {
	if state != "" {
		state = "," + state
	}
	return fmt.Sprintf(`{"method":%q,"re":%q,"result":{"resultStatus":%q,"resultCode":%q}%s}`, r.Method, r.seq, status, code, state)
}

func (r asked) ok() told { return told{body: r.says("S", "SUCCESS", "")} }

// takenOn is the answer to a pay that is taken on.
func (r asked) takenOn(events ...string) told {
	return told{body: r.says("U", "PAYMENT_IN_PROGRESS", members(r.ID, "PROCESSING", false, 1)), events: events}
}

// diary records what was asked and said during a sale.
type diary struct {
	mu      sync.Mutex
	methods []string // in order
	pays    []string
	steps   []Step
}

func (d *diary) ask(r asked) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.methods = append(d.methods, r.Method)
	if r.Method == "pay" {
		d.pays = append(d.pays, r.body)
	}
}

// methodsAsked names the methods in order.
func (d *diary) methodsAsked() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.methods, " ")
}

func (d *diary) step(s Step, _ string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps = append(d.steps, s)
}

var sale1 = Sale{ID: "L1_0001", Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD", WindowMs: 60000}

// selling runs a till against a script in virtual time. The notebook lies in a
// fresh folder unless path is given.
func selling(t *testing.T, path string, o Options, script func(asked) told, f func(ctx context.Context, till *Till, d *diary)) {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "notebook")
	}
	d := &diary{}
	bubble(t, o, func(ctx context.Context, r *Register, a *agent) {
		book, err := OpenNotebook(path)
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		served := &desk{agent: a, script: func(r asked) told { d.ask(r); return script(r) }}
		go served.run()
		f(ctx, NewTill(r, book, TillOptions{Narrate: d.step}), d)
	})
}
