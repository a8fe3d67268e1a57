package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used so far, as Linux counts it.
type usage struct {
	cpu          time.Duration
	wakeUps      int64 // voluntary context switches: each is a thread that slept and was woken
	residentKiB  int64
	anonymousKiB int64 // of these, what is the process's own and not its program's file
}

// usageOf reads a process's usage from /proc.
func usageOf(pid int) (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	tasks, err := os.ReadDir(filepath.Join(dir, "task"))
	if err != nil {
		return u, err
	}
	for _, task := range tasks {
		at := filepath.Join(dir, "task", task.Name())
		status, err := readNumbers(filepath.Join(at, "status"))
		if err != nil {
			continue // a thread that has just ended
		}
		u.wakeUps += status["voluntary_ctxt_switches"]
		text, err := os.ReadFile(filepath.Join(at, "schedstat"))
		if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
			ran, _ := strconv.ParseInt(fields[0], 10, 64) // the kernel writes numbers there
			u.cpu += time.Duration(ran)
		}
	}
	status, err := readNumbers(filepath.Join(dir, "status"))
	u.residentKiB, u.anonymousKiB = status["VmRSS"], status["RssAnon"]
	return u, err
}

// readNumbers reads the lines "name: number …" of a file of /proc.
func readNumbers(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int64{}
	for line := range bytes.Lines(text) {
		name, rest, _ := strings.Cut(string(line), ":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
				numbers[name] = n
			}
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%s holds no numbers", path)
	}
	return numbers, nil
}
