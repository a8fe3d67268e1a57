package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// desk is a register with what a test needs to ask it.
type desk struct {
	*shop
	reg *virtual.Register
	ctx context.Context
}

// openDesk sets a shop up with its agent and a register that has begun. The test
// runs beside others from there on.
func openDesk(t *testing.T, payments string) *desk {
	t.Helper()
	t.Parallel()
	s := openShop(t, payments)
	s.serve()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	t.Cleanup(cancel)
	d := &desk{s, s.register(), ctx}
	_, err := d.reg.Init(ctx)
	must(t, err)
	return d
}

// members are the members of a request, given as names and values.
func members(list ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(list); i += 2 {
		m[list[i].(string)] = list[i+1]
	}
	return m
}

// ask sends a request and wants a result; it returns the whole response.
func (d *desk) ask(method string, request map[string]any, want string) map[string]any {
	d.t.Helper()
	m, err := d.reg.Request(d.ctx, method, request)
	must(d.t, err)
	if got := m.Result().Status + " " + m.Result().Code; got != want {
		d.t.Errorf("%s %v: %s, want %s", method, request, m.Body, want)
	}
	var body map[string]any
	must(d.t, json.Unmarshal(m.Body, &body))
	return body
}

// awaitEvent waits for an event that has these members.
func (d *desk) awaitEvent(want map[string]any) map[string]any {
	d.t.Helper()
	for {
		select {
		case m := <-d.reg.Events():
			var body map[string]any
			must(d.t, json.Unmarshal(m.Body, &body))
			if has(body, want) {
				return body
			}
		case <-d.ctx.Done():
			d.t.Fatalf("no event with %v came", want)
		}
	}
}

