package device

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the whole run if a goroutine of this package outlives it.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftRunning(2 * time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left running:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leftRunning waits for this package's goroutines to end and returns the stacks
// of those that did not.
func leftRunning(patience time.Duration) string {
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		var left []string
		for _, stack := range strings.Split(string(all), "\n\n")[1:] { // the first is our own
			if strings.Contains(stack, "posagent/device.") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
