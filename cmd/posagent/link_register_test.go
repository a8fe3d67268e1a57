package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device"
	"posagent/device/virtual"
)

// till0 joins the line to a second pseudo terminal, for registers that open
// their end by its path.
func (s *shop) till0() string {
	s.t.Helper()
	far, err := virtual.NewCable()
	must(s.t, err)
	l := &line{a: s.cable, b: far}
	s.background("the line", l.serve)
	return far.Path()
}

// spoken runs posagent register with lines on its standard input.
func spoken(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	e := env{&out, &errs}
	c := registerCommand()
	f, code, ok := c.registerFlags(e, args)
	if !ok {
		return code, out.String(), errs.String()
	}
	f.input = strings.NewReader(input)
	if err := asRegister(ctx, e, f); err != nil {
		code = c.failed(e, err)
	}
	return code, out.String(), errs.String()
}

// bodies are the JSON objects that were printed, one a line.
func bodies(t *testing.T, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		list = append(list, m)
	}
	return list
}

func TestRequestsFromStandardInputAreSentOneByOne(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	port := s.till0()
	code, out, errs := spoken(t, `# a sale
echo text="hello there"

pay paymentRequestId=R1 paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD
{"method":"dance"}
inquiryPayment paymentRequestId=R1
`, "-port", port, "-wait")
	list := bodies(t, out)
	if code != exitDone || len(list) < 5 {
		t.Fatalf("exit %d, %s\n%s", code, errs, out)
	}
	if list[0]["method"] != "initConnection" || list[1]["text"] != "hello there" {
		t.Errorf("began with %v, %v", list[0], list[1])
	}
	last := list[len(list)-1]
	if last["method"] != "inquiryPayment" || last["paymentStatus"] != "SUCCESS" || !strings.Contains(out, "AGENT_UNKNOWN_METHOD") {
		t.Errorf("printed\n%s", out)
	}
	if len(s.charges("R1")) != 1 {
		t.Errorf("the ledger holds %+v", s.server.Ledger())
	}
}

func TestWaitSeesARefundThrough(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.arm(sandbox.Plan{Name: "in_progress", ID: "F1", Questions: 2})
	code, out, errs := spoken(t, `pay paymentRequestId=R1 paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD
refund refundRequestId=F1 paymentRequestId=R1 fullRefund=true
totals
initConnection register=lane1
`, "-port", s.till0(), "-wait")
	list := bodies(t, out)
	if code != exitDone || len(list) < 7 {
		t.Fatalf("exit %d, %s\n%s", code, errs, out)
	}
	told, welcome := list[len(list)-3], list[len(list)-1]
	if told["refundStatus"] != "SUCCESS" || told["final"] != true || fmt.Sprint(welcome["open"], welcome["undelivered"]) != "[] []" {
		t.Errorf("printed\n%s", out)
	}
	if c := s.charges("R1"); len(c) != 1 || c[0].RefundedMinor != 1050 {
		t.Errorf("the ledger has %+v", c)
	}
}

func TestALineThatCanNotBeSentIsSaidAndTheRestGoesOn(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	code, out, errs := spoken(t, "pay value\npay paymentAmount.value=ten\necho text=\"open\n\"\"\necho text=still\n", "-port", s.till0(), "-no-init")
	if list := bodies(t, out); code != exitFailed || len(list) != 1 || list[0]["text"] != "still" {
		t.Errorf("exit %d, %s", code, out)
	}
	for _, want := range []string{`"value" is not MEMBER=VALUE`, `"ten" is not a whole number`, "4 lines not sent"} {
		if !strings.Contains(errs, want) {
			t.Errorf("does not say %q:\n%s", want, errs)
		}
	}
}

func TestRegisterIsMisusedWithA2(t *testing.T) {
	for _, args := range [][]string{
		{"-port", "x", "-replay", "f", "echo"}, {"-port", "x", "-baud", "1", "echo"}, {"-port", "x", "{}", "more"},
		{"-port", "x", "pay", "=1"}, {"-port", "x", "initConnection", "events=perhaps"}, {"echo", "text=hi"},
	} {
		if code, _, errs := output(t, append([]string{"register"}, args...)...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	for port, says := range map[string]string{"usb:ffff:fffe": "plug the adapter in", "/dev/no-such-port": "plug the adapter in"} {
		if code, _, errs := output(t, "register", "-port", port, "echo"); code != exitFailed || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d, %s", port, code, errs)
		}
	}
}

func TestWatchNamesTheFramesAndRawShowsTheBytes(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	_, out, errs := spoken(t, "", "-port", s.till0(), "-watch", "-raw", "-no-init", "echo", "text=hi")
	if list := bodies(t, out); len(list) != 1 {
		t.Errorf("on standard output:\n%s", out)
	}
	for _, want := range []string{
		"R>A 02 31 30 31 30 30 32 39 7b", "R>A 01 request echo", `{"method":"echo","text":"hi"}`, "A>R 06 30 31", "A>R    ACK of 01",
		"A>R 01 response to 01 echo",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("does not show %q:\n%s", want, errs)
		}
	}
}

