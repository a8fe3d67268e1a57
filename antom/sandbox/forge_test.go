package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// wantUntrue checks that an answer is there and must not be believed.
func wantUntrue(t *testing.T, g *rig, r reply, signed bool, result string, charges int) {
	t.Helper()
	if r.err != nil || r.signed != signed || r.verified || r.result() != result {
		t.Fatalf("got %v signed=%v verified=%v %s; want signed=%v, not verified, %s",
			r.err, r.signed, r.verified, r.clear, signed, result)
	}
	g.wantCharges("R1", charges)
}

func forgeryTests() map[string]func(*testing.T, *rig, int64) {
	return map[string]func(*testing.T, *rig, int64){
		"unsigned": func(t *testing.T, g *rig, minor int64) {
			r := g.pay("R1", minor)
			wantUntrue(t, g, r, false, "S SUCCESS", 1)
			if !r.encrypted {
				t.Error("only the signature was to be missing")
			}
		},
		"wrong_key": func(t *testing.T, g *rig, minor int64) {
			wantUntrue(t, g, g.pay("R1", minor), true, "S SUCCESS", 1)
		},
		"other_bytes": func(t *testing.T, g *rig, minor int64) {
			wantUntrue(t, g, g.pay("R1", minor), true, "S SUCCESS", 1)
		},
		"forged_decline": func(t *testing.T, g *rig, minor int64) {
			r := g.pay("R1", minor)
			wantUntrue(t, g, r, false, "F PAYMENT_FAIL", 1)
			if r.encrypted {
				t.Error("a forger's answer came encrypted")
			}
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
		},
		"forged_success": func(t *testing.T, g *rig, minor int64) {
			wantUntrue(t, g, g.pay("R1", minor), false, "S SUCCESS", 0)
			wantTrue(t, g.inquire("R1"), "F DPOS_PAYMENT_ORDER_NOT_EXIST")
		},
		"replayed": func(t *testing.T, g *rig, minor int64) {
			old := g.pay("R0", 1000)
			g.once("unsigned", "pay")
			g.pay("R00", 1000) // unsigned, so no forger could replay it as Antom's
			g.clock.advance(time.Hour)
			r := g.pay("R1", minor)
			wantTrue(t, r, "S SUCCESS")
			if string(r.raw) != string(old.raw) || r.text("paymentId") != g.known("R0") {
				t.Errorf("got %s, want the answer to R0", r.clear)
			}
			g.wantCharges("R1", 1)
		},
		"foreign_payment_id": func(t *testing.T, g *rig, minor int64) {
			wantTrue(t, g.pay("R0", 1000), "S SUCCESS")
			r := g.pay("R1", minor)
			wantTrue(t, r, "S SUCCESS")
			if got := r.text("paymentId"); got != g.known("R0") {
				t.Errorf("got paymentId %s, want that of R0, %s", got, g.known("R0"))
			}
			g.once("foreign_payment_id", "inquiryPayment")
			if got := g.inquire("R1").text("paymentId"); got != g.known("R0") {
				t.Errorf("got paymentId %s, want that of R0, %s", got, g.known("R0"))
			}
		},
		"other_client": func(t *testing.T, g *rig, _ int64) {
			g.once("other_client", "pay")
			r := g.pay("R1", 1000)
			wantTrue(t, r, "S SUCCESS")
			if got := r.header.Get("Client-Id"); got == terminal || got == "" {
				t.Errorf("got Client-Id %q", got)
			}
		},
		"unnamed": func(t *testing.T, g *rig, _ int64) {
			paid := g.pay("R1", 1000).text("paymentId")
			g.once("unnamed", "inquiryPayment")
			r := g.inquire("R1")
			wantTrue(t, r, "S SUCCESS")
			if got := r.text("paymentRequestId"); got != "" {
				t.Errorf("it names %q", got)
			}
			g.once("unnamed", "refund")
			r = g.refund("B1", paid, 100)
			wantTrue(t, r, "S SUCCESS")
			if got := r.text("refundRequestId"); got != "" || r.text("refundId") == "" {
				t.Errorf("it names %q, and as Antom's id %q", got, r.text("refundId"))
			}
		},
		"other_id": func(t *testing.T, g *rig, _ int64) {
			paid := g.pay("R1", 1000).text("paymentId")
			g.once("other_id", "inquiryPayment")
			if r := g.inquire("R1"); !r.verified || r.text("paymentRequestId") != "R19" {
				t.Errorf("got %s", r.clear)
			}
			g.once("other_id", "refund")
			if r := g.refund("B1", paid, 10); !r.verified || r.text("refundRequestId") != "B19" {
				t.Errorf("got %s", r.clear)
			}
		},
		"clock_off": func(t *testing.T, g *rig, minor int64) {
			r := g.pay("R1", minor)
			wantTrue(t, r, "S SUCCESS")
			got := r.header.Get("Request-Time") + r.header.Get("Response-Time")
			if want := "2026-08-23T09:08:56.253+08:00"; got != want {
				t.Errorf("got time %s, want %s", got, want)
			}
		},
		"wrong_encryption": func(t *testing.T, g *rig, _ int64) {
			g.once("wrong_encryption", "pay")
			r := g.pay("R1", 1000)
			if !r.verified || !r.encrypted || json.Valid(r.clear) {
				t.Errorf("got verified=%v encrypted=%v %q", r.verified, r.encrypted, r.clear)
			}
			g.wantCharges("R1", 1)
		},
	}
}

