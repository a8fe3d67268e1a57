package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func (g *rig) control(method, path, body string) (int, string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, g.host+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if !json.Valid(text) && res.StatusCode != http.StatusMethodNotAllowed {
		g.t.Errorf("%s %s: got HTTP %d, not JSON: %s", method, path, res.StatusCode, text)
	}
	return res.StatusCode, string(text)
}

type crueltiesText struct {
	Book []struct {
		Name, Sentence string
		Ending         int
		Calls          []string
	}
	Armed []struct {
		Name, Path, Duration string
		Count                int
	}
}

func (g *rig) cruelties() (text crueltiesText) {
	g.t.Helper()
	_, body := g.control("GET", "/sandbox/cruelties", "")
	if err := json.Unmarshal([]byte(body), &text); err != nil {
		g.t.Fatal(err)
	}
	return text
}

func TestControlArmsForTheNextRequests(t *testing.T) {
	g := newRig(t, nil)
	if code, text := g.control("POST", "/sandbox/cruelties", `{"name":"decline","count":2,"path":"pay"}`); code != 200 {
		t.Fatalf("got %d %s", code, text)
	}
	wantTrue(t, g.pay("R1", 1000), "F PAYMENT_FAIL")
	if got := g.cruelties().Armed; len(got) != 1 || got[0].Count != 1 || got[0].Name != "decline" {
		t.Errorf("got armed %+v, want one decline left", got)
	}
	wantTrue(t, g.inquire("R1"), "S SUCCESS")
	wantTrue(t, g.pay("R2", 1000), "F PAYMENT_FAIL")
	wantTrue(t, g.pay("R3", 1000), "S SUCCESS")
	g.control("POST", "/sandbox/cruelties", `{"name":"decline"}`)
	if code, _ := g.control("DELETE", "/sandbox/cruelties", ""); code != 200 || len(g.cruelties().Armed) != 0 {
		t.Errorf("got %d, armed %+v after DELETE", code, g.cruelties().Armed)
	}
	wantTrue(t, g.pay("R4", 1000), "S SUCCESS")
}

func TestPlanWithAnIDWaitsForIt(t *testing.T) {
	g := newRig(t, nil)
	g.arm(sandbox.Plan{Name: "decline", ID: "R2"})
	wantTrue(t, g.pay("R1", 1000), "S SUCCESS")
	wantTrue(t, g.pay("R2", 1000), "F PAYMENT_FAIL")
}

func TestControlRefusesBadInputWithASentence(t *testing.T) {
	g := newRig(t, nil)
	for body, sentence := range map[string]string{
		``:                                                "the body must be like",
		`[]`:                                              "the body must be like",
		`{"name":"decline","cuont":1}`:                    "cuont",
		`{"name":"decline"} {}`:                           "bytes after",
		`{"name":"declin"}`:                               `no cruelty \"declin\"`,
		`{"count":1}`:                                     `no cruelty \"\"`,
		`{"name":"decline","count":0}`:                    "count 0",
		`{"name":"decline","count":-1}`:                   "count -1",
		`{"name":"decline","count":1000001}`:              "not within",
		`{"name":"hang_after","duration":"2"}`:            "with a unit",
		`{"name":"hang_after","duration":2}`:              "the body must be like",
		`{"name":"hang_after","duration":"0s"}`:           "above zero",
		`{"name":"hang_after","duration":"25h"}`:          "not within",
		`{"name":"close_after","duration":"2s"}`:          "takes no duration",
		`{"name":"close_after","questions":2}`:            "takes no questions",
		`{"name":"in_progress","questions":-2}`:           "not within",
		`{"name":"slow_customer","path":"inquiryRefund"}`: "only for pay",
		`{"name":"hang_after","path":"/v2/payments/pay"}`: "only for pay, inquiryPayment",
	} {
		code, text := g.control("POST", "/sandbox/cruelties", body)
		if code != 400 || !strings.Contains(text, sentence) {
			t.Errorf("%s: got %d %s, want 400 and %q", body, code, text, sentence)
		}
	}
	if got := g.srv.Armed(); len(got) != 0 {
		t.Errorf("got armed %+v", got)
	}
}

func TestReadoutsAreTheGoOnes(t *testing.T) {
	g := newRig(t, nil)
	paid := g.pay("R1", 1050).text("paymentId")
	g.refund("B1", paid, 50)
	g.await(func(e sandbox.Event) bool { return e.ID == "B1" && e.Stage == sandbox.StageOver })
	for path, want := range map[string]any{
		"/sandbox/ledger": g.srv.Ledger(), "/sandbox/payments": g.srv.Payments(),
		"/sandbox/refunds": g.srv.Refunds(), "/sandbox/history": g.srv.History(),
	} {
		code, got := g.control("GET", path, "")
		text, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if code != 200 || strings.TrimSpace(got) != string(text) || !strings.HasPrefix(got, "[\n  {") {
			t.Errorf("%s: got %d %s\nwant %s", path, code, got, text)
		}
	}
}

