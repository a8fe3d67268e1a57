package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/queue"
	"posagent/queue/powercut"
)

// The program as it is, with nothing planted in it: strace writes down what it does
// to its files and what it says to the register and to Antom, and the plug is pulled
// after every operation. What the register was told is there, what has left is
// there, and the store opens.
func TestNoPowerCutMakesTheProgramBreakItsWord(t *testing.T) {
	needStrace(t)
	s := openShop(t, quick)
	w := &witness{ids: []string{"R1", "R2", "R3", "R4", "R5", "R6"}, sent: map[string]int{}}
	till := s.till()
	ops := s.traced(w, syscall.SIGKILL, func() {
		s.sell(till, "R1", 1000)
		s.arm(sandbox.Plan{Name: "hang_after", ID: "R2"})
		s.sell(till, "R2", 1000)
		s.arm(sandbox.Plan{Name: "decline", ID: "R3"})
		s.sell(till, "R3", 1000)
	})
	ops = append(ops, s.traced(w, syscall.SIGTERM, func() {
		s.arm(sandbox.Plan{Name: "in_progress", ID: "R4"})
		s.sell(till, "R4", 1000)
		s.arm(sandbox.Plan{Name: "unsigned", ID: "R5"})
		s.sell(till, "R5", 1000)
		s.sell(till, "R6", 1000)
	})...)
	to := inMemory(t)
	seed := uint64(time.Now().UnixNano())
	replay := powercut.Replay{Store: filepath.Join(s.dir, "posagent.db"), To: to, Dice: rand.New(rand.NewPCG(seed, 0)), Every: 4}
	if *tortured != tortureBriefly {
		replay.Every = 1
	}
	if err := replay.Play(ops); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	first := powercut.Replay{Store: replay.Store, To: to, Dice: replay.Dice, Every: 1}
	for range 20 {
		if err := first.Play(making(ops)); err != nil {
			t.Fatalf("seed %d, as the file is made: %v", seed, err)
		}
	}
	promised := 0
	for _, op := range ops {
		if op.Kind == powercut.Mark {
			promised++
		}
	}
	t.Logf("%d operations, %d promises, %d states after a power cut", len(ops)-promised, promised, replay.States)
	if promised < 4*len(w.ids) || replay.States < 50 {
		t.Errorf("%d promises and %d states: the trace does not show what it should", promised, replay.States)
	}
}

// making are the operations by which the store's file is made, until its log is written:
// a few, of which a cut by chance hardly ever leaves the worst.
func making(ops []powercut.Op) []powercut.Op {
	n := slices.IndexFunc(ops, func(op powercut.Op) bool {
		return op.Kind == powercut.Write && strings.HasSuffix(op.Name, "-wal")
	})
	return ops[:max(n, 0)]
}

func needStrace(t *testing.T) {
	t.Helper()
	out, err := exec.Command("strace", append(powercut.TraceArgs(), "-o", os.DevNull, "true")...).CombinedOutput()
	if err != nil {
		t.Skipf("strace can't be used here, so nobody watches the program's files (%v: %s); "+
			"install it, and allow ptrace", err, strings.TrimSpace(string(out)))
	}
}

func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "posagent-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// traced runs the agent under strace while the shop sells, ends it by a signal, and
// returns what it did.
func (s *shop) traced(w *witness, end syscall.Signal, sell func()) []powercut.Op {
	s.t.Helper()
	self, err := os.Executable()
	must(s.t, err)
	store := filepath.Join(s.dir, "posagent.db")
	files, err := filepath.Glob(store + "*")
	must(s.t, err)
	trace := filepath.Join(s.t.TempDir(), "trace")
	args := append(powercut.TraceArgs(), "-o", trace, self, "run", "-config", s.site.configFile())
	cmd := exec.Command("strace", args...)
	cmd.Stderr = s.log
	must(s.t, cmd.Start())
	sell()
	must(s.t, syscall.Kill(tracee(s.t, trace), end))
	_ = cmd.Wait() // it ends as the agent did
	f, err := os.Open(trace)
	must(s.t, err)
	defer f.Close()
	ops, err := powercut.ParseTrace(f, store, files, w.hear)
	must(s.t, err)
	return ops
}

// tracee is the agent's process, the first that the trace speaks of.
func tracee(t *testing.T, trace string) int {
	t.Helper()
	text, err := os.ReadFile(trace)
	must(t, err)
	first, _, _ := strings.Cut(string(text), " ")
	pid, err := strconv.Atoi(first)
	must(t, err)
	return pid
}

// witness hears what the agent says, and takes it for promises. Sales come one
// after the other, so a request for money is about the first that has no end.
type witness struct {
	ids   []string
	ended int
	sent  map[string]int
}

func (w *witness) hear(path string, said []byte) []string {
	text := string(said)
	if strings.HasPrefix(path, "socket:") && regexp.MustCompile(`^POST \S+/pay HTTP`).MatchString(text) {
		id := w.ids[w.ended]
		w.sent[id]++
		return []string{fmt.Sprintf("sent %s %d", id, w.sent[id])}
	}
	if !strings.HasPrefix(path, "/dev/pts/") {
		return nil
	}
	state := regexp.MustCompile(`"paymentRequestId":"(\w+)","paymentStatus":"(\w+)","final":(\w+),"rev":(\d+)`).FindStringSubmatch(text)
	if state == nil {
		return nil
	}
	id, final := state[1], state[3] == "true"
	if final && w.ended < len(w.ids)-1 && id == w.ids[w.ended] {
		w.ended++
	}
	marks := []string{"stored " + id, fmt.Sprintf("told %s %s %s", id, state[4], rowState(state[2], final))}
	if final {
		marks = append(marks, "delivered "+id) // from here on the register may say so
	}
	return marks
}

// rowState is what a row must say where a register was told a status.
func rowState(status string, final bool) queue.State {
	switch {
	case !final:
		return queue.Sending
	case status == "SUCCESS":
		return queue.Paid
	}
	return queue.Failed
}
