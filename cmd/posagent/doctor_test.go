package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"posagent/queue"
)

// wantFinding compares one finding: its severity, words in its text and its fix.
func wantFinding(t *testing.T, list []finding, want severity, words ...string) {
	t.Helper()
	for _, f := range list {
		missing := ""
		for _, w := range words {
			if !strings.Contains(f.Text+"\n"+f.Fix, w) {
				missing = w
			}
		}
		if f.Severity == want && missing == "" {
			if f.Fix == "" && (want == sevFault || want == sevWarning) {
				t.Errorf("%q has no fix", f.Text)
			}
			return
		}
	}
	t.Errorf("no %s with %q in %+v", want, words, list)
}

// whole is a port with nothing wrong.
func wholePort() portFacts {
	return portFacts{
		check: "port lane1", named: "/dev/pos/register0", path: "/dev/ttyUSB0", device: true, driver: "ftdi_sio",
		mode: fs.ModeDevice | fs.ModeCharDevice | 0o660, owner: identity{uid: 0, groups: []int{64077}},
		agent:  &identity{name: "posagent", uid: 999, groups: []int{64998, 64077}},
		caller: identity{name: "root"}, udev: true, ignored: true, match: `ENV{ID_SERIAL_SHORT}=="A1"`, counters: &lineCounters{rx: 5000, tx: 6000},
	}
}

func TestThePortsFactsLeadToTheirFindings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*portFacts)
		want   severity
		words  []string
	}{
		"free":         {func(*portFacts) {}, sevOK, []string{"/dev/pos/register0 is /dev/ttyUSB0, driver ftdi_sio, free"}},
		"ours":         {func(f *portFacts) { f.holders = []process{{12, "posagent"}} }, sevOK, []string{"in use by posagent (pid 12)"}},
		"ours, by pid": {func(f *portFacts) { f.holders, f.agents = []process{{12, "till"}}, []process{{12, "till"}} }, sevOK, []string{"pid 12"}},
		"another agent's": {func(f *portFacts) { f.holders, f.agents = []process{{12, "posagent"}}, []process{{11, "posagent"}} }, sevFault,
			[]string{"posagent (pid 12)"}},
		"seen by a user": {func(f *portFacts) { f.caller.uid = 5 }, sevOK, []string{"as far as this user can see"}},
		"another's": {func(f *portFacts) { f.holders = []process{{12, "posagent"}, {13, "minicom"}} }, sevFault,
			[]string{"minicom (pid 13)", "sudo kill 13"}},
		"a login's":      {func(f *portFacts) { f.holders = []process{{9, "agetty"}} }, sevFault, []string{"serial-getty@ttyUSB0.service"}},
		"ModemManager's": {func(f *portFacts) { f.holders = []process{{9, "ModemManager"}} }, sevFault, []string{"disable --now ModemManager"}},
		"missing":        {func(f *portFacts) { f.err = fs.ErrNotExist }, sevFault, []string{"/dev/pos/register0 is not there", "plug"}},
		"hidden":         {func(f *portFacts) { f.err = fs.ErrPermission }, sevNote, []string{"as root"}},
		"a file":         {func(f *portFacts) { f.device = false }, sevFault, []string{"is a file"}},
		"ambiguous":      {func(f *portFacts) { f.err = errors.New("two such") }, sevFault, []string{"two such"}},
		"not in the group": {func(f *portFacts) { f.agent.groups = []int{64998} }, sevFault,
			[]string{"posagent may not open it", "sudo usermod -aG 64077 posagent"}},
		"no group may":  {func(f *portFacts) { f.mode = fs.ModeCharDevice | 0o600 }, sevFault, []string{`GROUP="64998"`, "udevadm trigger"}},
		"for everybody": {func(f *portFacts) { f.mode = fs.ModeCharDevice | 0o666 }, sevWarning, []string{"every user", "chmod o-rw /dev/ttyUSB0"}},
		"modems asked":  {func(f *portFacts) { f.modems, f.ignored = true, false }, sevFault, []string{"ID_MM_DEVICE_IGNORE", `echo 'SUBSYSTEM=="tty", ENV{ID_SERIAL_SHORT}=="A1", ENV{ID_MM_DEVICE_IGNORE}="1"' |`}},
		"modems told":   {func(f *portFacts) { f.modems = true }, sevOK, []string{"leaves it alone"}},
		"modems absent": {func(f *portFacts) { f.ignored = false }, sevNote, []string{"does not run"}},
		"wrong speed":   {func(f *portFacts) { f.counters.frame = 50 }, sevWarning, []string{"50 frame errors", "set baud"}},
		"some noise":    {func(f *portFacts) { f.counters.frame = 2 }, sevNote, []string{"2 frame errors", "few"}},
		"wrong parity":  {func(f *portFacts) { f.counters.parity = 900 }, sevWarning, []string{"parity"}},
		"overruns":      {func(f *portFacts) { f.counters.overrun = 9 }, sevWarning, []string{"overruns", "lower baud"}},
		"starved":       {func(f *portFacts) { f.counters.buffer = 9 }, sevWarning, []string{"no room"}},
		"breaks":        {func(f *portFacts) { f.counters.brks = 3 }, sevNote, []string{"3 breaks"}},
		"not counted":   {func(f *portFacts) { f.counters, f.countersWhy = nil, "x" }, sevNote, []string{"no counters", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := wholePort()
			c.change(&f)
			wantFinding(t, f.judge(), c.want, c.words...)
		})
	}
	for _, f := range wholePort().judge() {
		if f.Severity != sevOK {
			t.Errorf("a port with nothing wrong: %+v", f)
		}
	}
}

