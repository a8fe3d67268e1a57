package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
		return c.checkedJSON(e, err)
	}
	if err != nil {
		return c.misconfigured(e, *file, err)
	}
	fmt.Fprintf(e.stdout, "%s is right: %s, paying through %s\n", *file, count(len(s.Registers), "register"), s.Antom.BaseURL)
	for _, remark := range s.remarks() {
		fmt.Fprintf(e.stdout, "note: %s\n", remark)
	}
	return exitDone
}

func (c command) checkedJSON(e env, err error) int {
	list := []config.Fault{}
	var faults *config.Faults
	switch {
	case errors.As(err, &faults):
		list = faults.List
	case err != nil:
		list = append(list, config.Fault{Text: err.Error()})
	}
	if err := json.NewEncoder(e.stdout).Encode(map[string]any{"faults": list}); err != nil {
		return c.failed(e, err)
	}
	if len(list) > 0 {
		return exitConfig
	}
	return exitDone
}
