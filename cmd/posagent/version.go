package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// version is this source's; a build from a checkout adds its commit.
const version = "0.1.0"

// builtFrom is the commit, where the build says it: go build -ldflags "-X
// main.builtFrom=COMMIT". Packages do, for the same bytes wherever they are built.
var builtFrom string //nolint:gochecknoglobals // the linker can set nothing else

// released is when this version was written: a clock that stands before it is
// wrong. Request times are signed, so a wrong clock would be refused anyway.
const released = "2026-11-23T00:00:00Z"

func versionCommand() command {
	return command{
		name:  "version",
		usage: "[-json]",
		brief: "say which posagent this is",
		about: "Says the version, the commit it was built from where that is known, and the platform.\n",
		run:   runVersion,
	}
}

func runVersion(_ context.Context, e env, c command, args []string) int {
	fs := c.flags()
	asJSON := fs.Bool("json", false, "as JSON")
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	build := map[string]string{
		"version": version, "commit": commit(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
	}
	if *asJSON {
		if err := json.NewEncoder(e.stdout).Encode(build); err != nil {
			return c.failed(e, err)
		}
		return exitDone
	}
	fmt.Fprintf(e.stdout, "posagent %s (%s, %s, %s)\n", build["version"], build["commit"], build["go"], build["platform"])
	return exitDone
}

// commit is the commit of the source, as the build or the Go command recorded it.
func commit() string {
	if builtFrom != "" {
		return "commit " + builtFrom
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "commit " + s.Value[:12]
			}
		}
	}
	return "commit not recorded"
}

// oldYears is the age of a program at which a clock is doubted that nobody keeps right
// and Antom does not confirm: a dead battery can leave a box in 2040.
const oldYears = 10

// farAhead reports whether a clock shows a time at which this program would be old.
// That alone does not make it wrong.
func farAhead(now time.Time) bool { return now.After(earliest().AddDate(oldYears, 0, 0)) }

// earliest is the floor of a believable clock.
func earliest() time.Time {
	t, err := time.Parse(time.RFC3339, released)
	if err != nil {
		panic("posagent: the date of this release can't be read: " + err.Error())
	}
	return t
}
