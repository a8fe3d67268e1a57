package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// agentProcess starts the real agent. It is killed when the test ends, if it
// still runs then.
func (s *shop) agentProcess() *child {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	defer log.Close()
	c, err := startAgent(s.site.configFile(), log)
	must(s.t, err)
	s.t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.kill() // it may have ended this moment
		}
		if text, err := os.ReadFile(log.Name()); err == nil && s.t.Failed() {
			s.t.Logf("the agent's log:\n%s", text)
		}
	})
	return c
}

// The agent is killed at a random moment of every sale, and started again. Each
// sale is charged once, and the register is told so. P1, P2 and P8.
func TestKilledAtAnyMomentItChargesOnceAndTellsTheEnd(t *testing.T) {
	t.Parallel()
	const kills = 12
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	s := openShop(t, quick)
	till := s.till()
	agent := s.agentProcess()
	for n := range kills {
		id := fmt.Sprintf("R%d", n)
		if n%3 == 0 {
			s.arm(sandbox.Plan{Name: "hang_after", ID: id})
		}
		moment := time.Duration(dice.IntN(60)) * time.Millisecond
		killed := make(chan error, 1)
		time.AfterFunc(moment, func() { killed <- agent.kill() })
		sold := make(chan virtual.PaymentState, 1)
		go func() { sold <- s.sell(till, id, 1000+int64(n)) }()
		if err := <-killed; err != nil {
			t.Fatalf("sale %s, %v after it began: %v", id, moment, err)
		}
		agent = s.agentProcess()
		s.wantAgree(<-sold)
	}
	if got := len(s.server.Ledger()); got != kills {
		t.Errorf("%d charges for %d sales", got, kills)
	}
}

// SIGTERM with a call under way: new payments are refused, the call may finish,
// and the agent ends with 0 within five seconds.
func TestSIGTERMEndsInOrder(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's own second at the end is not the agent's
	s := openShop(t, strings.Replace(quick, `pay_timeout = "400ms"`, `pay_timeout = "10s"`, 1))
	agent := s.agentProcess()
	reg := s.register()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := reg.Init(ctx)
	must(t, err)
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
	_, err = reg.Request(ctx, "pay", payBody("R1", 1050))
	must(t, err)
	_, err = s.server.Await(ctx, func(e sandbox.Event) bool { return e.ID == "R1" && e.Stage == sandbox.StageHangs })
	must(t, err)
	stopped := make(chan error, 1)
	go func() { stopped <- agent.stop() }()
	refused := false
	for !refused {
		m, err := reg.Request(ctx, "pay", payBody("R2", 1050))
		if err != nil {
			break
		}
		refused = m.Result().Code == "AGENT_SHUTTING_DOWN"
	}
	if !refused {
		t.Error("a new payment after SIGTERM was not refused with AGENT_SHUTTING_DOWN")
	}
	must(t, <-stopped)
	s.agentProcess()
	told := awaitOutcome(ctx, t, reg, "R1")
	s.wantAgree(told)
}

// awaitOutcome asks until a payment is final, as a register does after a restart.
func awaitOutcome(ctx context.Context, t *testing.T, reg *virtual.Register, id string) virtual.PaymentState {
	t.Helper()
	for ctx.Err() == nil {
		m, err := reg.Request(ctx, "inquiryPayment", map[string]any{"paymentRequestId": id})
		if err != nil {
			continue // no answer: the agent is starting
		}
		if p, ok := m.PaymentState(); ok && p.Final {
			return p
		}
	}
	t.Fatal("no outcome in time")
	return virtual.PaymentState{}
}

