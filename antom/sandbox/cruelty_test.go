package sandbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

// crueltyTests has one test for each cruelty in the book, most of them called
// as at the till: by the amount.
func crueltyTests() map[string]func(*testing.T, *rig, int64) {
	tests := map[string]func(*testing.T, *rig, int64){}
	maps.Copy(tests, outcomeTests())
	maps.Copy(tests, lossTests())
	maps.Copy(tests, forgeryTests())
	maps.Copy(tests, lieTests())
	return tests
}

func TestEveryCrueltyDoesWhatItSays(t *testing.T) {
	tests := crueltyTests()
	for _, c := range sandbox.Book() {
		test, found := tests[c.Name]
		if !found {
			t.Errorf("cruelty %s has no test", c.Name)
			continue
		}
		delete(tests, c.Name)
		t.Run(c.Name, func(t *testing.T) { test(t, newRig(t, nil), int64(1000+c.Ending)) })
	}
	if len(tests) > 0 {
		t.Errorf("tests of no cruelty: %v", slices.Collect(maps.Keys(tests)))
	}
}

func status(t *testing.T, g *rig, id string) string {
	t.Helper()
	r := g.inquire(id)
	wantTrue(t, r, "S SUCCESS")
	return r.text("paymentStatus")
}

func wantStatus(t *testing.T, g *rig, id, want string) {
	t.Helper()
	if got := status(t, g, id); got != want {
		t.Fatalf("got paymentStatus %s, want %s", got, want)
	}
}

func outcomeTests() map[string]func(*testing.T, *rig, int64) {
	return map[string]func(*testing.T, *rig, int64){
		"decline": func(t *testing.T, g *rig, minor int64) {
			wantTrue(t, g.pay("R1", minor), "F PAYMENT_FAIL")
			wantStatus(t, g, "R1", "FAIL")
			g.wantCharges("R1", 0)
			paid := g.pay("R2", 1000).text("paymentId")
			g.arm(sandbox.Plan{Name: "decline", Path: "refund"})
			wantTrue(t, g.refund("B1", paid, 1000), "F PROCESS_FAIL")
			wantTrue(t, g.refund("B2", paid, 1000), "S SUCCESS")
		},
		"in_progress": func(t *testing.T, g *rig, minor int64) {
			wantTrue(t, g.pay("R1", minor), "U PAYMENT_IN_PROGRESS")
			wantTrue(t, g.pay("R1", minor), "U PAYMENT_IN_PROGRESS")
			wantStatus(t, g, "R1", "PROCESSING")
			g.wantCharges("R1", 0)
			wantStatus(t, g, "R1", "SUCCESS")
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
			g.wantCharges("R1", 1)
			g.arm(sandbox.Plan{Name: "in_progress", Duration: time.Minute})
			wantTrue(t, g.pay("R2", 1000), "U PAYMENT_IN_PROGRESS")
			g.clock.advance(59 * time.Second)
			for range 5 {
				wantStatus(t, g, "R2", "PROCESSING")
			}
			booked := g.clock.now().Add(time.Second)
			g.clock.advance(time.Hour)
			g.wantCharges("R2", 1)
			if got := g.srv.Ledger()[1].BookedAt; !got.Equal(booked) {
				t.Errorf("got booked at %s, want when it fell due, %s", got, booked)
			}
		},
		"decline_later": func(t *testing.T, g *rig, minor int64) {
			wantTrue(t, g.pay("R1", minor), "U PAYMENT_IN_PROGRESS")
			wantStatus(t, g, "R1", "PROCESSING")
			wantStatus(t, g, "R1", "PROCESSING")
			wantStatus(t, g, "R1", "FAIL")
			wantTrue(t, g.pay("R1", minor), "F PAYMENT_FAIL")
			g.wantCharges("R1", 0)
		},
		"pending": func(t *testing.T, g *rig, minor int64) {
			wantTrue(t, g.pay("R1", minor), "U PAYMENT_IN_PROGRESS")
			wantStatus(t, g, "R1", "PENDING")
			g.wantCharges("R1", 1)
			wantStatus(t, g, "R1", "PENDING")
			wantStatus(t, g, "R1", "SUCCESS")
			g.wantCharges("R1", 1)
		},
		"slow_customer": func(t *testing.T, g *rig, minor int64) {
			g.payAndLeave("R1", minor)
			wantStatus(t, g, "R1", "PROCESSING")
			g.wantCharges("R1", 0)
			g.clock.advance(10 * time.Second)
			wantStatus(t, g, "R1", "SUCCESS")
			g.wantCharges("R1", 1)
		},
		"forgetful": func(t *testing.T, g *rig, minor int64) {
			first := g.pay("R1", minor)
			wantTrue(t, first, "S SUCCESS")
			again := g.pay("R1", minor)
			wantTrue(t, again, "S SUCCESS")
			g.wantCharges("R1", 2)
			if first.text("paymentId") == again.text("paymentId") {
				t.Error("two charges share a paymentId")
			}
			wantTrue(t, g.pay("R2", 1000), "S SUCCESS")
			g.arm(sandbox.Plan{Name: "forgetful"})
			wantTrue(t, g.pay("R2", 1000), "S SUCCESS")
			g.wantCharges("R2", 2)
		},
	}
}

