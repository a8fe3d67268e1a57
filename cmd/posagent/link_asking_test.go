package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func TestTotalsAreOfThisRegisterAndThisTime(t *testing.T) {
	d := openDesk(t, quick)
	began := time.Now()
	d.pays("R1", 1050)
	d.pays("R2", 700)
	d.ask("refund", refundBody("F1", "R1", 250), "U PAYMENT_IN_PROGRESS")
	d.awaitEvent(members("event", "refund", "refundRequestId", "F1", "final", true))
	d.arm(sandbox.Plan{Name: "hang_before", ID: "R3", Count: 20})
	d.ask("pay", payBody("R3", 500), "U PAYMENT_IN_PROGRESS")
	today := d.ask("totals", nil, "S SUCCESS")
	want := `[{"currency":"SGD","paid":{"count":2,"value":1750},"refunded":{"count":1,"value":250}}] ["R3"]`
	sums, _ := json.Marshal(today["currencies"])
	open, _ := json.Marshal(today["unresolved"])
	if got := fmt.Sprintf("%s %s", sums, open); got != want {
		t.Errorf("totals %s, want %s", got, want)
	}
	before := d.ask("totals", members("from", "2020-01-01", "to", began.Format(time.RFC3339)), "S SUCCESS")
	if sums, _ := before["currencies"].([]any); len(sums) != 0 {
		t.Errorf("before anything was sold: %v", before)
	}
}

func TestReceiptComesWholeInParts(t *testing.T) {
	d := openDesk(t, quick)
	paid := d.pays("R1", 1050)
	whole, _ := paid["paymentReceipt"].(map[string]any)
	if whole["cashierReceipt"] == nil {
		t.Fatalf("no receipt: %v", paid)
	}
	_, err := d.reg.RequestRaw(d.ctx, []byte(`{"method":"initConnection","register":"lane1","maxBody":512}`))
	must(t, err)
	for which, want := range map[string]any{"cashier": whole["cashierReceipt"], "customer": whole["customerReceipt"]} {
		text := ""
		for {
			part := d.ask("receipt", members("paymentRequestId", "R1", "copy", which, "offset", len([]rune(text))), "S SUCCESS")
			if part["text"] == "" {
				break
			}
			text += part["text"].(string)
		}
		if text != want {
			t.Errorf("%s: %q, want %q", which, text, want)
		}
	}
	d.ask("receipt", members("paymentRequestId", "R9", "copy", "cashier"), "F AGENT_NOT_FOUND")
}

func TestDiagnosisGoesThroughToAntom(t *testing.T) {
	d := openDesk(t, quick)
	state := d.ask("diagnosis", nil, "S SUCCESS")
	for name, want := range map[string]any{"networkStatus": "Y", "printerStatus": "Y", "globalStatus": "Y", "storageStatus": "Y", "clockStatus": "Y", "unresolvedCount": 0.0} {
		if state[name] != want {
			t.Errorf("%s is %v, want %v", name, state[name], want)
		}
	}
}

func TestDiagnosisWithoutAntomSaysHowWeAre(t *testing.T) {
	s := openShop(t, quick)
	rewrite(t, s.site.configFile(), "base_url = ", `base_url = "http://127.0.0.1:1/openapi/v2"`)
	s.serve()
	d := &desk{s, s.register(), t.Context()}
	state := d.ask("diagnosis", nil, "F DEVICE_NOT_CONNECT")
	if state["networkStatus"] != "N" || state["storageStatus"] != "Y" || state["clockStatus"] != "Y" || state["printerStatus"] != nil {
		t.Errorf("told %v", state)
	}
}

func TestTheWayToAntomIsToldWhenItIsLostAndFound(t *testing.T) {
	d := openDesk(t, quick)
	d.arm(sandbox.Plan{Name: "hang_before", ID: "R1", Count: 3})
	d.ask("pay", payBody("R1", 1050), "U PAYMENT_IN_PROGRESS")
	want := "down" // and so on in turn: nothing is said twice
	changes := 0
	for paid := false; !paid || want == "up"; {
		told := d.awaitEvent(nil)
		paid = paid || told["event"] == "payment" && told["final"] == true
		if told["event"] != "link" {
			continue
		}
		if told["upstream"] != want {
			t.Fatalf("told %v, want %s", told, want)
		}
		want = map[string]string{"down": "up", "up": "down"}[want]
		changes++
	}
	if changes < 2 {
		t.Errorf("told of %d changes", changes)
	}
}

func TestWithoutEventsARegisterPolls(t *testing.T) {
	d := openDesk(t, quick)
	_, err := d.reg.RequestRaw(d.ctx, []byte(`{"method":"initConnection","register":"lane1","events":false}`))
	must(t, err)
	d.arm(sandbox.Plan{Name: "hang_before", ID: "R1"})
	d.ask("pay", payBody("R1", 1050), "U PAYMENT_IN_PROGRESS")
	state := map[string]any{}
	for state["final"] != true && d.ctx.Err() == nil {
		maps.Copy(state, d.ask("inquiryPayment", members("paymentRequestId", "R1"), "S SUCCESS"))
	}
	d.delivers(state, "paymentRequestId")
	if n := len(d.reg.Events()); n > 0 || state["paymentStatus"] != "SUCCESS" {
		t.Errorf("%d events, %v", n, state)
	}
}