// The port is not there at the start: said once, and taken when it appears.
func TestAPortThatAppearsLaterIsTaken(t *testing.T) {
	s := openShop(t, quick)
	port := filepath.Join(s.dir, "later")
	rewrite(t, s.site.configFile(), "port = ", fmt.Sprintf("port = %q", port))
	s.serve()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.log.String(), "port can't be opened") {
		if time.Now().After(deadline) {
			t.Fatal("the missing port was never said")
		}
		<-time.After(20 * time.Millisecond)
	}
	must(t, os.Symlink(s.cable.Path(), port))
	s.wantAgree(s.sell(s.till(), "R1", 1050))
	if n := strings.Count(s.log.String(), "port can't be opened"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestASecondAgentOnOneStoreSaysSo(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.sell(s.till(), "R1", 1050)
	code, _, errs := output(t, "run", "-config", s.site.configFile())
	if code != exitFailed || !strings.Contains(errs, "in use") || !strings.Contains(errs, "stop that one") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestTheDemoAgreesWithItself(t *testing.T) {
	t.Parallel()
	code, out, errs := output(t, "demo")
	if code != exitDone || !strings.Contains(out, "Every sale was charged once or not at all") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if n := strings.Count(out, " agree\n"); n != 4 {
		t.Errorf("%d sales agree, want 4\n%s", n, out)
	}
	if n := strings.Count(out, "TAKES SGD"); n != 3 || strings.Count(out, "TAKES") != n {
		t.Errorf("money is taken %d times, want 3, and for nothing else\n%s", n, out)
	}
	if strings.Contains(out, "\x1b[") {
		t.Error("colours without a terminal")
	}
}

// A disagreement is found: the demo's verdict is not always yes.
func TestTheDemoCanDisagree(t *testing.T) {
	paid := virtual.PaymentState{PaymentStatus: "SUCCESS", PaymentID: "A1"}
	one := []sandbox.Charge{{AmountMinor: 1050, PaymentID: "A1"}}
	for name, c := range map[string]struct {
		charges []sandbox.Charge
		told    virtual.PaymentState
		want    bool
	}{
		"one charge, told":            {one, paid, true},
		"two charges":                 {append(one, one...), paid, false},
		"no charge, told paid":        {nil, paid, false},
		"another amount":              {[]sandbox.Charge{{AmountMinor: 1, PaymentID: "A1"}}, paid, false},
		"another paymentId":           {[]sandbox.Charge{{AmountMinor: 1050, PaymentID: "B"}}, paid, false},
		"a charge, told failed":       {one, virtual.PaymentState{PaymentStatus: "FAIL"}, false},
		"no charge, told failed":      {nil, virtual.PaymentState{PaymentStatus: "FAIL"}, true},
		"no charge, told nothing yet": {nil, virtual.PaymentState{PaymentStatus: "PROCESSING"}, false},
	} {
		if got := agrees(c.charges, c.told, 1050); got != c.want {
			t.Errorf("%s: agree is %v, want %v", name, got, c.want)
		}
	}
}

// Three programs, as somebody would start them by hand: sandbox, run, register.
func TestSandboxRunAndRegisterWorkTogether(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "site")
	stand := startSelf(t, "sandbox", "-dir", dir, "-listen", "127.0.0.1:0", "-cruelty", "in_progress,questions=1")
	address := stand.await(t, regexp.MustCompile(`http://(127\.0\.0\.1:\d+)\.`))
	startSelf(t, "run", "-config", filepath.Join(dir, siteConfig)).await(t, regexp.MustCompile(`(port open)`))
	ask := func(args ...string) (int, []string, string) {
		code, out, errs := output(t, append([]string{"register", "-port", filepath.Join(dir, registerEnd)}, args...)...)
		return code, strings.Split(strings.TrimSpace(out), "\n"), errs
	}
	code, lines, errs := ask("-wait", "-timeout", "30s", "pay", "paymentRequestId=R1", "paymentMethod=ALIPAY_CN",
		"paymentAmount.value=1050", "paymentAmount.currency=SGD")
	last := lines[len(lines)-1]
	if code != exitDone || !strings.Contains(last, `"paymentStatus":"SUCCESS"`) || len(lines) < 2 {
		t.Errorf("pay: exit %d, %s\n%s", code, errs, strings.Join(lines, "\n"))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if code, lines, _ = ask("lastResult"); code != exitDone || !strings.Contains(lines[0], `"paymentRequestId":"R1"`) {
		t.Errorf("lastResult: exit %d, %v", code, lines)
	}
	if code, lines, _ = ask(`{"method":"inquiryPayment","paymentRequestId":"NONE"}`); code != exitFailed || !strings.Contains(lines[0], "AGENT_NOT_FOUND") {
		t.Errorf("inquiry of an unknown id: exit %d, %v", code, lines)
	}
	var ledger []sandbox.Charge
	must(t, json.Unmarshal(get(t, "http://"+address+"/sandbox/ledger"), &ledger))
	if len(ledger) != 1 || ledger[0].AmountMinor != 1050 {
		t.Errorf("the ledger holds %+v", ledger)
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return text
}

// program is this test binary as posagent, in a process of its own.
type program struct{ out *lockedBuffer }

func startSelf(t *testing.T, args ...string) program {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	p := program{&lockedBuffer{}}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = p.out, p.out
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may be gone, and then Wait says how
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended: %v\n%s", args[0], err, p.out)
		}
	})
	return p
}

// await waits until the program has printed something, and returns its first group.
func (p program) await(t *testing.T, want *regexp.Regexp) string {
	t.Helper()
	for range 500 {
		if m := want.FindStringSubmatch(p.out.String()); m != nil {
			return m[1]
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("%v was never printed:\n%s", want, p.out)
	return ""
}

func TestTheSandboxRefusesOtherMachines(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "[::]:0"} {
		code, _, errs := output(t, "sandbox", "-dir", t.TempDir(), "-listen", address)
		if code != exitFailed || !strings.Contains(errs, "loopback") {
			t.Errorf("%s: exit %d, %s", address, code, errs)
		}
	}
}

func TestTheSandboxOverwritesNothing(t *testing.T) {
	s := freshSite(t)
	before, err := os.ReadFile(filepath.Join(s.dir, siteOurKey))
	must(t, err)
	if _, err := openSite(s.dir, plan{baseURL: "http://127.0.0.1:8345/openapi/v2"}); err != nil {
		t.Errorf("the same site again: %v", err)
	}
	if _, err := openSite(s.dir, plan{baseURL: "http://127.0.0.1:9/openapi/v2"}); err == nil || !strings.Contains(err.Error(), "8345") {
		t.Errorf("at another address: %v", err)
	}
	must(t, os.Remove(s.configFile()))
	_, err = openSite(s.dir, plan{baseURL: "http://127.0.0.1:8345/openapi/v2"})
	if err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("keys without a configuration: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(s.dir, siteOurKey))
	if must(t, err); !bytes.Equal(before, after) {
		t.Error("the key was written over")
	}
	must(t, os.WriteFile(filepath.Join(s.dir, agentEnd), []byte("a file"), 0o600))
	if l, err := layLine(s.dir); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("a file where the line's end should be: %v, %v", l, err)
	}
}
