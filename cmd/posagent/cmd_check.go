package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"posagent/config"
)

func checkCommand() command {
	return command{
		name:  "check",
		usage: "-config FILE [-json]",
		brief: "check a configuration and its keys",
		about: "Reads a configuration and the keys it names, and says everything that is wrong\n" +
			"with them at once. Exit 0: run would take it; 78: it would not.\n",
		run: runCheck,
	}
}

func runCheck(_ context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	asJSON := fs.Bool("json", false, "the faults as JSON, on standard output")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if *file == "" || fs.NArg() > 0 {
		return c.misused(e, "give one configuration with -config FILE")
	}
	s, err := loadSettings(*file)
	if *asJSON {
		return c.checkedJSON(e, s, err)
	}
	if err != nil {
		return c.misconfigured(e, *file, err)
	}
	if err := s.explain(e.stdout); err != nil {
		return c.failed(e, err)
	}
	for _, remark := range s.remarks() {
		fmt.Fprintf(e.stdout, "note: %s\n", remark)
	}
	fmt.Fprintf(e.stdout, "\nThis was the file and its keys alone; for ports, clock, Antom and disk:\n  posagent doctor -config %s\n", shellWord(*file))
	return exitDone
}

// explain says what a configuration that is right means, for comparing it with what
// Antom and the register have.
func (s settings) explain(w io.Writer) error {
	keys, err := s.publicKeys()
	if err != nil {
		return err
	}
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s is right.\n\n", s.file)
	sealing := s.Antom.Encryption
	if sealing == "rsa_aes" {
		sealing += " " + s.Antom.Cipher
	}
	row("Antom", "%s", s.Antom.BaseURL)
	row("", "client %s, key version %d, encryption %s", s.Antom.ClientID, s.Antom.KeyVersion, sealing)
	for _, k := range keys {
		what := "our key"
		if k.Whose == keyAntom {
			what = "Antom's"
		}
		row(what, "%s, fingerprint", k.File)
		row("", "%s", k.Fingerprint)
	}
	row("store", "%s", s.Store.Path)
	for _, r := range s.Registers {
		row(r.Name, "%s, %d %d%s%d", r.Port, r.Baud, r.DataBits, strings.ToUpper(r.Parity[:1]), r.StopBits)
	}
	row("status", "%s", cmp.Or(s.Status.Listen, "nowhere"))
	return nil
}

func (c command) checkedJSON(e env, s settings, err error) int {
	list := []config.Fault{}
	var faults *config.Faults
	switch {
	case errors.As(err, &faults):
		list = faults.List
	case err != nil:
		list = append(list, config.Fault{Text: err.Error() + unreadable(err)})
	}
	notes := []string{}
	if err == nil {
		notes = append(notes, s.remarks()...)
	}
	if err := json.NewEncoder(e.stdout).Encode(map[string]any{"faults": list, "notes": notes}); err != nil {
		return c.failed(e, err)
	}
	if len(list) > 0 {
		return exitConfig
	}
	return exitDone
}