// wantLost checks that there was no whole answer, and what it did to the money.
func wantLost(t *testing.T, g *rig, r reply, charges int) {
	t.Helper()
	if r.err == nil {
		t.Fatalf("got an answer: %s", r.raw)
	}
	g.wantCharges("R1", charges)
}

func wantHTML(t *testing.T, g *rig, r reply, charges int) {
	t.Helper()
	if r.status != 502 || r.signed || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") ||
		!bytes.Contains(r.raw, []byte("<html>")) {
		t.Fatalf("got %v HTTP %d %s", r.err, r.status, r.raw)
	}
	g.wantCharges("R1", charges)
}

func lossTests() map[string]func(*testing.T, *rig, int64) {
	return map[string]func(*testing.T, *rig, int64){
		"hang_before": func(t *testing.T, g *rig, minor int64) {
			g.payAndLeave("R1", minor)
			g.wantCharges("R1", 0)
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
			g.arm(sandbox.Plan{Name: "hang_before", Duration: 10 * time.Millisecond})
			wantTrue(t, g.pay("R2", minor), "S SUCCESS")
			g.wantCharges("R2", 1)
		},
		"hang_after": func(t *testing.T, g *rig, minor int64) {
			g.payAndLeave("R1", minor)
			g.wantCharges("R1", 1)
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
			g.wantCharges("R1", 1)
			g.arm(sandbox.Plan{Name: "hang_after", Path: "inquiryPayment", Duration: 10 * time.Millisecond})
			wantStatus(t, g, "R1", "SUCCESS")
		},
		"close_before": func(t *testing.T, g *rig, minor int64) {
			wantLost(t, g, g.pay("R1", minor), 0)
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
		},
		"close_after": func(t *testing.T, g *rig, minor int64) {
			wantLost(t, g, g.pay("R1", minor), 1)
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
			g.wantCharges("R1", 1)
			if e := g.srv.History()[0]; e.Fate != sandbox.FateClosed || !e.Acted || e.Bytes == 0 {
				t.Errorf("got event %+v", e)
			}
		},
		"html_before": func(t *testing.T, g *rig, minor int64) { wantHTML(t, g, g.pay("R1", minor), 0) },
		"html_after":  func(t *testing.T, g *rig, minor int64) { wantHTML(t, g, g.pay("R1", minor), 1) },
		"not_found": func(t *testing.T, g *rig, minor int64) {
			wantLost(t, g, g.pay("R1", minor), 1)
			wantTrue(t, g.inquire("R1"), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
			g.clock.advance(10 * time.Second)
			wantStatus(t, g, "R1", "SUCCESS")
			g.arm(sandbox.Plan{Name: "not_found", Path: "inquiryPayment"})
			wantTrue(t, g.inquire("R1"), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
			wantStatus(t, g, "R1", "SUCCESS")
		},
		"late_arrival": func(t *testing.T, g *rig, minor int64) {
			wantLost(t, g, g.pay("R1", minor), 0)
			wantTrue(t, g.inquire("R1"), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
			g.clock.advance(5 * time.Second)
			wantStatus(t, g, "R1", "SUCCESS")
			g.wantCharges("R1", 1)
			wantLost(t, g, g.pay("R2", minor), 1)
			wantTrue(t, g.pay("R2", minor), "S SUCCESS")
			g.clock.advance(5 * time.Second)
			g.wantCharges("R2", 1)
		},
		"cut_answer": func(t *testing.T, g *rig, minor int64) {
			r := g.pay("R1", minor)
			wantLost(t, g, r, 1)
			if len(r.raw) == 0 {
				t.Error("nothing of the answer arrived")
			}
		},
		"trickle": func(t *testing.T, g *rig, _ int64) {
			g.arm(sandbox.Plan{Name: "trickle", Duration: 40 * time.Millisecond})
			began := time.Now()
			wantTrue(t, g.pay("R1", 1000), "S SUCCESS")
			if took := time.Since(began); took < 30*time.Millisecond {
				t.Errorf("took %s, want about 40ms", took)
			}
		},
		"refuse": func(t *testing.T, g *rig, _ int64) {
			open := *g // another caller, whose connection is open already
			open.http = &http.Client{Transport: &http.Transport{}}
			defer open.http.CloseIdleConnections()
			wantTrue(t, open.ask("diagnosis", `{"extendInfo":""}`), "S SUCCESS")
			g.arm(sandbox.Plan{Name: "refuse", Duration: time.Hour})
			wantLost(t, g, g.pay("R1", 1000), 0)
			refused := g.pay("R1", 1000)
			wantLost(t, g, refused, 0)
			if !errors.Is(refused.err, syscall.ECONNREFUSED) {
				t.Errorf("got %v, want a port where nobody listens", refused.err)
			}
			wantLost(t, g, open.pay("R1", 1000), 0)
			g.srv.Disarm()
			wantTrue(t, g.pay("R1", 1000), "S SUCCESS")
			if got := len(g.srv.History()); got != 4 {
				t.Errorf("got %d requests seen, want 4: one met a gate that was shut before it connected", got)
			}
		},
	}
}

// once arms a cruelty for the next call and returns its name for messages.
func (g *rig) once(name, path string) { g.t.Helper(); g.arm(sandbox.Plan{Name: name, Path: path}) }

func (g *rig) known(id string) string {
	for _, p := range g.srv.Payments() {
		if p.PaymentRequestID == id {
			return p.PaymentID
		}
	}
	return fmt.Sprintf("no payment %s", id)
}
