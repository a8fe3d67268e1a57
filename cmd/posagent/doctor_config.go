package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"posagent/config"
)

// lookAtConfig says what check says.
func lookAtConfig(_ context.Context, p *patient) []finding {
	const check = "config"
	var faults *config.Faults
	switch {
	case errors.As(p.err, &faults):
		var list []finding
		for _, f := range faults.List {
			list = append(list, p.judgeFault(f))
		}
		return list
	case errors.Is(p.err, fs.ErrPermission):
		return []finding{fault(check, "sudo posagent doctor -config "+shellWord(p.file), "%v", p.err)}
	case p.err != nil:
		return []finding{fault(check, "name the agent's configuration; the package's is /etc/posagent/posagent.toml", "%v", p.err)}
	}
	list := []finding{fine(check, "%s is right: %s, paying through %s", p.file, count(len(p.s.Registers), "register"), p.s.Antom.BaseURL)}
	for _, remark := range p.s.remarks() {
		list = append(list, note(check, "%s", remark))
	}
	return list
}

func (p *patient) judgeFault(f config.Fault) finding {
	const check = "config"
	if p.hiddenFault(f) {
		return note(check, "%s can't be read as this user; run doctor as root to see the rest", p.s.Antom.PrivateKeyFile)
	}
	text := (&config.Faults{File: p.file, List: []config.Fault{f}}).Error()
	file := shellWord(p.file)
	ours, theirs := f.Key == privateKeyKey, strings.HasPrefix(f.Key, "antom.antom_public_key_file")
	missing := strings.Contains(f.Text, "is not there")
	switch {
	case ours && missing:
		return fault(check, "sudo posagent keys generate -config "+file, "%s", text)
	case ours && strings.Contains(f.Text, "chmod"):
		return fault(check, "sudo chmod 600 "+shellWord(p.s.Antom.PrivateKeyFile), "%s", text)
	case theirs && missing:
		return fault(check, "sudo posagent keys import -config "+file+" KEYFILE, with the key that Antom shows", "%s", text)
	case theirs && strings.Contains(f.Text, "our own public key"):
		return fault(check, "sudo posagent keys import -config "+file+" -replace KEYFILE, with the key that Antom shows", "%s", text)
	}
	return fault(check, "sudoedit "+file+" && posagent check -config "+file, "%s", text)
}

// privateKeyKey is the key whose file only the agent and root may read.
const privateKeyKey = "antom.private_key_file"

// hiddenFault reports whether a fault is no more than that this user may not read our
// private key, as it should be.
func (p *patient) hiddenFault(f config.Fault) bool {
	if f.Key != privateKeyKey || os.Geteuid() == 0 {
		return false
	}
	file, err := os.Open(p.s.Antom.PrivateKeyFile)
	if err == nil {
		_ = file.Close() // only tried
	}
	return errors.Is(err, fs.ErrPermission)
}

func (p *patient) onlyHidden() bool {
	var faults *config.Faults
	if !errors.As(p.err, &faults) {
		return false
	}
	for _, f := range faults.List {
		if !p.hiddenFault(f) {
			return false
		}
	}
	return true
}
