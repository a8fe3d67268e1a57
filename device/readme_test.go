package device

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the README shows is what the codec makes and takes.
func TestWorkedBytesOfTheReadmeAreRight(t *testing.T) {
	text := readFile(t, "README.md")
	rows := regexp.MustCompile("(?m)^\\| (R>A|A>R) \\| ([0-9A-F]{2}) \\| `(.*)` \\| ([0-9A-F]{8}) \\|$").FindAllStringSubmatch(text, -1)
	if len(rows) < 10 {
		t.Fatalf("the README has %d bodies", len(rows))
	}
	for _, row := range rows {
		var seq uint8
		if _, err := fmt.Sscanf(row[2], "%02X", &seq); err != nil {
			t.Fatal(err)
		}
		frame := encode(seq, []byte(row[3]))
		if got := string(frame[len(frame)-1-checkBytes : len(frame)-1]); got != row[4] {
			t.Errorf("%s: CRC-32 %s, the README says %s", row[3], got, row[4])
		}
		if row[1] == FromAgent {
			continue
		}
		if _, refused := understand(request{seq: seq, body: []byte(row[3]), length: len(row[3])}); refused != nil {
			t.Errorf("%s: %v", row[3], refused)
		}
	}
	lines := regexp.MustCompile(`(?m)^(R>A|A>R) (\S+) +((?:[0-9a-f]{2} ?)+)$`).FindAllStringSubmatch(text, -1)
	if len(lines) < 4 {
		t.Fatalf("the README has %d lines of bytes", len(lines))
	}
	for _, line := range lines {
		seen := (&Watch{}).See(start, line[1], decodeHex(t, line[3]))
		if len(seen) != 1 || seen[0].Kind == SightGarbage || seen[0].Kind == SightDamaged {
			t.Errorf("%s: seen as %+v", line[0], seen)
			continue
		}
		if what := strings.ToUpper(seen[0].Kind); what != line[2] && seen[0].Seq != line[2] {
			t.Errorf("%s: is %s", line[0], seen[0].Name())
		}
	}
}

// Every code, method and limit that the code knows stands in the README.
func TestReadmeNamesEveryMethodAndCode(t *testing.T) {
	text := readFile(t, "README.md")
	codes := regexp.MustCompile(`(?m)^\s+(?:Code|Payment|Refund)\w+\s+= "([A-Z_]+)"`).FindAllStringSubmatch(readFile(t, "codes.go"), -1)
	methods := regexp.MustCompile(`(?m)^\tcase "(\w+)":`).FindAllStringSubmatch(readFile(t, "request.go"), -1)
	if len(codes) < 20 || len(methods) < 6 {
		t.Fatalf("found %d codes and %d methods in the code", len(codes), len(methods))
	}
	for _, name := range append(codes, methods...) {
		if !strings.Contains(text, "`"+name[1]+"`") {
			t.Errorf("the README does not name %s", name[1])
		}
	}
	for _, d := range []string{"500 ms", "1 s", "3 s", "10 s", "20 ms", "5 s"} {
		if !strings.Contains(text, d) {
			t.Errorf("the README does not say %s", d)
		}
	}
}
