package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"posagent/config"
	"posagent/device"
)

// portFacts is what was found out about a register's port.
type portFacts struct {
	check   string // "port lane1"
	named   string // in the configuration
	path    string // the device file it leads to
	err     error  // it could not be found
	device  bool   // it is a character device
	pseudo  bool   // of a pseudo terminal
	driver  string
	mode    fs.FileMode
	owner   identity
	holders []process
	agents  []process // of this store
	agent   *identity
	caller  identity

	modems  bool   // ModemManager runs
	udev    bool   // udev knows the device
	ignored bool   // and ModemManager is to leave it alone
	match   string // what tells the device in a udev rule

	counters    *lineCounters // nil: not to be had
	countersWhy string        // why not
}

// lookAtPorts looks at every register's port. None is opened that anybody holds,
// and none is set up: the line may be in the middle of a sale.
func lookAtPorts(_ context.Context, p *patient) []finding {
	var list []finding
	modems := p.box.runs("ModemManager")
	for _, r := range p.s.Registers {
		f := p.portFacts(r)
		f.modems = modems
		list = append(list, f.judge()...)
	}
	return list
}

func (p *patient) portFacts(r config.Register) portFacts {
	f := portFacts{check: "port " + r.Name, named: r.Port, agents: p.running, agent: p.agent, caller: caller()}
	if f.path, f.err = device.FindPort("", r.Port); f.err != nil {
		return f
	}
	if real, err := filepath.EvalSymlinks(f.path); err == nil {
		f.path = real
	}
	var n node
	if n, f.mode, f.owner, f.err = nodeOf(f.path); f.err != nil {
		return f
	}
	f.device = f.mode&fs.ModeCharDevice != 0
	if !f.device {
		return f
	}
	number := fmt.Sprintf("%d:%d", unix.Major(n.rdev), unix.Minor(n.rdev))
	f.pseudo = unix.Major(n.rdev) >= 136 && unix.Major(n.rdev) <= 143 // Linux, devices.txt
	f.driver = p.box.driver(number)
	about := p.box.line("run", "udev", "data", "c"+number)
	f.udev, f.ignored = about != "", udevValue(about, "ID_MM_DEVICE_IGNORE") == "1"
	f.match = udevMatch(about, filepath.Base(f.path))
	f.holders = p.box.holders(n)
	f.counters, f.countersWhy = p.box.lineCounters(f)
	return f
}

// udevValue is a property in udev's record of a device, whose lines are such as
// "E:ID_VENDOR_ID=0403".
func udevValue(about, name string) string {
	for line := range strings.SplitSeq(about, "\n") {
		if value, found := strings.CutPrefix(line, "E:"+name+"="); found {
			return value
		}
	}
	return ""
}

// udevMatch tells a device in a rule: by the adapter's serial number, by its kind, or
// where neither is known by the kernel's name, which may change at the next plug.
func udevMatch(about, name string) string {
	serial, vendor, product := udevValue(about, "ID_SERIAL_SHORT"), udevValue(about, "ID_VENDOR_ID"), udevValue(about, "ID_MODEL_ID")
	switch {
	case serial != "":
		return `ENV{ID_SERIAL_SHORT}=="` + serial + `"`
	case vendor != "" && product != "":
		return `ENV{ID_VENDOR_ID}=="` + vendor + `", ENV{ID_MODEL_ID}=="` + product + `"`
	}
	return `KERNEL=="` + name + `"`
}

// rule is the command that adds a udev rule for this device, in a file of its own.
func (f portFacts) rule(file, does string) string {
	return `echo 'SUBSYSTEM=="tty", ` + f.match + ", " + does + `' | sudo tee /etc/udev/rules.d/` + file +
		" && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=tty"
}

