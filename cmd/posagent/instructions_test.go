package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// instructions asks for the count of instructions a sale, which needs qemu-user, a
// C compiler and one for ARM.
var instructions = flag.Bool("instructions", false, "count the ARMv7 instructions of a sale (needs qemu-arm and packaging/cross)")

// The lengths of two runs: what they differ by is so many sales, without the start
// and the end.
const (
	fewSales  = 5
	moreSales = 25
)

// The same program on the same input takes the same instructions on every machine,
// busy or not, but for the scheduler's and the collector's turns. So growth shows
// that no clock would show.
func TestASaleTakesNoMoreInstructionsThanRecorded(t *testing.T) {
	if !*instructions {
		t.Skip("give -instructions")
	}
	dir := t.TempDir()
	plugin, agent := filepath.Join(dir, "instructions.so"), filepath.Join(dir, "posagent")
	build(t, "cc", "-O2", "-shared", "-fPIC", "-o", plugin, "testdata/instructions.c")
	build(t, "../../packaging/cross", "armhf", "build", "-o", agent, "posagent/cmd/posagent")
	run := func(sales int) float64 {
		return float64(countSales(t, []string{"env", "GOMAXPROCS=1", "qemu-arm", "-plugin", plugin, agent}, sales))
	}
	for range 3 {
		few, more := run(fewSales), run(moreSales)
		t.Logf("%.0f instructions a sale", (more-few)/(moreSales-fewSales))
	}
}

func build(t *testing.T, words ...string) {
	t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// countSales has an agent sell, and reads what its emulator counted.
func countSales(t *testing.T, program []string, sales int) int64 {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	s := &benchStage{dir: filepath.Join(t.TempDir(), "site"), secure: true, lines: 1, program: program}
	err := s.set(ctx)
	for i := 0; i < sales && err == nil; i++ {
		err = s.sell(ctx, 0, fmt.Sprintf("COUNT_%d", i))
	}
	stop()
	cleared := s.clear()
	log, _ := os.ReadFile(s.log.Name()) // without it there is no count either
	found := regexp.MustCompile(`(?m)^instructions (\d+)$`).FindSubmatch(log)
	if err != nil || cleared != nil || found == nil {
		t.Fatalf("%v, %v\n%s", err, cleared, log)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	must(t, err)
	return n
}
