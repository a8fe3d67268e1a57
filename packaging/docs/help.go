package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// program is what posagent says about itself.
type program struct {
	brief    string // its first line
	commands []command
}

// command is one command's -h.
type command struct {
	name  string // a command below another has both words
	under string // the command above it, if there is one
	brief string
	usage string   // what follows the name on the command line
	about []string // lines, wrapped for 80 columns
	flags []option
}

// option is one flag.
type option struct {
	name     string // without "-"
	argument string // what it takes, such as "FILE"; "" for a switch
	text     string
}

// ask runs a posagent and reads what each of its commands says on -h.
func ask(path string) (program, error) {
	text, err := help(path, "-h")
	if err != nil {
		return program{}, err
	}
	p, err := readOverview(text)
	if err != nil {
		return program{}, err
	}
	listed := p.commands
	p.commands = nil
	for _, c := range listed {
		if err := c.ask(path); err != nil {
			return program{}, err
		}
		p.commands = append(p.commands, c)
		for _, word := range c.words() {
			below := command{name: c.name + " " + word, under: c.name}
			if err := below.ask(path); err != nil {
				return program{}, err
			}
			p.commands = append(p.commands, below)
		}
	}
	return p, nil
}

func (c *command) ask(path string) error {
	text, err := help(path, append(strings.Fields(c.name), "-h")...)
	if err != nil {
		return err
	}
	return c.read(text)
}

// words are the commands below a command: the first word of its usage, as in
// "generate|show [FLAGS]".
func (c *command) words() []string {
	first, _, _ := strings.Cut(c.usage, " ")
	if !regexp.MustCompile(`^[a-z-]+(\|[a-z-]+)+$`).MatchString(first) {
		return nil
	}
	return strings.Split(first, "|")
}

func help(path string, args ...string) (string, error) {
	out, err := exec.Command(path, args...).Output() //nolint:noctx // answers at once
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", path, strings.Join(args, " "), err)
	}
	return string(out), nil
}

// readOverview reads the list of commands: two spaces, the name, the brief.
func readOverview(text string) (program, error) {
	brief, rest, _ := strings.Cut(text, "\n")
	p := program{brief: brief}
	for line := range strings.Lines(rest) {
		found := regexp.MustCompile(`^  ([a-z-]+) +(\S.*)\n$`).FindStringSubmatch(line)
		if found != nil {
			p.commands = append(p.commands, command{name: found[1], brief: found[2]})
		}
	}
	if len(p.commands) == 0 {
		return p, fmt.Errorf("no command in %q", text)
	}
	return p, nil
}

// read takes a command's -h apart: the usage, what it is about, and the flags as
// package flag prints them, a tab before each line of text.
func (c *command) read(text string) error {
	usage, rest, _ := strings.Cut(text, "\n\n")
	var ok bool
	if c.usage, ok = strings.CutPrefix(usage, "Usage: posagent "+c.name); !ok {
		return fmt.Errorf("%s -h begins with %q", c.name, usage)
	}
	c.usage = strings.TrimSpace(c.usage)
	flags := regexp.MustCompile(`^  -(\S+)(?: (\S+))?(?:\t(.*))?$`)
	for _, line := range strings.Split(strings.TrimRight(rest, "\n"), "\n") {
		found := flags.FindStringSubmatch(line)
		switch continued, is := strings.CutPrefix(line, "    \t"); {
		case found != nil:
			c.flags = append(c.flags, option{name: found[1], argument: found[2], text: found[3]})
		case is && len(c.flags) > 0:
			o := &c.flags[len(c.flags)-1]
			o.text = strings.TrimSpace(o.text + " " + continued)
		case line != "Flags:":
			c.about = append(c.about, line)
		}
	}
	return nil
}
