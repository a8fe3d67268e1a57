package main

import (
	"context"
	"fmt"
	"time"
)

func doctorCommand() command {
	return command{
		name:  "doctor",
		usage: "-config FILE [-json] [-offline]",
		brief: "find out what keeps payments from working, and how to mend it",
		about: "Looks at the configuration and its keys, the registers' ports, the way to Antom and\n" +
			"the clocks, the key pair, the store's disk, the box and the running agent, and says\n" +
			"what is wrong and the exact fix. It is safe beside a running agent: it changes\n" +
			"nothing, opens no port that is in use, and moves no money. It takes at most 20 s.\n" +
			"Run it as root to see everything: sudo posagent doctor -config FILE\n\n" +
			"Exit 0: nothing is wrong; 3: warnings, no fault; 1: a fault; 78: the configuration\n" +
			"can't be used.\n",
		run: runDoctor,
	}
}

// doctorTime bounds everything a doctor does.
const doctorTime = 20 * time.Second

func runDoctor(ctx context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	asJSON := fs.Bool("json", false, "the findings as JSON, on standard output")
	offline := fs.Bool("offline", false, "leave Antom and the network alone")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if *file == "" || fs.NArg() > 0 {
		return c.misused(e, "give one configuration with -config FILE")
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	p := meet(*file)
	all := p.examine(ctx, e, *offline, *asJSON)
	if *asJSON {
		if err := writeDiagnosis(e.stdout, all); err != nil {
			return c.failed(e, err)
		}
	} else {
		fmt.Fprintln(e.stdout, all.verdict())
	}
	if p.unusable && !p.hidden {
		return exitConfig
	}
	return all.exit()
}

// patient is the site that is examined.
type patient struct {
	file     string
	s        settings
	err      error // of the configuration
	unusable bool  // run would end with 78, or as far as this user may know
	hidden   bool  // and that for nothing but what this user may not read
	box      box
	agent    *identity // whom the agent runs as, where that is known
	running  []process // agents
	now      func() time.Time
}

func meet(file string) *patient {
	p := &patient{file: file, box: box{root: "/"}, now: time.Now}
	p.s, p.err = loadSettings(file)
	p.unusable = p.err != nil
	p.hidden = p.onlyHidden()
	p.running = p.box.agents(p.s.Store.Path)
	p.agent = p.box.agentUser(p.running)
	return p
}

// examination is one of the things a doctor does.
type examination struct {
	name   string // as progress tells it
	online bool   // it talks to the network
	whole  bool   // it needs a configuration that is right
	within time.Duration
	look   func(ctx context.Context, p *patient) []finding
}

// examinations are all of them, in the order in which a technician would go. Their
// times add up to less than doctorTime.
func examinations() []examination {
	return []examination{
		{name: "the configuration", within: time.Second, look: lookAtConfig},
		{name: "the keys' files", within: time.Second, look: lookAtKeyFiles},
		{name: "the ports", within: 2 * time.Second, look: lookAtPorts},
		{name: "the clock", within: time.Second, look: lookAtClock},
		{name: "the way to Antom", online: true, within: 6 * time.Second, look: lookAtWay},
		{name: "the key pair, by asking Antom", online: true, whole: true, within: 6 * time.Second, look: lookAtPair},
		{name: "the store's disk", within: time.Second, look: lookAtDisk},
		{name: "the store", within: 2 * time.Second, look: lookAtStore},
		{name: "whether a sync can be believed", within: 3 * time.Second, look: lookAtSync},
		{name: "the memory", within: time.Second, look: lookAtMemory},
		{name: "the running agent", whole: true, within: 3 * time.Second, look: lookAtAgent},
		{name: "the unit", within: 2 * time.Second, look: lookAtUnit},
	}
}

// examine goes through all examinations, and tells of each finding as it comes.
func (p *patient) examine(ctx context.Context, e env, offline, quiet bool) diagnosis {
	c := chart{w: e.stdout, terminal: isTerminal(e.stdout)}
	progress := isTerminal(e.stderr) && !quiet
	all := diagnosis{}
	for _, x := range examinations() {
		if x.online && offline || x.whole && p.unusable {
			continue
		}
		if progress {
			fmt.Fprintf(e.stderr, "looking at %s …\r", x.name)
		}
		found := p.oneExamination(ctx, x)
		if progress {
			fmt.Fprint(e.stderr, "\x1b[2K\r")
		}
		for _, f := range found {
			if !quiet {
				c.write(f)
			}
		}
		all = append(all, found...)
	}
	return all
}

func (p *patient) oneExamination(ctx context.Context, x examination) []finding {
	ctx, cancel := context.WithTimeout(ctx, x.within)
	defer cancel()
	return x.look(ctx, p)
}