// driver is the name of the driver below a character device, "" for none. Since
// Linux 6.5 an on-board port hangs on two devices of the serial core's own first.
func (b box) driver(number string) string {
	dir, err := filepath.EvalSymlinks(b.path("sys", "dev", "char", number, "device"))
	if err != nil {
		return ""
	}
	for range 4 {
		link, err := filepath.EvalSymlinks(filepath.Join(dir, "driver"))
		if name := filepath.Base(link); err == nil && name != "port" && name != "ctrl" {
			return name
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// judge says what the facts mean.
func (f portFacts) judge() []finding {
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		return []finding{fault(f.check, "plug the adapter in; ls -l /dev/pos /dev/serial/by-id shows what is there",
			"%s is not there", f.named)}
	case errors.Is(f.err, fs.ErrPermission):
		return []finding{note(f.check, "%s can't be looked at as this user; run doctor as root", f.named)}
	case f.err != nil:
		return []finding{fault(f.check, "correct port in the configuration", "%v", f.err)}
	case !f.device:
		return []finding{fault(f.check, "name a serial port: ls -l /dev/pos /dev/serial/by-id", "%s is a file, not a serial port", f.path)}
	}
	list := []finding{f.judgeUse()}
	list = append(list, f.judgeAccess()...)
	list = append(list, f.judgeModems()...)
	return append(list, f.judgeCounters()...)
}

func (f portFacts) String() string {
	s := f.named
	if f.path != f.named {
		s += " is " + f.path
	}
	switch {
	case f.driver != "":
		s += ", driver " + f.driver
	case f.pseudo:
		s += ", a pseudo terminal"
	}
	return s
}

// judgeUse says who has the port.
func (f portFacts) judgeUse() finding {
	var others []string
	for _, h := range f.holders {
		if !f.ours(h) {
			others = append(others, h.String())
		}
	}
	switch {
	case len(others) > 0:
		return fault(f.check, f.evict(), "%s, in use by %s: the agent can't have it, or shares what the register says",
			f, strings.Join(others, ", "))
	case len(f.holders) > 0:
		return fine(f.check, "%s, in use by %s", f, f.holders[0])
	}
	if f.caller.uid != 0 {
		return fine(f.check, "%s, free as far as this user can see", f)
	}
	return fine(f.check, "%s, free", f)
}

// ours reports whether a process is the agent of this store; where that one is not
// known, or the line is a stand-in's of two pseudo terminals, any posagent.
func (f portFacts) ours(p process) bool {
	if p.isAgent() && (f.pseudo || len(f.agents) == 0) {
		return true
	}
	return slices.ContainsFunc(f.agents, func(a process) bool { return a.PID == p.PID })
}

// evict is the command that frees the port.
func (f portFacts) evict() string {
	for _, h := range f.holders {
		switch {
		case h.Name == "ModemManager":
			return "sudo systemctl disable --now ModemManager"
		case strings.HasSuffix(h.Name, "getty"):
			unit := "serial-getty@" + filepath.Base(f.path) + ".service"
			return "sudo systemctl disable --now " + unit + "; and take console=" + filepath.Base(f.path) + " off the kernel's command line"
		case !f.ours(h):
			return fmt.Sprintf("sudo kill %d, and see that nothing starts it again", h.PID)
		}
	}
	return ""
}

// judgeAccess says who may open it.
func (f portFacts) judgeAccess() []finding {
	who := f.caller
	if f.agent != nil {
		who = *f.agent
	}
	rights := fmt.Sprintf("%s, owner %s, group %s", f.mode.Perm(), userName(f.owner.uid), groupName(f.owner.groups[0]))
	if !who.may(0o6, f.mode, f.owner) {
		fix := fmt.Sprintf("sudo usermod -aG %s %s, and start the agent again", groupName(f.owner.groups[0]), who.name)
		if f.mode.Perm()&0o060 != 0o060 || f.owner.groups[0] == 0 {
			group := "dialout"
			if f.agent != nil {
				group = groupName(f.agent.groups[0])
			}
			fix = f.rule("70-posagent-port.rules", `GROUP="`+group+`", MODE="0660"`)
		}
		return []finding{fault(f.check, fix, "%s may not open it (%s)", who.name, rights)}
	}
	if f.mode.Perm()&0o006 != 0 {
		return []finding{warning(f.check, "sudo chmod o-rw "+shellWord(f.path)+", and correct the udev rule that opens it",
			"every user of this box may read or write the line (%s)", rights)}
	}
	return []finding{fine(f.check, "%s may open it (%s)", who.name, rights)}
}

// judgeModems says whether ModemManager could take the register for a modem. Only
// USB adapters are asked by it.
func (f portFacts) judgeModems() []finding {
	name := filepath.Base(f.path)
	if !strings.HasPrefix(name, "ttyUSB") && !strings.HasPrefix(name, "ttyACM") {
		return nil
	}
	rule := f.rule("70-posagent-mm.rules", `ENV{ID_MM_DEVICE_IGNORE}="1"`) + " && sudo systemctl restart ModemManager"
	switch {
	case f.ignored && f.modems:
		return []finding{fine(f.check, "ModemManager runs, and leaves it alone (ID_MM_DEVICE_IGNORE)")}
	case f.ignored:
		return nil
	case f.modems:
		return []finding{fault(f.check, rule, "ModemManager runs and asks this line whether it is a modem: the register answers, and frames are lost")}
	case f.udev:
		return []finding{note(f.check, "ModemManager does not run; should it ever, nothing keeps it off this line (ID_MM_DEVICE_IGNORE is not set)")}
	}
	return nil
}
