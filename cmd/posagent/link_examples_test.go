package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

// examples are the two sample registers, ready to be started.
func examples(t *testing.T) map[string][]string {
	t.Helper()
	return map[string][]string{"C": {compiled(t)}, "Python": {interpreter(t), example(t, "register.py")}}
}

func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "packaging", "examples", name))
	must(t, err)
	return path
}

// compiled builds the C example as its first comment says, and strictly.
func compiled(t *testing.T) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler called cc, so the C example is not built")
	}
	binary := filepath.Join(t.TempDir(), "register")
	out, err := exec.Command(cc, "-std=c89", "-pedantic", "-Wall", "-Wextra", "-Werror", "-o", binary, example(t, "register.c")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func interpreter(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3, so the Python example is not run")
	}
	return python
}

// run starts a sample register at a port and returns how it ended and what it
// printed.
func (s *shop) run(program []string, port, id, minor string) (code int, printed string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	args := append(program[1:len(program):len(program)], port, filepath.Join(s.dir, "book"), id, "ALIPAY_CN", minor, "SGD")
	cmd := exec.CommandContext(ctx, program[0], args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		s.t.Errorf("%s: %v\n%s", program, err, out)
		return -1, ""
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// book is what a sample register wrote down.
func (s *shop) book() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "book"))
	must(s.t, err)
	return string(text)
}

func TestExamplesStayShort(t *testing.T) {
	for _, name := range []string{"register.c", "register.py"} {
		text, err := os.ReadFile(example(t, name))
		must(t, err)
		if lines := bytes.Count(text, []byte("\n")); lines >= 200 || lines < 50 {
			t.Errorf("%s has %d lines, want less than 200", name, lines)
		}
	}
}

// A sale, a decline, a lost answer, and the same id once more: each is charged
// once or not at all, and the example knows which.
func TestExamplesSell(t *testing.T) {
	for name, program := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, quick)
			s.serve()
			port := s.till0()
			s.arm(sandbox.Plan{Name: "hang_after", ID: "LOST"})
			for _, c := range []struct {
				id, minor, prints, noted string
				code, charges            int
			}{
				{"PLAIN", "1050", "PLAIN SUCCESS", "outcome PLAIN SUCCESS", 0, 1},
				{"DECLINED", "1061", "DECLINED FAIL", "outcome DECLINED FAIL", 1, 0},
				{"LOST", "2275", "LOST SUCCESS", "outcome LOST SUCCESS", 0, 1},
				{"PLAIN", "1050", "PLAIN SUCCESS", "sale PLAIN 1050", 0, 1},
				{"PLAIN", "999950", "another amount", "sale PLAIN 1050", 2, 1},
				{"WRONG-ID", "1050", "PARAM_ILLEGAL", "sale WRONG-ID 1050", 2, 0},
			} {
				code, printed := s.run(program, port, c.id, c.minor)
				if code != c.code || !strings.Contains(printed, c.prints) || !strings.Contains(s.book(), c.noted) {
					t.Errorf("%s: exit %d, want %d; printed %s\nnoted\n%s", c.id, code, c.code, printed, s.book())
				}
				if got := s.charges(c.id); len(got) != c.charges {
					t.Errorf("%s: the ledger has %+v", c.id, got)
				}
			}
			if first := strings.Index(s.book(), "sale LOST"); first < 0 || first > strings.Index(s.book(), "outcome LOST") {
				t.Errorf("the id was not stored first:\n%s", s.book())
			}
			if n := strings.Count(s.book(), "sale PLAIN"); n != 1 {
				t.Errorf("PLAIN was begun %d times", n)
			}
			s.wantNothingUntold(port)
		})
	}
}

// wantNothingUntold asks the agent what the register has not confirmed.
func (s *shop) wantNothingUntold(port string) {
	s.t.Helper()
	code, out, errs := output(s.t, "register", "-port", port, "initConnection", "register=lane1")
	if code != exitDone || !strings.Contains(out, `"open":[],"undelivered":[]`) {
		s.t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// The agent is killed while Antom has the money and the example waits; a new one
// takes it up.
func TestExamplesOutliveTheAgent(t *testing.T) {
	for name, program := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, quick)
			agent := s.agentProcess()
			port := s.till0()
			s.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
			killed := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				_, err := s.server.Await(ctx, func(e sandbox.Event) bool { return e.ID == "R1" && e.Stage == sandbox.StageHangs })
				if err == nil {
					err = agent.kill()
				}
				killed <- err
			}()
			sold := make(chan string, 1)
			go func() {
				_, printed := s.run(program, port, "R1", "1050")
				sold <- printed
			}()
			must(t, <-killed)
			s.agentProcess()
			if printed := <-sold; !strings.Contains(printed, "R1 SUCCESS") || len(s.charges("R1")) != 1 {
				t.Errorf("printed %s; the ledger has %+v", printed, s.charges("R1"))
			}
			s.wantNothingUntold(port)
		})
	}
}

// An example that is killed itself goes on where it was.
func TestExamplesGoOnAfterTheirOwnCrash(t *testing.T) {
	for name, program := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, strings.Replace(quick, `pay_timeout = "400ms"`, `pay_timeout = "1s"`, 1))
			s.serve()
			port := s.till0()
			s.arm(sandbox.Plan{Name: "hang_after", ID: "R1"})
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			first := exec.CommandContext(ctx, program[0], append(program[1:len(program):len(program)], port, filepath.Join(s.dir, "book"), "R1", "ALIPAY_CN", "1050", "SGD")...)
			must(t, first.Start())
			_, err := s.server.Await(ctx, func(e sandbox.Event) bool { return e.ID == "R1" && e.Stage == sandbox.StageHangs })
			must(t, err)
			must(t, first.Process.Kill())
			_ = first.Wait() // killed, as it says
			if code, printed := s.run(program, port, "R1", "1050"); code != 0 || !strings.Contains(printed, "R1 SUCCESS PAID") && !strings.Contains(printed, "R1 SUCCESS \"PAID") {
				t.Errorf("exit %d, printed %s", code, printed)
			}
			if len(s.charges("R1")) != 1 {
				t.Errorf("the ledger has %+v", s.charges("R1"))
			}
		})
	}
}
