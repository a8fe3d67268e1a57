// Command posagent is a payment agent for a shop: it reads payment commands from
// cash registers on serial lines, pays through Antom, and tells the registers
// what became of every payment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"posagent/config"
)

// What a command ends with.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // EX_CONFIG: a supervisor need not try again
)

// command is one word after "posagent".
type command struct {
	name  string
	usage string // what follows the name on the command line
	brief string // one line for the list
	about string // the rest of its -h, before the flags
	run   func(ctx context.Context, e env, c command, args []string) int
}

// env is where a command reads and writes.
type env struct {
	stdout io.Writer
	stderr io.Writer
}

func commands() []command {
	return []command{
		runCommand(),
		demoCommand(),
		tortureCommand(),
		benchCommand(),
		sandboxCommand(),
		registerCommand(),
		paymentsCommand(),
		explainCommand(),
		resolveCommand(),
		checkCommand(),
		statusCommand(),
		holdCheckCommand(),
		doctorCommand(),
		keysCommand(),
		versionCommand(),
	}
}

func main() {
	signal.Ignore(syscall.SIGPIPE) // whoever read the log may go; the payments stay
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(dispatch(ctx, env{os.Stdout, os.Stderr}, os.Args[1:]))
}

// dispatch runs the command that args name.
func dispatch(ctx context.Context, e env, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(e.stderr, overview())
		return exitUsage
	}
	name := args[0]
	if name == "-h" || name == "-help" || name == "--help" || name == "help" {
		fmt.Fprint(e.stdout, overview())
		return exitDone
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, e, c, args[1:])
		}
	}
	fmt.Fprintf(e.stderr, "posagent: there is no command %q; posagent -h lists them\n", name)
	return exitUsage
}

func overview() string {
	text := "posagent takes a shop's payments from the cash register to Antom, losing none.\n\n" +
		"Usage: posagent COMMAND [FLAGS]\n\n"
	for _, c := range commands() {
		text += fmt.Sprintf("  %-10s %s\n", c.name, c.brief)
	}
	return text + "\nposagent COMMAND -h tells more.\n"
}

// flags returns a flag set that explains the command on -h.
func (c command) flags() *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // parse says it where it belongs
	return fs
}

// parse reads a command's flags. When it returns false the command is over, with
// the code it returns: help was asked for, or the words are wrong.
func (c command) parse(e env, fs *flag.FlagSet, args []string) (code int, ok bool) {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.help(e.stdout, fs)
		return exitDone, false
	}
	if err != nil {
		return c.misused(e, "%v", err), false
	}
	return 0, true
}

// parseMixed is parse for a command whose words may stand before, between and behind
// its flags, as one writes them; it returns the words.
func (c command) parseMixed(e env, fs *flag.FlagSet, args []string) (words []string, code int, ok bool) {
	for {
		if code, ok := c.parse(e, fs, args); !ok {
			return nil, code, false
		}
		if fs.NArg() == 0 {
			return words, 0, true
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
}

// configured is parse for a command that is about one configuration, which it reads,
// without the keys that it names.
func (c command) configured(e env, fs *flag.FlagSet, args []string) (file string, cfg config.Config, code int, ok bool) {
	fs.StringVar(&file, "config", "", "the configuration `FILE`")
	if code, ok := c.parse(e, fs, args); !ok {
		return file, cfg, code, false
	}
	if file == "" || fs.NArg() > 0 {
		return file, cfg, c.misused(e, "give one configuration with -config FILE"), false
	}
	cfg, err := config.Load(file)
	if err != nil {
		return file, cfg, c.misconfigured(e, file, err), false
	}
	return file, cfg, 0, true
}

// misused says what is wrong with the command line.
func (c command) misused(e env, format string, args ...any) int {
	fmt.Fprintf(e.stderr, "posagent %s: %s; see posagent %s -h\n", c.name, fmt.Sprintf(format, args...), c.name)
	return exitUsage
}

// failed says why a command did not do what was asked.
func (c command) failed(e env, err error) int {
	fmt.Fprintf(e.stderr, "posagent %s: %v\n", c.name, err)
	return exitFailed
}