func wantSignedButOdd(t *testing.T, g *rig, r reply, result string) {
	t.Helper()
	wantTrue(t, r, result)
	g.wantCharges("R1", 1)
}

func lieTests() map[string]func(*testing.T, *rig, int64) {
	says := func(result string) func(*testing.T, *rig, int64) {
		return func(t *testing.T, g *rig, minor int64) {
			wantSignedButOdd(t, g, g.pay("R1", minor), result)
			wantTrue(t, g.pay("R1", minor), "S SUCCESS")
		}
	}
	return map[string]func(*testing.T, *rig, int64){
		"truncated_json": func(t *testing.T, g *rig, minor int64) {
			wantSignedButOdd(t, g, g.pay("R1", minor), "<nil> <nil>")
		},
		"no_result": func(t *testing.T, g *rig, minor int64) {
			r := g.pay("R1", minor)
			wantSignedButOdd(t, g, r, "<nil> <nil>")
			if r.text("paymentId") == "" {
				t.Error("only the result was to be missing")
			}
		},
		"unknown_status": says("X SUCCESS"),
		"unknown_code":   says("F SANDBOX_NOVEL_CODE"),
		"system_error":   says("F DPOS_SYSTEM_ERROR"),
		"inconsistent":   says("F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"),
		"busy":           says("F TERMINAL_BUSY"),
		"huge": func(t *testing.T, g *rig, _ int64) {
			g.once("huge", "pay")
			r := g.pay("R1", 1000)
			wantSignedButOdd(t, g, r, "S SUCCESS")
			if len(r.clear) <= 1<<20 {
				t.Errorf("got %d bytes", len(r.clear))
			}
		},
		"not_json": func(t *testing.T, g *rig, _ int64) {
			g.once("not_json", "pay")
			r := g.pay("R1", 1000)
			wantSignedButOdd(t, g, r, "<nil> <nil>")
			if json.Valid(r.clear) {
				t.Errorf("got JSON: %s", r.clear)
			}
		},
		"response_time": func(t *testing.T, g *rig, _ int64) {
			for range 4 {
				g.once("response_time", "diagnosis")
				r := g.ask("diagnosis", `{"extendInfo":""}`)
				wantTrue(t, r, "S SUCCESS")
				if r.header.Get("Response-Time") == "" || r.header.Get("Request-Time") != "" {
					t.Errorf("got headers %v", r.header)
				}
			}
		},
		"amounts_as_strings": func(t *testing.T, g *rig, _ int64) {
			wantTrue(t, g.pay("R1", 1050), "S SUCCESS")
			g.once("amounts_as_strings", "inquiryPayment")
			if r := g.inquire("R1"); !r.verified || !strings.Contains(strings.ReplaceAll(string(r.clear), " ", ""), `"value":"1050"`) {
				t.Errorf("got %s", r.clear)
			}
		},
	}
}
