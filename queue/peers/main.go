// Command peers measures the queue beside what it could be at best, a raw write
// that is synced, and beside other durable queues on SQLite: in one run, on one
// disk, at the same durability.
//
//	go -C queue/peers run .
//
// It prints the queue's side of the table in queue/FIGURES.md. Every figure is a
// ratio within the run: contenders take turns, a round is a turn of each, and
// what is printed is the median over the rounds with the lowest and the highest.
// Times stand beside them as context alone.
//
// The program builds itself as the packages are built, with packaging/cross, before it
// measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// cross runs the Go command with the flags of the packages, seen from this folder.
const cross = "../../packaging/cross"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// bench is what a measurement works with.
type bench struct {
	dir    string // a folder on the disk that is measured, removed at the end
	rounds int
	turn   time.Duration // of one contender
	stored int           // payments in the big store
	began  time.Time
}

// measurement is a part of the table.
type measurement struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

func measurements() []measurement {
	return []measurement{
		{"peers", peers}, {"card", card}, {"flash", flash}, {"backlog", backlog}, {"stored", stored},
	}
}

func run(ctx context.Context, args []string) int {
	b := &bench{began: time.Now()}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&b.dir, "dir", ".", "a folder on the disk to measure")
	flags.IntVar(&b.rounds, "rounds", 9, "how often every contender takes its turn")
	flags.DurationVar(&b.turn, "turn", 400*time.Millisecond, "how long a turn is")
	flags.IntVar(&b.stored, "stored", 1_000_000, "how many payments the big store holds")
	only := flags.String("only", "", "one part alone: peers, card, flash, backlog or stored")
	asBuilt := flags.Bool("as-built", false, "measure this build, however SQLite was compiled")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if !*asBuilt {
		return again(ctx, args)
	}
	if err := b.all(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		return 1
	}
	return 0
}

// again builds this program as the packages are built, and runs that.
func again(ctx context.Context, args []string) int {
	arch := runtime.GOARCH
	if arch == "arm" {
		arch = "armhf"
	}
	cmd := exec.CommandContext(ctx, cross, append([]string{arch, "run", ".", "-as-built"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	fmt.Fprintln(os.Stderr, "building as the packages are built; the first time takes a minute")
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "peers:", err)
		return 1
	}
	return 0
}

func (b *bench) all(ctx context.Context, only string) error {
	dir, err := os.MkdirTemp(b.dir, ".peers-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if b.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	fmt.Println(machine())
	ran := 0
	for _, m := range measurements() {
		if only != "" && m.name != only {
			continue
		}
		ran++
		if err := m.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if ran == 0 {
		return fmt.Errorf("there is no part named %q: peers, card, flash, backlog or stored", only)
	}
	fmt.Printf("\n%s in all\n", time.Since(b.began).Round(time.Second))
	return nil
}

// progress says on standard error where a measurement stands.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// machine says where and when this was measured.
func machine() string {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown kernel")
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	return fmt.Sprintf("%s, Linux %s, %s/%s, %d cores, %s, load %s", time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		strings.TrimSpace(string(kernel)), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(),
		strings.Join(strings.Fields(string(load))[:1], ""))
}