func has(body, want map[string]any) bool {
	for name, value := range want {
		if fmt.Sprint(body[name]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

// pays pays under an id and waits for its end.
func (d *desk) pays(id string, minor int64) map[string]any {
	d.t.Helper()
	d.ask("pay", payBody(id, minor), "U PAYMENT_IN_PROGRESS")
	return d.awaitEvent(members("event", "payment", "paymentRequestId", id, "final", true))
}

func (d *desk) delivers(state map[string]any, id string) {
	d.t.Helper()
	d.ask("delivered", members(id, state[id], "rev", state["rev"]), "S SUCCESS")
}

func refundBody(id, payment string, minor int64) map[string]any {
	return members("refundRequestId", id, "paymentRequestId", payment, "refundAmount", members("value", minor, "currency", "SGD"))
}

func displayed(state map[string]any) string {
	lines, _ := state["display"].([]any)
	text := fmt.Sprint(lines...)
	for _, line := range lines {
		if len(line.(string)) > displayWidth {
			text += " (TOO LONG)"
		}
	}
	return text
}

func TestRefundsAreMadeOnceToldAndBounded(t *testing.T) {
	d := openDesk(t, quick)
	d.arm(sandbox.Plan{Name: "decline", ID: "R2"})
	paid := d.pays("R1", 1050)
	d.delivers(paid, "paymentRequestId")
	d.delivers(d.pays("R2", 700), "paymentRequestId")

	d.ask("inquiryRefund", members("refundRequestId", "F1"), "F AGENT_NOT_FOUND")
	first := d.ask("refund", refundBody("F1", "R1", 250), "U PAYMENT_IN_PROGRESS")
	if first["refundStatus"] != "PENDING" || first["final"] != false || displayed(first) != "REFUND UNDER WAYSGD 2.50" {
		t.Errorf("taken on: %v", first)
	}
	told := d.awaitEvent(members("event", "refund", "refundRequestId", "F1", "final", true))
	if told["refundStatus"] != "SUCCESS" || displayed(told) != "REFUNDED SGD 2.50" || told["refundId"] == nil ||
		told["paymentRequestId"] != "R1" || told["paymentId"] != paid["paymentId"] || fmt.Sprint(told["refundAmount"]) != "map[currency:SGD value:250]" {
		t.Errorf("told %v", told)
	}
	if again := d.ask("refund", refundBody("F1", "R1", 250), "S SUCCESS"); again["rev"] != told["rev"] {
		t.Errorf("the same again: %v", again)
	}
	if last := d.ask("lastResult", nil, "S SUCCESS"); last["refundRequestId"] != "F1" || last["refundStatus"] != "SUCCESS" {
		t.Errorf("lastResult: %v", last)
	}
	if state := d.ask("inquiryRefund", members("refundRequestId", "F1"), "S SUCCESS"); state["rev"] != told["rev"] {
		t.Errorf("inquiryRefund: %v", state)
	}
	d.ask("delivered", members("refundRequestId", "F9", "rev", 1), "F AGENT_NOT_FOUND")
	d.ask("delivered", members("paymentRequestId", "F1", "rev", told["rev"]), "F AGENT_NOT_FOUND")
	d.delivers(told, "refundRequestId")

	d.ask("refund", refundBody("F1", "R1", 251), "F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT")
	d.ask("refund", refundBody("F2", "R1", 801), "F AGENT_REFUND_EXCEEDS")
	d.ask("refund", refundBody("F2", "R2", 100), "F AGENT_NOT_PAID")
	d.ask("refund", refundBody("F2", "R9", 100), "F AGENT_NOT_FOUND")
	full := members("refundRequestId", "F3", "paymentId", paid["paymentId"], "fullRefund", true, "memo", "broken")
	d.ask("refund", full, "U PAYMENT_IN_PROGRESS")
	rest := d.awaitEvent(members("event", "refund", "refundRequestId", "F3", "final", true))
	if fmt.Sprint(rest["refundAmount"]) != "map[currency:SGD value:800]" {
		t.Errorf("what was left: %v", rest)
	}
	d.ask("refund", members("refundRequestId", "F4", "paymentRequestId", "R1", "fullRefund", true), "F AGENT_REFUND_EXCEEDS")
	if welcome, err := d.reg.Init(d.ctx); err != nil || strings.Join(welcome.Undelivered(), " ") != "F3" {
		t.Errorf("undelivered %v, %v", welcome.Undelivered(), err)
	}
}

func TestAbortOfWhatWasNeverSeenLeavesAMark(t *testing.T) {
	d := openDesk(t, quick)
	id := members("paymentRequestId", "R1")
	for range 2 {
		state := d.ask("abort", id, "S SUCCESS")
		if state["paymentStatus"] != "CANCELLED" || state["final"] != true || state["paymentAmount"] != nil || displayed(state) != "CANCELLED" {
			t.Errorf("aborted: %v", state)
		}
	}
	d.ask("pay", payBody("R1", 1050), "F AGENT_ABORTED")
	if state := d.ask("inquiryPayment", id, "S SUCCESS"); state["paymentStatus"] != "CANCELLED" {
		t.Errorf("asked: %v", state)
	}
	if len(d.server.Ledger()) != 0 {
		t.Errorf("the ledger has %+v", d.server.Ledger())
	}
}

func TestAbortThatComesTooLateGivesTheMoneyBack(t *testing.T) {
	d := openDesk(t, quick)
	d.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
	d.ask("pay", payBody("R1", 1050), "U PAYMENT_IN_PROGRESS")
	_, err := d.server.Await(d.ctx, func(e sandbox.Event) bool { return e.ID == "R1" && e.Stage == sandbox.StageHangs })
	must(t, err)
	state := d.ask("abort", members("paymentRequestId", "R1"), "S SUCCESS")
	if state["final"] != false || state["abortRequested"] != true || displayed(state) != "SGD 10.50BEING CANCELLED" {
		t.Errorf("the wish: %v", state)
	}
	seen := map[string]bool{}
	for told := state; displayed(told) != "PAID AND GIVEN BACKSGD 10.50"; seen[displayed(told)] = true {
		told = d.awaitEvent(members("event", "payment", "paymentRequestId", "R1", "paymentStatus", "SUCCESS", "final", true))
		state = told
	}
	reversal, _ := state["reversal"].(map[string]any)
	if reversal["refundStatus"] != "SUCCESS" || reversal["refundRequestId"] == "" {
		t.Errorf("reversal %v", state)
	}
	if c := d.charges("R1"); len(c) != 1 || c[0].RefundedMinor != 1050 {
		t.Errorf("the ledger has %+v", c)
	}
	for len(d.reg.Events()) > 0 {
		if m := <-d.reg.Events(); m.Event() == "refund" {
			t.Errorf("a refund event of its own: %s", m.Body)
		}
	}
	d.delivers(state, "paymentRequestId")
}

func TestAbortAfterTheEnd(t *testing.T) {
	d := openDesk(t, quick)
	d.arm(sandbox.Plan{Name: "decline", ID: "R2"})
	d.delivers(d.pays("R1", 1050), "paymentRequestId")
	d.ask("abort", members("paymentRequestId", "R1"), "F AGENT_TOO_LATE")
	d.pays("R2", 700)
	if state := d.ask("abort", members("paymentRequestId", "R2"), "S SUCCESS"); state["paymentStatus"] != "FAIL" {
		t.Errorf("after FAIL: %v", state)
	}
}