// recordedShop is a shop whose agent keeps the session of its register.
func recordedShop(t *testing.T) (*shop, string) {
	s := openShop(t, quick)
	file := filepath.Join(s.dir, "lane1.jsonl")
	rewrite(t, s.site.configFile(), "port = ", fmt.Sprintf("port = %q\nrecord = %q", s.cable.Path(), file))
	return s, file
}

// record sells two things, one of them declined and one with a lost answer, and
// returns the recording.
func record(t *testing.T) string {
	s, file := recordedShop(t)
	stop := s.serve()
	s.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
	s.arm(sandbox.Plan{Name: "decline", ID: "R2"})
	till := s.till()
	s.wantAgree(s.sell(till, "R1", 1050))
	s.wantAgree(s.sell(till, "R2", 700))
	stop()
	return file
}

func TestARecordedSessionReplaysTheSame(t *testing.T) {
	t.Parallel()
	file := record(t)
	text, err := os.ReadFile(file)
	must(t, err)
	if secret := regexp.MustCompile(`Receipt":"[^(]|extendInfo":"[^(]`).Find(text); secret != nil {
		t.Errorf("the recording holds %s", secret)
	}
	s := openShop(t, quick)
	s.serve()
	s.arm(sandbox.Plan{Name: "decline", ID: "R2"})
	code, out, errs := output(t, "register", "-port", s.till0(), "-replay", file)
	if code != exitDone || !strings.Contains(out, "are as recorded") || !strings.Contains(out, "same     R1: SUCCESS") ||
		!strings.Contains(out, "same     R2: FAIL") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if len(s.server.Ledger()) != 1 {
		t.Errorf("the ledger holds %+v", s.server.Ledger())
	}
}

func TestAReplayFindsWhatIsAnsweredOtherwise(t *testing.T) {
	t.Parallel()
	file := record(t)
	s := openShop(t, quick)
	s.serve()
	code, out, errs := output(t, "register", "-port", s.till0(), "-replay", file) // nobody declines R2 now
	if code != exitFailed || !strings.Contains(out, "DIFFERS  R2: SUCCESS, then FAIL") || !strings.Contains(errs, "differ from the recording") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	if code, _, errs = output(t, "register", "-port", s.till0(), "-replay", empty); code != exitFailed || !strings.Contains(errs, "no request") {
		t.Errorf("an empty recording: exit %d, %s", code, errs)
	}
}

func TestScriptTakesRepeatsOnce(t *testing.T) {
	frame := func(way, seq, crc, body string) device.Sighting {
		return device.Sighting{Way: way, Kind: device.SightFrame, Seq: seq, CRC: crc, Body: json.RawMessage(body)}
	}
	pay := frame("R>A", "01", "AA", `{"method":"pay","paymentRequestId":"R1"}`)
	paid := frame("A>R", "02", "CC", `{"event":"payment","paymentRequestId":"R1","paymentStatus":"SUCCESS","final":true,"rev":2}`)
	again := paid
	again.Seq = "03"
	acts := script([]device.Sighting{
		pay, {Kind: device.SightAck, Way: "A>R", Seq: "01"}, pay,
		frame("A>R", "01", "BB", `{"method":"pay","re":"01","result":{"resultStatus":"U","resultCode":"PAYMENT_IN_PROGRESS"}}`),
		paid, paid, again, {Kind: device.SightFrame, Way: "R>A", Seq: "02", CRC: "DD"},
	})
	if len(acts) != 2 || acts[0].answer == nil || acts[0].answer.Result.Code != "PAYMENT_IN_PROGRESS" ||
		acts[1].awaits != (subjectKey{"paymentRequestId", "R1"}) || acts[1].status != "SUCCESS" {
		t.Errorf("acts %+v", acts)
	}
}

// A port named by USB ids is taken; that nothing is plugged in is said.
func TestAPortNamedByUSBIdsIsServed(t *testing.T) {
	s := openShop(t, quick)
	rewrite(t, s.site.configFile(), "port = ", `port = "usb:ffff:fffe"`)
	if code, _, errs := output(t, "check", "-config", s.site.configFile()); code != exitDone {
		t.Errorf("exit %d: %s", code, errs)
	}
	s.serve()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.log.String(), "find port usb:ffff:fffe: plug the adapter in") {
		if time.Now().After(deadline) {
			t.Fatal("the missing adapter was never said")
		}
		<-time.After(20 * time.Millisecond)
	}
}
