package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"posagent/config"
)

// built makes all pages from the program as it is now.
func built(t *testing.T) (about program, dir string) {
	t.Helper()
	dir = t.TempDir()
	// Read, so that the Go command does not take an old result for a new program's.
	sources, err := filepath.Glob(filepath.Join("..", "..", "cmd", "posagent", "*.go"))
	if err != nil || len(sources) == 0 {
		t.Fatal(err, "no source of the commands")
	}
	for _, s := range sources {
		page(t, "", s)
	}
	path := filepath.Join(dir, "posagent")
	if out, err := exec.Command("go", "build", "-o", path, "posagent/cmd/posagent").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := release{version: "0.1.0~test", maintainer: "m <m@posagent.example>", date: time.Unix(1764111111, 0).UTC()}
	if err := write(r, path, filepath.Join("..", ".."), dir); err != nil {
		t.Fatal(err)
	}
	about, err = ask(path)
	if err != nil {
		t.Fatal(err)
	}
	return about, dir
}

func page(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePagesKnowEveryCommandFlagAndKey(t *testing.T) {
	about, dir := built(t)
	if len(about.commands) < 7 {
		t.Fatalf("only %d commands were read", len(about.commands))
	}
	t.Run("posagent(1)", func(t *testing.T) {
		text := page(t, dir, "posagent.1")
		for _, c := range about.commands {
			_, section, ok := strings.Cut(text, "\n.SS posagent "+roff(c.name)+"\n")
			if section, _, _ = strings.Cut(section, "\n.SS "); !ok || c.usage == "" || len(c.about) == 0 {
				t.Errorf("%s has no section, usage or text", c.name)
			}
			for _, o := range c.flags {
				if !strings.Contains(section, "\n\\fB"+roff("-"+o.name)+"\\fR") {
					t.Errorf("%s -%s is missing", c.name, o.name)
				}
			}
		}
	})
	t.Run("posagent.toml(5)", func(t *testing.T) {
		text := page(t, dir, "posagent.toml.5")
		keys := regexp.MustCompile(`(?m)^#?([a-z_]+) = `).FindAllStringSubmatch(config.Example(), -1)
		if len(keys) < 30 {
			t.Fatalf("only %d keys were read", len(keys))
		}
		for _, k := range keys {
			if !strings.Contains(text, "\n\\fB"+k[1]+" = ") {
				t.Errorf("%s is missing", k[1])
			}
		}
	})
	t.Run("completion", func(t *testing.T) { completes(t, about, filepath.Join(dir, "completion")) })
}

// completes lets bash complete every command and every flag.
func completes(t *testing.T, about program, path string) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	complete := func(words ...string) []string {
		script := `set -u; source "$1"; shift; COMP_WORDS=(./posagent "$@"); COMP_CWORD=$#; _posagent; printf '%s\n' "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, append([]string{"-c", script, "bash", path}, words...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	below := map[string]int{}
	for _, c := range about.commands {
		below[c.under]++
	}
	for above, want := range below {
		if got := len(complete(append(strings.Fields(above), "")...)); got != want {
			t.Errorf("after %q %d commands are offered, want %d", above, got, want)
		}
	}
	if below["keys"] == 0 {
		t.Error("keys has no commands below it")
	}
	for _, c := range about.commands {
		if below[c.name] > 0 {
			continue
		}
		if got, want := len(complete(append(strings.Fields(c.name), "-")...)), len(c.flags)+1; got != want {
			t.Errorf("%s: %d flags are offered, want %d with -h", c.name, got, want)
		}
	}
	if got := complete("run", "-config", path[:len(path)-2]); len(got) != 1 || got[0] != path {
		t.Errorf("after -config: got %v, want %s", got, path)
	}
}

func TestARemarkInTheHelpIsNoFlag(t *testing.T) {
	c := command{name: "x"}
	text := "Usage: posagent x [-a FILE]\n\nSays -b no.\n  posagent x -c\n\nFlags:\n  -a FILE\n    \tthe FILE,\n    \tor none\n  -v\tspeak\n"
	if err := c.read(text); err != nil {
		t.Fatal(err)
	}
	want := []option{{"a", "FILE", "the FILE, or none"}, {"v", "", "speak"}}
	if len(c.flags) != 2 || c.flags[0] != want[0] || c.flags[1] != want[1] {
		t.Errorf("got %+v, want %+v", c.flags, want)
	}
	if got, want := strings.Join(c.about, "|"), "Says -b no.|  posagent x -c|"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRoffTakesNoTextForARequest(t *testing.T) {
	for text, want := range map[string]string{".x": `\&.x`, "'x": `\&'x`, `a\b`: `a\eb`, "-x": `\-x`} {
		if got := roff(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestTheChangelogIsTheFirstVersionsAlone(t *testing.T) {
	r := release{version: "2.0", maintainer: "m <m@posagent.example>", date: time.Unix(0, 0).UTC()}
	got, err := changelogPage(r, "# Changes\n\n## 2.0\n\n- One that\n  goes on.\n- Two.\n\nNot yet.\n\n## 1.0\n\n- Old.\n")
	want := "posagent (2.0) unstable; urgency=medium\n\n  * One that goes on.\n  * Two.\n  * Not yet.\n\n" +
		" -- m <m@posagent.example>  Thu, 01 Jan 1970 00:00:00 +0000\n"
	if got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := changelogPage(r, "nothing"); err == nil {
		t.Error("a changelog without a version was taken")
	}
}