func TestARuleNamesTheAdapterByWhatStaysTheSame(t *testing.T) {
	const about = "S:serial/by-id/x\nE:ID_BUS=usb\nE:ID_VENDOR_ID=0403\nE:ID_MODEL_ID=6001\n"
	for text, want := range map[string]string{
		about + "E:ID_SERIAL_SHORT=A1B2\n": `ENV{ID_SERIAL_SHORT}=="A1B2"`,
		about:                              `ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001"`,
		"I:12":                             `KERNEL=="ttyUSB0"`,
	} {
		if got := udevMatch(text, "ttyUSB0"); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := udevValue(about, "ID_MM_DEVICE_IGNORE"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestCountersOfAnOnboardPortAreReadWithoutOpeningIt(t *testing.T) {
	const text = "serinfo:1.0 driver revision:\n0: uart:16550A port:000003F8 irq:4 tx:12 rx:34 fe:5 oe:6 brk:7 RTS|DTR\n1: uart:unknown port:0 irq:0\n10: uart:x rx:1"
	got, ok := parse8250(text, "ttyS0")
	if want := (lineCounters{rx: 34, tx: 12, frame: 5, overrun: 6, brks: 7}); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	for _, name := range []string{"ttyS2", "ttyUSB0", "ttyS"} {
		if got, ok := parse8250(text, name); ok {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAFilesModeSaysWhoMay(t *testing.T) {
	owner := identity{uid: 5, groups: []int{50}}
	for _, c := range []struct {
		who  identity
		mode fs.FileMode
		want bool
	}{
		{identity{uid: 0}, 0, true}, {identity{uid: 5}, 0o600, true}, {identity{uid: 5}, 0o060, false},
		{identity{uid: 6, groups: []int{50}}, 0o060, true}, {identity{uid: 6, groups: []int{50}}, 0o606, false},
		{identity{uid: 6, groups: []int{51}}, 0o606, true}, {identity{uid: 6}, 0o660, false}, {identity{uid: 6}, 0o644, false},
	} {
		if got := c.who.may(0o6, c.mode, owner); got != c.want {
			t.Errorf("%+v with %04o: got %v", c.who, c.mode, got)
		}
	}
}

func TestTheKeyFilesFactsLeadToTheirFindings(t *testing.T) {
	root := identity{uid: 0, groups: []int{0}}
	for name, c := range map[string]struct {
		change func(*keyFacts)
		want   severity
		words  []string
	}{
		"right":        {func(*keyFacts) {}, sevOK, []string{"mode 0600"}},
		"read by all":  {func(f *keyFacts) { f.mode = 0o644 }, sevFault, []string{"sudo chmod 600 /etc/posagent/private.pem"}},
		"root's alone": {func(f *keyFacts) { f.owner = root }, sevFault, []string{"posagent, can't read it", "sudo chown posagent"}},
		"passed":       {func(f *keyFacts) { f.owner, f.passed = root, true }, sevOK, nil},
		"shut folder":  {func(f *keyFacts) { f.folders[0].mode = 0o700 }, sevFault, []string{"chmod o+x /etc/posagent"}},
		"open folder":  {func(f *keyFacts) { f.folders[0].mode = 0o777 }, sevWarning, []string{"sudo chmod go-w /etc/posagent"}},
		"sticky":       {func(f *keyFacts) { f.folders[0].mode = 0o777 | os.ModeSticky }, sevOK, nil},
		"public, written by all": {func(f *keyFacts) { f.private, f.mode = false, 0o666 }, sevWarning,
			[]string{"another key", "chmod go-w"}},
		"hidden": {func(f *keyFacts) { f.err = fs.ErrPermission }, sevNote, []string{"as root"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := keyFacts{path: "/etc/posagent/private.pem", private: true, mode: 0o600, owner: identity{uid: 999, groups: []int{998}},
				agent:   &identity{name: "posagent", uid: 999, groups: []int{998}},
				folders: []folderFacts{{"/etc/posagent", 0o755, root}, {"/etc", 0o755, root}}}
			c.change(&f)
			wantFinding(t, f.judge(), c.want, c.words...)
		})
	}
}

func TestTheDisksFactsLeadToTheirFindings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*diskFacts)
		want   severity
		words  []string
	}{
		"right":     {func(*diskFacts) {}, sevOK, []string{"/var/lib/posagent (ext4) has 1024 MB free"}},
		"full":      {func(f *diskFacts) { f.freeBytes = 1 << 20 }, sevFault, []string{"1024 kB free", "du -xh"}},
		"nearly":    {func(f *diskFacts) { f.freeBytes = 32 << 20 }, sevWarning, []string{"32 MB free"}},
		"no inodes": {func(f *diskFacts) { f.freeInodes = 3 }, sevFault, []string{"3 more files", "--inodes"}},
		"read-only": {func(f *diskFacts) { f.readOnly = true }, sevFault, []string{"read-only", "dmesg"}},
		"missing":   {func(f *diskFacts) { f.err = fs.ErrNotExist }, sevFault, []string{"sudo install -d -m 700 -o posagent /var/lib/posagent"}},
		"not ours":  {func(f *diskFacts) { f.owner.uid = 5 }, sevFault, []string{"sudo chown posagent /var/lib/posagent"}},
		"tmpfs":     {func(f *diskFacts) { f.kind = fsTmpfs }, sevWarning, []string{"memory", "forgotten"}},
		"overlay":   {func(f *diskFacts) { f.kind = fsOverlay }, sevWarning, []string{"findmnt"}},
		"nfs":       {func(f *diskFacts) { f.kind = fsNFS }, sevWarning, []string{"network"}},
		"fat":       {func(f *diskFacts) { f.kind = fsFAT }, sevWarning, []string{"journal"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := diskFacts{folder: "/var/lib/posagent", kind: fsExt4, freeBytes: 1 << 30, freeInodes: 10000, inodes: 20000, mode: 0o700,
				owner: identity{uid: 999, groups: []int{998}}, agent: &identity{name: "posagent", uid: 999, groups: []int{998}}}
			c.change(&f)
			wantFinding(t, f.judge(), c.want, c.words...)
		})
	}
}

func TestTheClocksFactsLeadToTheirFindings(t *testing.T) {
	today := earliest().AddDate(0, 3, 0)
	for name, c := range map[string]struct {
		f     clockFacts
		want  severity
		words []string
	}{
		"right":           {clockFacts{now: today, known: true, synced: true}, sevOK, []string{"synchronized"}},
		"not kept":        {clockFacts{now: today, known: true}, sevWarning, []string{"set-ntp true"}},
		"not said":        {clockFacts{now: today}, sevNote, nil},
		"1970":            {clockFacts{now: time.Unix(60, 0), known: true}, sevFault, []string{"1970", "AGENT_CLOCK", "set-time"}},
		"2040":            {clockFacts{now: today.AddDate(14, 0, 0), known: true}, sevFault, []string{"14 years", "AGENT_CLOCK"}},
		"2040, and it is": {clockFacts{now: today.AddDate(14, 0, 0), known: true, synced: true}, sevOK, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.f.earliest = earliest()
			wantFinding(t, c.f.judge(), c.want, c.words...)
		})
	}
}

func TestTheStoresFactsLeadToTheirFindings(t *testing.T) {
	for name, c := range map[string]struct {
		f     storeFacts
		want  severity
		words []string
	}{
		"none":     {storeFacts{missing: true}, sevNote, []string{"first start"}},
		"whole":    {storeFacts{summary: queue.Summary{Payments: 2, Bytes: 65536}}, sevOK, []string{"2 payments, 0 refunds, 64 kB"}},
		"in doubt": {storeFacts{config: "/c", summary: queue.Summary{InDoubt: 1}}, sevWarning, []string{"1 payment in doubt", "do not charge again", "posagent explain"}},
		"damaged":  {storeFacts{err: queue.ErrDamaged}, sevFault, []string{"restart the agent"}},
		"a row":    {storeFacts{verified: queue.Verified{Damaged: make([]queue.Damage, 2)}}, sevFault, []string{"2 rows can't be believed"}},
		"too big":  {storeFacts{err: context.DeadlineExceeded, cut: true, verified: queue.Verified{Rows: 9}}, sevNote, []string{"9 rows"}},
		"aside":    {storeFacts{aside: []string{"/x.damaged-1"}}, sevNote, []string{"/x.damaged-1"}},
		"hidden":   {storeFacts{err: fs.ErrPermission}, sevNote, []string{"as root"}},
	} {
		t.Run(name, func(t *testing.T) { wantFinding(t, c.f.judge(), c.want, c.words...) })
	}
}

func TestMemoryAgentAndUnitLeadToTheirFindings(t *testing.T) {
	wantFinding(t, memoryFacts{totalBytes: 512 << 20, availableBytes: 300 << 20}.judge(), sevOK, "300 MB of 512 MB")
	wantFinding(t, memoryFacts{totalBytes: 512 << 20, availableBytes: 10 << 20}.judge(), sevWarning, "10 MB")
	wantFinding(t, memoryFacts{totalBytes: 1 << 30, availableBytes: 1 << 29, killed: 2}.judge(), sevWarning, "ended 2 processes")
	runs := []process{{7, "posagent"}}
	wantFinding(t, agentFacts{version: version}.judge(), sevOK, version)
	wantFinding(t, agentFacts{version: "0.0.1", file: "/c"}.judge(), sevWarning, "0.0.1 runs", "hold-check -config /c && sudo systemctl restart")
	wantFinding(t, agentFacts{err: fmt.Errorf("x: %w", errNobodyListens)}.judge(), sevWarning, "no agent runs", "enable --now")
	wantFinding(t, agentFacts{err: errNobodyListens, running: runs}.judge(), sevWarning, "posagent (pid 7) runs")
	wantFinding(t, agentFacts{err: errMayNotAsk}.judge(), sevNote, "sudo")
	wantFinding(t, agentFacts{err: errors.New("no answer in time")}.judge(), sevFault, "journalctl")
	wantFinding(t, unitFacts{active: "active", enabled: "enabled"}.judge(), sevOK, "active")
	wantFinding(t, unitFacts{active: "failed", status: "78", enabled: "enabled"}.judge(), sevFault, "stays down")
	wantFinding(t, unitFacts{active: "inactive", enabled: "disabled"}.judge(), sevWarning, "after a power cut")
	wantFinding(t, unitFacts{active: "active", enabled: "enabled", restarts: 4}.judge(), sevWarning, "4 times")
}

func TestFindingsFitATerminalAndStayOneLineElsewhere(t *testing.T) {
	f := warning("disk", "sudo something", "%s", strings.Repeat("words and more of them ", 12))
	var screen, file strings.Builder
	chart{w: &screen, terminal: true}.write(f)
	chart{w: &file}.write(f)
	for line := range strings.SplitSeq(screen.String(), "\n") {
		if n := len([]rune(strings.NewReplacer("\x1b[33m", "", "\x1b[0m", "").Replace(line))); n > chartWidth {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if n := strings.Count(file.String(), "\n"); n != 2 || strings.Contains(file.String(), "\x1b") {
		t.Errorf("to a file:\n%s", file.String())
	}
	for list, want := range map[*diagnosis]int{{note("a", "b")}: exitDone, {f, note("a", "b")}: exitWarnings, {f, fault("a", "b", "c")}: exitFailed} {
		if got := list.exit(); got != want {
			t.Errorf("%+v: exit %d, want %d", list, got, want)
		}
	}
}