func TestEmptyReadoutsAreEmptyLists(t *testing.T) {
	g := newRig(t, nil)
	for _, name := range []string{"ledger", "payments", "refunds", "history"} {
		if code, got := g.control("GET", "/sandbox/"+name, ""); code != 200 || strings.TrimSpace(got) != "[]" {
			t.Errorf("%s: got %d %s", name, code, got)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	g := newRig(t, nil)
	for _, path := range []string{"/", "/sandbox/", "/openapi/v1/payments/pay", "/payments/pay"} {
		if code, text := g.control("GET", path, ""); code != 404 || !strings.Contains(text, "/sandbox/") {
			t.Errorf("%s: got %d %s", path, code, text)
		}
	}
}

func TestArmingIsRefusedByNameInOptions(t *testing.T) {
	o := defaults(&clock{})
	o.Cruelty = []sandbox.Plan{{Name: "kindness"}}
	if _, err := sandbox.New(o); err == nil || !strings.Contains(err.Error(), "kindness") {
		t.Errorf("got %v", err)
	}
	g := newRig(t, func(o *sandbox.Options) { o.Cruelty = []sandbox.Plan{{Name: "decline", Count: 2}} })
	wantTrue(t, g.pay("R1", 1000), "F PAYMENT_FAIL")
	wantTrue(t, g.pay("R2", 1000), "F PAYMENT_FAIL")
	wantTrue(t, g.pay("R3", 1000), "S SUCCESS")
}

func TestAmountCallsACrueltyOnceAndOnlyThenUnlessPlain(t *testing.T) {
	g := newRig(t, nil)
	if r := g.pay("R1", 164); r.err == nil {
		t.Errorf("got %s, want a closed connection for 1.64", r.raw)
	}
	wantTrue(t, g.pay("R1", 164), "S SUCCESS")
	if r := g.pay("R2", 164); r.err == nil {
		t.Errorf("got %s, want a closed connection for another id", r.raw)
	}
	for _, minor := range []int64{0, 60, 65, 99, 100, 199, 1050, 6400} {
		wantTrue(t, g.pay(fmt.Sprintf("R_%d", minor), minor), "S SUCCESS")
	}
	plain := newRig(t, func(o *sandbox.Options) { o.PlainAmounts = true })
	wantTrue(t, plain.pay("R1", 164), "S SUCCESS")
}

func TestMixIsTheSameForTheSameSeed(t *testing.T) {
	play := func(seed uint64) (names []string) {
		g := newRig(t, func(o *sandbox.Options) {
			o.Mix = &sandbox.Mix{Seed: seed, PerMille: 600, Names: []string{"unsigned", "busy", "html_after"}}
		})
		for i := range 30 {
			g.pay(fmt.Sprintf("R%d", i), 1000)
			names = append(names, g.srv.History()[i].Cruelty)
		}
		return names
	}
	first := fmt.Sprint(play(7))
	if second := fmt.Sprint(play(7)); first != second {
		t.Errorf("got %s\nand %s", first, second)
	}
	if other := fmt.Sprint(play(8)); first == other {
		t.Errorf("another seed plays the same: %s", other)
	}
	for _, name := range []string{"unsigned", "busy", "html_after"} {
		if !strings.Contains(first, name) {
			t.Errorf("%s never came: %s", name, first)
		}
	}
}

func TestEverythingMixedMovesMoneyOncePerID(t *testing.T) {
	g := newRig(t, func(o *sandbox.Options) {
		o.Now = time.Now
		o.Mix = &sandbox.Mix{Seed: 3, PerMille: 700, Longest: time.Millisecond}
	})
	failed := 0
	for i := range 60 {
		id := fmt.Sprintf("R%d", i)
		for range 100 {
			r := g.pay(id, 1000)
			if r.err == nil && r.verified && (r.result() == "S SUCCESS" && r.text("paymentId") == g.known(id) ||
				r.result() == "F PAYMENT_FAIL") {
				break
			}
		}
		for _, p := range g.srv.Payments() {
			if p.PaymentRequestID == id && p.Status == "FAIL" {
				failed++
			}
		}
	}
	charges := map[string]int{}
	for _, c := range g.srv.Ledger() {
		if charges[c.PaymentRequestID]++; charges[c.PaymentRequestID] > 1 {
			t.Errorf("%s is charged twice", c.PaymentRequestID)
		}
	}
	if len(charges)+failed != 60 || failed == 0 {
		t.Errorf("got %d charges and %d declines, want 60 in all", len(charges), failed)
	}
}
