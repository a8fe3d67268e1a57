package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// agentFacts is how the running agent answers, if one runs.
type agentFacts struct {
	running []process
	listen  string
	err     error
	version string
	file    string // the configuration
}

// lookAtAgent asks the running agent who it is, over its status socket.
func lookAtAgent(ctx context.Context, p *patient) []finding {
	f := agentFacts{running: p.running, listen: p.s.Status.Listen, file: p.file}
	var says struct{ Version string }
	f.err = newStatusClient(f.listen, 3*time.Second).get(ctx, statusBrief, &says)
	f.version = says.Version
	return f.judge()
}

func (f agentFacts) judge() []finding {
	const check = "agent"
	switch {
	case f.err == nil && f.version != version:
		return []finding{warning(check, "posagent hold-check -config "+shellWord(f.file)+" && sudo systemctl restart posagent",
			"version %s runs, and %s is installed", f.version, version)}
	case f.err == nil:
		return []finding{fine(check, "version %s runs and answers at %s", f.version, f.listen)}
	case errors.Is(f.err, errNoSocket):
		return []finding{note(check, `%s; with [status] listen = "unix:/run/posagent/status.sock" status and hold-check can ask it`, f.err)}
	case errors.Is(f.err, errMayNotAsk):
		return []finding{note(check, "%v", f.err)}
	case errors.Is(f.err, errNobodyListens) && len(f.running) > 0:
		return []finding{warning(check, "journalctl -u posagent says why it has no status socket",
			"%s runs, and does not answer at %s: it uses another configuration, or could not open its socket", f.running[0], f.listen)}
	case errors.Is(f.err, errNobodyListens):
		return []finding{warning(check, "sudo systemctl enable --now posagent", "no agent runs")}
	}
	return []finding{fault(check, "journalctl -u posagent; then sudo systemctl restart posagent", "%v", f.err)}
}

// unitFacts is what systemd says of the unit.
type unitFacts struct {
	active, enabled, result, status string
	restarts                        uint64
}

// lookAtUnit asks systemd, where it is there and knows the unit.
func lookAtUnit(ctx context.Context, p *patient) []finding {
	if _, err := os.Stat(p.box.path("run", "systemd", "system")); err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, "systemctl", "show", "posagent.service",
		"--property=LoadState,ActiveState,UnitFileState,Result,ExecMainStatus,NRestarts").Output()
	if err != nil {
		return []finding{note("unit", "systemctl can't be asked: %v", err)}
	}
	says := map[string]string{}
	for line := range strings.SplitSeq(string(out), "\n") {
		name, value, _ := strings.Cut(line, "=")
		says[name] = value
	}
	if says["LoadState"] == "not-found" {
		return []finding{note("unit", "there is no posagent.service: nobody starts the agent after a power cut")}
	}
	f := unitFacts{active: says["ActiveState"], enabled: says["UnitFileState"], result: says["Result"], status: says["ExecMainStatus"],
		restarts: numberAfter("n "+says["NRestarts"], "n")}
	return f.judge()
}

func (f unitFacts) judge() []finding {
	const check = "unit"
	var list []finding
	switch {
	case f.active == "failed" && f.status == "78":
		list = append(list, fault(check, "mend what posagent check says, then sudo systemctl restart posagent", "posagent.service stays down: its configuration is wrong"))
	case f.active == "active" || f.active == "reloading":
		list = append(list, fine(check, "posagent.service is %s", f.active))
	default:
		list = append(list, fault(check, "sudo systemctl restart posagent; journalctl -u posagent -n 50", "posagent.service is %s (%s, exit %s)", f.active, f.result, f.status))
	}
	if f.enabled != "enabled" && f.enabled != "enabled-runtime" {
		list = append(list, warning(check, "sudo systemctl enable posagent", "nothing starts posagent.service after a power cut (it is %s)", f.enabled))
	}
	if f.restarts > 0 {
		list = append(list, warning(check, "journalctl -u posagent -p warning says why", "systemd had to start it again %d times", f.restarts))
	}
	return list
}
