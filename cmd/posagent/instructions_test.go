package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
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
// C compiler and one for ARM. rsaKey and rsaTimes are for the emulated program.
var (
	instructions = flag.Bool("instructions", false, "count the ARMv7 instructions of a sale (needs qemu-arm, cc and packaging/cross armhf)")
	rsaKey       = flag.String("rsa.key", "", "a private key `FILE` to do the cryptography of sales with")
	rsaTimes     = flag.Int("rsa.times", 0, "of how many sales")
)

// The lengths of two runs: what they differ by is so many sales, without the start
// and the end, which take more one time than another: over fewer sales that showed.
const (
	fewSales  = 5
	moreSales = 80
)

// Of the recorded numbers: more is growth, less is to be recorded. The agent's own
// part is what two large numbers differ by, and is less sure.
const (
	mostGrowth    = 1.03
	mostOwnGrowth = 1.5
	leastOwn      = 0.5
)

// recordedInstructions holds the number that a sale took when this was last looked
// at, and what of it was cryptography.
const recordedInstructions = "testdata/instructions.txt"

// The same program on the same input takes the same instructions on every machine,
// busy or not, but for the scheduler's and the collector's turns: under one in a
// hundred. So growth shows that no clock would show.
func TestASaleTakesNoMoreInstructionsThanRecorded(t *testing.T) {
	if !*instructions {
		t.Skip("give -instructions")
	}
	dir := t.TempDir()
	plugin, agent, self := filepath.Join(dir, "instructions.so"), filepath.Join(dir, "posagent"), filepath.Join(dir, "test")
	build(t, "cc", "-O2", "-shared", "-fPIC", "-o", plugin, "testdata/instructions.c")
	build(t, "../../packaging/cross", "armhf", "build", "-o", agent, "posagent/cmd/posagent")
	build(t, "../../packaging/cross", "armhf", "test", "-c", "-o", self, "posagent/cmd/posagent")
	emulate := []string{"env", "GOMAXPROCS=1", "qemu-arm", "-plugin", plugin}
	a := perSale(func(n int) int64 { return countSales(t, append(emulate, agent), n) })
	key := filepath.Join(freshSite(t).dir, siteOurKey)
	c := perSale(func(n int) int64 {
		words := append(emulate, self, "-test.run=^TestTheCryptographyOfSales$", "-rsa.key="+key, fmt.Sprintf("-rsa.times=%d", n))
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		must(t, err)
		return counted(t, out)
	})
	t.Logf("%d instructions a sale, %d of them RSA and AES, %d the agent's own", a, c, a-c)
	text, err := os.ReadFile(recordedInstructions)
	must(t, err)
	var sale, cryptography int64
	if _, err := fmt.Sscanf(string(text), "sale %d\ncryptography %d", &sale, &cryptography); err != nil {
		t.Fatalf("%s: %v", recordedInstructions, err)
	}
	switch own := float64(a-c) / float64(sale-cryptography); {
	case float64(a) > mostGrowth*float64(sale) || own > mostOwnGrowth:
		t.Errorf("more than the %d and %d recorded: find out what grew; where it has to be, write the new numbers into %s",
			sale, sale-cryptography, recordedInstructions)
	case own < leastOwn:
		t.Errorf("far less than the %d recorded: write the new numbers into %s", sale-cryptography, recordedInstructions)
	}
}

func perSale(count func(sales int) int64) int64 {
	return (count(moreSales) - count(fewSales)) / (moreSales - fewSales)
}

// TestTheCryptographyOfSales is run by the test above, under an emulator.
func TestTheCryptographyOfSales(t *testing.T) {
	if *rsaTimes == 0 {
		t.Skip("give -rsa.times")
	}
	text, err := os.ReadFile(*rsaKey)
	must(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	c, err := newCryptography(key.(*rsa.PrivateKey))
	must(t, err)
	for range *rsaTimes {
		must(t, c.ask())
		must(t, c.hear())
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
	if err != nil || cleared != nil {
		t.Fatalf("%v, %v\n%s", err, cleared, log)
	}
	return counted(t, log)
}

// counted is the number that the plugin wrote.
func counted(t *testing.T, log []byte) int64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^instructions (\d+)$`).FindSubmatch(log)
	if found == nil {
		t.Fatalf("nothing was counted:\n%s", log)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	must(t, err)
	return n
}
