package queue

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the machine's decisions into testdata/*.txt")

// TestScenarios plays every scenario of testdata and compares the machine's
// decisions with the ones written there. A line is "time input -> decision":
//
//	begin window=20s quiet=10s interval=3s [ask] [confirm] [keep] [lost]
//	refund [wait]            from here on the inputs are a refund's
//	4s   pay unknown         how an action ended, by its verdict; inquire asked=2s … says when it began
//	5s   tick | tick calling
//	6s   restart | reboot | abort | reversed STATUS | turn
//	7s   resolve paid | resolve unpaid   on a person's word; seen=5s says when they looked, calling that a call is under way
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d scenarios, want at least 10 (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := play(t, string(text))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(text) {
		t.Errorf("the machine decides otherwise\n--- got\n%s--- want\n%s", got, text)
	}
}

// scene is one payment on the machine's table.
type scene struct {
	policy Policy
	start  time.Time
	row    Payment

	refund   Refund
	isRefund bool
}

func play(t *testing.T, text string) string {
	var out strings.Builder
	s := &scene{start: time.Date(2026, 8, 23, 12, 0, 0, 0, time.UTC)}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		in, _, _ := strings.Cut(line, "->")
		in = strings.TrimRight(in, " ")
		if in == "" || strings.HasPrefix(in, "#") {
			fmt.Fprintln(&out, line)
			continue
		}
		fmt.Fprintf(&out, "%-32s -> %s\n", in, s.decide(t, strings.Fields(in)))
	}
	return out.String()
}

func (s *scene) decide(t *testing.T, words []string) string {
	if words[0] == "begin" {
		return s.begin(t, words[1:])
	}
	if words[0] == "refund" {
		return s.beginRefund(words[1:])
	}
	now := s.start.Add(parseDuration(t, words[0]))
	if s.isRefund {
		row, act := s.policy.StepRefund(now, s.refund, s.input(t, now, words[1:]))
		s.refund = row
		return s.describeRefund(row, act)
	}
	row, act := s.policy.Step(now, s.row, s.input(t, now, words[1:]))
	s.row = row
	return s.describe(row, act)
}

func (s *scene) begin(t *testing.T, words []string) string {
	var window time.Duration
	begin := Begin
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "window":
			window = parseDuration(t, value)
		case "quiet":
			s.policy.QuietTime = parseDuration(t, value)
		case "interval":
			s.policy.InquiryInterval = parseDuration(t, value)
		case "ask":
			s.policy.AskAfterTimeout = true
		case "confirm":
			s.policy.ConfirmAnswers = true
		case "keep":
			s.policy.KeepLateAborts = true
		case "lost":
			begin = BeginAsking
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	row, act := begin(s.start, "lane1", testCommand("R1"), window)
	s.row = row
	return s.describe(row, act)
}

// refund begins a refund on the same table; from then on the inputs are its own.
func (s *scene) beginRefund(words []string) string {
	s.isRefund = true
	s.refund, _ = BeginRefund(s.start, Refund{ID: "F1", PaymentRequestID: "R1", AmountMinor: 1050, Currency: "SGD"}, true)
	act := GiveBack
	if len(words) > 0 && words[0] == "wait" {
		s.refund, act = BeginRefund(s.start, s.refund, false)
		s.refund.Trail = Trail{}
	}
	return s.describeRefund(s.refund, act)
}

func (s *scene) describeRefund(row Refund, act Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s rev=%d", row.State, row.Rev)
	switch {
	case act != None:
		fmt.Fprintf(&b, " DO=%s", act)
	case row.State.Final():
		fmt.Fprintf(&b, " result=%s/%s", row.Result.Status, row.Result.Code)
	case row.State != RefundWaiting:
		fmt.Fprintf(&b, " next=%s at=%s", row.Next, row.Due.Sub(s.start))
	}
	if row.OpenAttempts > 0 {
		fmt.Fprintf(&b, " open=%d", row.OpenAttempts)
	}
	return b.String()
}

func (s *scene) input(t *testing.T, now time.Time, words []string) Input {
	switch words[0] {
	case "tick":
		return Tick{Calling: len(words) > 1}
	case "restart":
		return Restart{}
	case "reboot":
		return Restart{NewBoot: true}
	case "abort":
		return Abort{}
	case "reversed":
		return Reversed{RefundStatus(words[1])}
	case "turn":
		return Turn{}
	case "resolve":
		return s.resolve(t, now, words[1:])
	}
	in := Answered{To: Action(words[0]), Asked: now, Chance: 0.5}
	for _, w := range words[1:] {
		if at, ok := strings.CutPrefix(w, "asked="); ok {
			in.Asked = s.start.Add(parseDuration(t, at))
			continue
		}
		in.Answer = testAnswer(Verdict(w), in.To)
	}
	return in
}

func (s *scene) resolve(t *testing.T, now time.Time, words []string) Input {
	in := Resolve{Paid: words[0] == "paid", By: "Ann", Reason: "seen in the portal", Seen: now}
	for _, w := range words[1:] {
		in.Calling = in.Calling || w == "calling"
		if at, ok := strings.CutPrefix(w, "seen="); ok {
			in.Seen = s.start.Add(parseDuration(t, at))
		}
	}
	return in
}

func (s *scene) describe(row Payment, act Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s rev=%d", row.State, row.Rev)
	if act != None {
		fmt.Fprintf(&b, " DO=%s", act)
	}
	if row.InDoubt {
		b.WriteString(" in-doubt")
	}
	if row.State.Final() {
		fmt.Fprintf(&b, " result=%s/%s", row.Result.Status, row.Result.Code)
		if row.Reversal != "" {
			fmt.Fprintf(&b, " reversal=%s", row.Reversal)
		}
		return b.String()
	}
	if act == None {
		fmt.Fprintf(&b, " next=%s at=%s", row.Next, row.Due.Sub(s.start))
	}
	if row.OpenAttempts > 0 {
		fmt.Fprintf(&b, " open=%d", row.OpenAttempts)
	}
	return b.String()
}

// testAnswer is an answer of a verdict, with the words Antom would use.
func testAnswer(v Verdict, to Action) Answer {
	a := Answer{Verdict: v}
	switch v {
	case VerdictPaid:
		a.Result, a.PaymentID = Result{"S", "SUCCESS", ""}, "2026082319401089010011100000123456"
	case VerdictFailed:
		a.Result = Result{"F", "PAYMENT_FAIL", ""}
	case VerdictRefused:
		a.Result = Result{"F", "DPOS_PAYMENT_CURRENCY_NOT_SUPPORT", ""}
	case VerdictInconsistent:
		a.Result = Result{"F", "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT", ""}
	case VerdictNotFound:
		a.Result = Result{"F", "DPOS_PAYMENT_ORDER_NOT_EXIST", ""}
	case VerdictOpen, VerdictPending:
		a.Result = Result{"U", "PAYMENT_IN_PROGRESS", ""}
	case VerdictUnknown, VerdictNotSent:
		a.Why = "the network"
	}
	if v == VerdictRefunded {
		a.Result = Result{"S", "SUCCESS", ""}
	}
	if v == VerdictOpen && to == GiveBack {
		a.RefundID = "B1"
	}
	if to == Inquire && v != VerdictNotFound && v != VerdictUnknown && v != VerdictNotSent {
		a.Result = Result{"S", "SUCCESS", ""} // in an inquiry the result speaks of the question
	}
	return a
}

func testCommand(id string) Command {
	return Command{ID: id, Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}
}

func parseDuration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
